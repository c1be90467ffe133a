"""Which fields a type has, by its definition: elements under their JSON names, and what GraphQL
adds (R4, graphql.html): searches, resolved references, connections and their edges.

Types are those of FHIR, `Query` at the root, and `PatientConnection` with its `PatientEdge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from careplane.fhir.definitions import (
    RESOURCE_TYPES,
    TypeDef,
    is_primitive,
    is_resource,
    is_subtype,
    type_definition,
)

QUERY = "Query"
LIST = "List"
CONNECTION = "Connection"
EDGE = "Edge"
Kind = Literal["element", "name", "read", "search", "resolve"]
_LONGEST = 100
"""Characters of a name; what is longer is none of R4's, and is not remembered."""


@dataclass(frozen=True, slots=True)
class Member:
    """What a field is. `types` are those that its values may have; `targets` those that a
    Reference may point to. A `name` is the name of the type; a `read` finds by id."""

    kind: Kind
    types: tuple[str, ...] = ()
    repeats: bool = False
    targets: tuple[str, ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether it is a scalar."""
        return self.kind == "name" or (self.kind == "element" and is_primitive(self.types[0]))


_NAME = Member("name")
_PAGE = {
    "count": Member("element", ("integer",)),
    "offset": Member("element", ("integer",)),
    "pagesize": Member("element", ("integer",)),
    "first": Member("element", ("string",)),
    "previous": Member("element", ("string",)),
    "next": Member("element", ("string",)),
    "last": Member("element", ("string",)),
}
_MATCH = {
    "mode": Member("element", ("code",)),
    "score": Member("element", ("decimal",)),
}


def member(type: str, name: str) -> Member | None:
    """The field of a type, or None where it has none of this name."""
    return _member(type, name) if len(name) <= _LONGEST else None


@lru_cache(maxsize=20_000)
def _member(type: str, name: str) -> Member | None:
    if name == "__typename" or (name == "resourceType" and is_resource(type)):
        return _NAME
    if type == QUERY:
        return Member("read", (name,)) if is_resource(name) else _search(name)
    owner = connected(type)
    if owner is not None:
        return _of_connection(owner, type, name)
    if type == "Reference" and name == "resource":
        return Member("resolve")
    return _element(type, name) or (_search(name) if is_resource(type) else None)


def connected(type: str) -> str | None:
    """The resource that a connection or its edge is about; None for any other type."""
    for ending in (CONNECTION, EDGE):
        owner = type.removesuffix(ending)
        if owner != type and is_resource(owner):
            return owner
    return None


def _of_connection(owner: str, type: str, name: str) -> Member | None:
    if type.endswith(CONNECTION):
        return Member("element", (owner + EDGE,), True) if name == "edges" else _PAGE.get(name)
    return Member("element", (owner,)) if name == "resource" else _MATCH.get(name)


def _search(name: str) -> Member | None:
    if is_resource(name.removesuffix(LIST)) and name.endswith(LIST):
        return Member("search", (name.removesuffix(LIST),), True)
    if is_resource(name.removesuffix(CONNECTION)) and name.endswith(CONNECTION):
        return Member("search", (name,))
    return None


def _element(type: str, name: str) -> Member | None:
    definition = _definition(type)
    found = definition.json_names.get(name.removeprefix("_")) if definition else None
    if found is None:
        return None
    element, of = found
    if name.startswith("_"):
        return Member("element", ("Element",), element.repeats) if is_primitive(of) else None
    types = RESOURCE_TYPES if of == "Resource" else (of,)
    return Member("element", types, element.repeats, element.targets)


def _definition(type: str) -> TypeDef | None:
    try:
        return type_definition(type)
    except KeyError:
        return None


def is_known(type: str) -> bool:
    """Whether a fragment may be about this type."""
    return type == QUERY or connected(type) is not None or _definition(type) is not None


def applies(on: str | None, type: str) -> bool:
    """Whether a fragment on a type is about values of another."""
    return on is None or on == type or is_subtype(type, on)


def targets(names: tuple[str, ...]) -> frozenset[str]:
    """The resource types that a Reference may lead to; all where the definition names none."""
    known = frozenset(name for name in names if is_resource(name))
    return known or frozenset(RESOURCE_TYPES)
