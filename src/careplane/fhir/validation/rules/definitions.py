"""Rules about what defines: questionnaires, code systems, search parameters, expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from careplane.fhir.definitions import is_resource, type_names
from careplane.fhir.fhirpath import check, parse
from careplane.fhir.fhirpath.errors import NotFhirpath, NotMeaningful
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_FHIRPATH = "text/fhirpath"


def enable_behavior(node: Node, where: str) -> Iterator[Issue]:
    """More than one enableWhen need an enableBehavior (que-12, whose expression says "> 2")."""
    conditions = node.value.get("enableWhen")
    if isinstance(conditions, list) and len(conditions) == 2 and "enableBehavior" not in node.value:
        text = "que-12: With more than one enableWhen, enableBehavior must be given"
        yield Issue("error", "invariant", text, where)


def enable_when(node: Node, where: str) -> Iterator[Issue]:
    """enableWhen asks a question that is here, and not below the item itself (18.8)."""
    known = set(_links(node.value))
    yield from _conditions(node.value, known, where)


def _conditions(owner: Tree, known: set[str], where: str) -> Iterator[Issue]:
    for index, item in enumerate(_objects(owner.get("item"))):
        place = f"{where}.item[{index}]"
        inner = set(_links(item))
        for condition in _objects(item.get("enableWhen")):
            question = condition.get("question")
            if question not in known:
                text = "An enableWhen asks a question that is not in this questionnaire"
                yield Issue("error", "not-found", text, place)
            elif question in inner:
                text = "An enableWhen cannot ask a question that is inside of its own item"
                yield Issue("error", "business-rule", text, place)
        yield from _conditions(item, known, place)


def _links(owner: Tree) -> Iterator[str]:
    for item in _objects(owner.get("item")):
        yield str(item.get("linkId"))
        yield from _links(item)


_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
_STANDARD = {
    "inactive": "boolean",
    "deprecated": "dateTime",
    "deprecationDate": "dateTime",
    "notSelectable": "boolean",
    "parent": "code",
    "child": "code",
}
"""Properties that R4 defines for every code system, and their types (4.8.11)."""


def properties(node: Node, where: str) -> Iterator[Issue]:
    """The properties of a code system have codes and URIs of their own, and the types they are
    defined with (4.8)."""
    seen: dict[str, set[str]] = {"code": set(), "uri": set()}
    types: dict[str, str] = {}
    for number, row in enumerate(_objects(node.value.get("property"))):
        place = f"{where}.property[{number}]"
        for name, known in seen.items():
            value = row.get(name)
            if isinstance(value, str) and value in known:
                text = f"Two properties have the same {name}"
                yield Issue("error", "business-rule", text, place)
            elif isinstance(value, str):
                known.add(value)
        types.setdefault(str(row.get("code")), str(row.get("type")))
        yield from _standard_property(row, place)
    yield from _property_values(node.value, types, where)


def _standard_property(row: Tree, where: str) -> Iterator[Issue]:
    name = str(row.get("uri")).removeprefix(_PROPERTIES)
    wanted = _STANDARD.get(name)
    if wanted is None or name == row.get("uri"):
        return
    if row.get("type") != wanted:
        text = f"The property {name} of R4 is of type {wanted}"
        yield Issue("error", "business-rule", text, f"{where}.type")
    if row.get("code") != name and row.get("code") in _STANDARD:
        text = f"The property {name} of R4 cannot go by the code of another one"
        yield Issue("error", "business-rule", text, f"{where}.code")


def _property_values(owner: Tree, types: dict[str, str], where: str) -> Iterator[Issue]:
    for number, concept in enumerate(_objects(owner.get("concept"))):
        place = f"{where}.concept[{number}]"
        for at, row in enumerate(_objects(concept.get("property"))):
            wanted = types.get(str(row.get("code")))
            given = next((k.removeprefix("value") for k in row if k.startswith("value")), "")
            if (
                wanted
                and given
                and given[:1].lower() + given[1:] != wanted[:1].lower() + wanted[1:]
            ):
                text = f"The property is defined as {wanted}, this is a {given}"
                yield Issue("error", "business-rule", text, f"{place}.property[{at}]")
        yield from _property_values(concept, types, place)


def search_expression(node: Node, where: str) -> Iterator[Issue]:
    """The expression of a search parameter can work on each of its bases (5.1)."""
    expression, bases = node.value.get("expression"), node.value.get("base")
    if not isinstance(expression, str) or not isinstance(bases, list):
        return
    for base in bases:
        if not isinstance(base, str) or not is_resource(base):
            continue
        try:
            found = check(parse(expression), base)
        except (NotFhirpath, NotMeaningful) as error:
            yield Issue("error", "invalid", error.text, f"{where}.expression")
            return
        if found is not None and not found:
            text = f"The expression finds nothing in a {base}"
            yield Issue("error", "invalid", text, f"{where}.expression")


def fhirpath(node: Node, where: str) -> Iterator[Issue]:
    """An Expression in FHIRPath is FHIRPath (2.24.0.29)."""
    text = node.value.get("expression")
    if node.value.get("language") == _FHIRPATH and isinstance(text, str):
        try:
            parse(text)
        except NotFhirpath as error:
            yield Issue("error", "invalid", error.text, f"{where}.expression")


def defined_type(node: Node, where: str) -> Iterator[Issue]:
    """A type that R4 has not is named by a URL (5.3)."""
    name = node.value.get("type")
    if isinstance(name, str) and not _SCHEME(name) and name not in type_names():
        text = "A type that FHIR does not define must be named by a URL"
        yield Issue("error", "invalid", text, f"{where}.type")


def _objects(value: Any) -> list[Tree]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
