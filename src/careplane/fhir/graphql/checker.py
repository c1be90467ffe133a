"""A query against R4 before any data is read: fields, arguments, fragments and directives that the
types do not have are refused, whatever the records hold (R4, graphql.html, Error Handling).

Where several types are possible, as behind a reference, a field must be of one of them at least.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NoReturn

from careplane.fhir.definitions import RESOURCE_TYPES, is_resource, search_parameters
from careplane.fhir.fhirpath import parse
from careplane.fhir.graphql.limits import MAX_PATH
from careplane.fhir.graphql.query import Field, Selection, Value, many
from careplane.fhir.graphql.schema import (
    CONNECTION,
    LIST,
    QUERY,
    Member,
    applies,
    is_known,
    member,
    targets,
)
from careplane.kernel.errors import Invalid, Issue, TooLarge

Types = frozenset[str]
_NOT_SEARCHED = frozenset(
    {
        "_include", "_revinclude", "_contained", "_containedType", "_summary", "_elements",
        "_format", "_pretty", "_type", "_total", "id",
    }
)  # fmt: skip
_RESOURCES = frozenset(RESOURCE_TYPES)


def check(selections: tuple[Selection, ...], type: str) -> None:
    """Raises Invalid, with the place in the query, for the first thing that can never work."""
    _selections(selections, frozenset({type}), _RESOURCES, "", type == QUERY)


def _selections(
    selections: Iterable[Selection], types: Types, leads_to: Types, place: str, at_root: bool
) -> None:
    for selection in selections:
        if isinstance(selection, Field):
            _field(selection, types, leads_to, place, at_root)
            continue
        on = selection.on
        if on is not None and not is_known(on):
            _wrong(place, f"There is no type {on[:64]!r}")
        narrowed = frozenset(t for t in types if applies(on, t))
        if not narrowed:
            _wrong(place, f"Nothing here is ever of the type {str(on)[:64]!r}")
        _selections(selection.selections, narrowed, leads_to, place, at_root)


def _field(field: Field, types: Types, leads_to: Types, place: str, at_root: bool) -> None:
    place = f"{place}.{field.name}" if place else field.name
    found = [m for type in sorted(types) if (m := member(type, field.name)) is not None]
    if not found:
        what = next(iter(types)) if len(types) == 1 else "Any type that can stand here"
        _wrong(place, f"{what} has no field {field.name[:64]!r}")
    _leaf_or_branch(field, found, place)
    _paths(field, place)
    kinds = {one.kind for one in found}
    if "resolve" in kinds:
        inner, beyond = _reference(field, leads_to, place), _RESOURCES
    else:
        # By identity: the members of a hundred types often share one long tuple.
        shared = {id(one.types): one.types for one in found}
        inner = frozenset(type for types in shared.values() for type in types)
        beyond = targets(tuple(name for one in found for name in one.targets))
    _arguments(field, found[0], inner, place, at_root)
    _selections(field.selections, inner, beyond, place, False)


def _leaf_or_branch(field: Field, found: list[Member], place: str) -> None:
    if all(one.is_leaf for one in found):
        if field.selections:
            _wrong(place, "This is a scalar and has no fields of its own")
        if field.flatten:
            _wrong(place, "@flatten is for what has fields of its own")
    elif not field.selections:
        _wrong(place, "Say in braces which fields of it are wanted")


def _paths(field: Field, place: str) -> None:
    fhirpath = field.argument("fhirpath")
    if fhirpath is not None and not isinstance(fhirpath, str):
        _wrong(place, "The argument fhirpath is a text")
    for path in (fhirpath, field.slice):
        if path is not None:
            if len(str(path)) > MAX_PATH:
                raise TooLarge(f"A FHIRPath in a query has at most {MAX_PATH} characters.")
            parse(str(path))


def _reference(field: Field, leads_to: Types, place: str) -> Types:
    for name, value in field.arguments:
        if name == "optional" and isinstance(value, bool):
            continue
        if name != "type" or not all(is_resource(str(type)) for type in many(value)):
            _wrong(place, f"{name[:64]!r} is no argument of a reference; optional and type are")
    asked = field.argument("type")
    return leads_to if asked is None else frozenset(map(str, many(asked)))


def _arguments(field: Field, found: Member, inner: Types, place: str, at_root: bool) -> None:
    if found.kind == "search":
        _search(field, place, at_root)
    elif found.kind == "read":
        if [name for name, _ in field.arguments] not in (["id"], ["_id"]):
            _wrong(place, "One resource is found by its id, and by nothing else")
    elif found.kind != "resolve":
        for name, value in field.arguments:
            _navigation(found, inner, place, name, value)


def _navigation(found: Member, inner: Types, place: str, name: str, value: Value) -> None:
    if found.is_leaf:
        _wrong(place, "A primitive takes no arguments")
    if name == "fhirpath":
        return
    if name in ("_count", "_offset"):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            _wrong(place, f"{name} is a whole number that is not negative")
        return
    sub = [m for type in inner if (m := member(type, name)) is not None]
    if not any(one.is_leaf for one in sub):
        _wrong(place, f"{name[:64]!r} is no argument here: it is no primitive element of it")


def _search(field: Field, place: str, at_root: bool) -> None:
    type = field.name.removesuffix(LIST if field.name.endswith(LIST) else CONNECTION)
    names = {name for name, _ in field.arguments}
    for name in names & _NOT_SEARCHED:
        _wrong(place, f"{name} is no argument of a search by GraphQL")
    if names & {"cursor", "_cursor"}:
        if not (at_root and field.name.endswith(CONNECTION)):
            _wrong(place, "A cursor is for a Connection at the root of the query")
        if len(names) > 1:
            _wrong(place, "A cursor stands alone: it carries the arguments that it was made with")
    if at_root and "_reference" in names:
        _wrong(place, "_reference is for a resource that is in focus, and there is none here")
    if not at_root and reference_of(type, field) is None:
        _wrong(place, "_reference names the search parameter of type reference that leads here")


def reference_of(type: str, field: Field) -> str | None:
    """The search parameter that `_reference` names, if there is such a one."""
    code = str(field.argument("_reference")).replace("_", "-")
    return code if code in _references(type) else None


@cache
def _references(type: str) -> frozenset[str]:
    bases = {type, "Resource", "DomainResource"}
    return frozenset(
        p.code
        for p in search_parameters()
        if p.type == "reference" and not bases.isdisjoint(p.bases)
    )


def _wrong(place: str, text: str) -> NoReturn:
    text = f"{text}."
    where = f" In the query: {place[:200]}" if place else ""
    raise Invalid(text + where, issues=(Issue("error", "invalid", text + where),))
