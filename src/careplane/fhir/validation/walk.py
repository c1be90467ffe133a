"""Every structural problem of a tree, with its place: the slow path, made from the definitions.

Unknown names, kinds, cardinalities, choices, primitive values, required codes, narratives and
contained resources (FHIR R4, 2.6.2 JSON; 2.1.16 Validating Resources). Invariants are beside, in
`invariants`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from careplane.fhir.definitions import (
    Element,
    TypeDef,
    is_primitive,
    is_resource,
    required_codes,
    required_codings,
    type_definition,
)
from careplane.fhir.tree import Tree
from careplane.fhir.validation import xhtml
from careplane.fhir.validation.primitives import EXPECTED, MAX_STRING, VALID
from careplane.kernel.errors import Issue

_ANY_RESOURCE = "Resource"
_LONGEST_NAME = 64
# Primitives that are not FHIR elements and carry no extensions: ids, Extension.url, Narrative.div.
_BARE = frozenset({"id", "div"})


def structural_problems(tree: Tree, where: str = "") -> Iterator[Issue]:
    """All problems of a resource that do not need FHIRPath, those of the resources inside of it
    included. `where` is the path of the resource, its type by default."""
    name = tree.get("resourceType")
    if not isinstance(name, str) or not is_resource(name):
        yield Issue("error", "structure", "resourceType must name an R4 resource", where)
        return
    yield from _object(type_definition(name), tree, where or name)


def _object(definition: TypeDef, value: Any, where: str) -> Iterator[Issue]:
    if not isinstance(value, dict):
        yield Issue("error", "structure", f"Expected an object ({definition.name})", where)
        return
    if definition.kind != "resource" and not value.keys() - {"id"}:
        yield Issue("error", "invariant", "ele-1: An element must have a value or children", where)
    for json_name in value:
        yield from _member(definition, value, json_name, where)
    for element, names in _counted(definition.name):
        yield from _cardinality(element, names, value, where)


def _member(definition: TypeDef, owner: Tree, json_name: str, where: str) -> Iterator[Issue]:
    if json_name == "resourceType" and definition.kind == "resource":
        return
    is_sibling = json_name.startswith("_")
    found = definition.json_names.get(json_name[1:] if is_sibling else json_name)
    if found is None or (is_sibling and not _has_sibling(*found)):
        place = f"{where}.{_clipped(json_name)}"
        yield Issue("error", "structure", f"{definition.name} has no such element", place)
        return
    element, type_name = found
    if is_sibling:
        if json_name[1:] not in owner:
            yield from _primitive(element, type_name, owner, json_name[1:], where)
    elif type_name[0].islower():
        yield from _primitive(element, type_name, owner, json_name, where)
    else:
        yield from _complex(element, type_name, owner[json_name], f"{where}.{json_name}")


def _has_sibling(element: Element, type_name: str) -> bool:
    return is_primitive(type_name) and not element.xml_attribute and element.name not in _BARE


def _clipped(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


@cache
def _counted(type_name: str) -> tuple[tuple[Element, tuple[str, ...]], ...]:
    """The elements that can be missing or come in two types, with their JSON names."""
    elements = type_definition(type_name).elements.values()
    return tuple((e, tuple(e.json_names)) for e in elements if e.min or e.choice)


def _cardinality(
    element: Element, names: tuple[str, ...], owner: Tree, where: str
) -> Iterator[Issue]:
    present = [n for n in names if n in owner or f"_{n}" in owner]
    if not present and element.min:
        place = f"{where}.{element.name}"
        yield Issue("error", "required", f"{element.name} is required", place)
    if len(present) > 1:
        text = f"Only one of {', '.join(present)} may be given"
        yield Issue("error", "structure", text, f"{where}.{element.name}")


def _complex(element: Element, type_name: str, value: Any, where: str) -> Iterator[Issue]:
    check = _resource if type_name == _ANY_RESOURCE else _typed(type_name)
    if not element.repeats:
        yield from check(value, where)
        yield from _bound(element, value, where)
        return
    if not isinstance(value, list) or not value:
        yield Issue("error", "structure", "Expected an array with at least one item", where)
        return
    for index, item in enumerate(value):
        yield from check(item, f"{where}[{index}]")
        yield from _bound(element, item, f"{where}[{index}]")


def _typed(type_name: str) -> Callable[[Any, str], Iterator[Issue]]:
    definition = type_definition(type_name)
    return lambda value, where: _object(definition, value, where)


def _resource(value: Any, where: str) -> Iterator[Issue]:
    if not isinstance(value, dict):
        yield Issue("error", "structure", "Expected a resource", where)
        return
    yield from structural_problems(value, where)


def _primitive(
    element: Element, type_name: str, owner: Tree, json_name: str, where: str
) -> Iterator[Issue]:
    place = f"{where}.{json_name}"
    absent = object()
    value, extra = owner.get(json_name, absent), owner.get(f"_{json_name}", absent)
    if not element.repeats:
        if value is not absent:
            yield from _value(element, type_name, value, place)
        if extra is not absent:
            yield from _extra(extra, value is not absent, place)
        return
    for given in (value, extra):
        if given is not absent and not (isinstance(given, list) and given):
            yield Issue("error", "structure", "Expected an array with at least one item", place)
            return
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        more = extras[index] if index < len(extras) else None
        yield from _item(element, type_name, one, more, f"{place}[{index}]")


def _item(element: Element, type_name: str, value: Any, extra: Any, where: str) -> Iterator[Issue]:
    if value is None and extra is None:
        yield Issue("error", "structure", "Neither a value nor an extension", where)
    if value is not None:
        yield from _value(element, type_name, value, where)
    if extra is not None:
        yield from _extra(extra, value is not None, where)


def _extra(extra: Any, has_value: bool, where: str) -> Iterator[Issue]:
    if has_value and isinstance(extra, dict) and extra.keys() == {"id"}:
        # An id alone is enough beside a value: ele-1 asks for a value or children.
        extra = {**extra, "extension": [{"url": "x", "valueBoolean": True}]}
    yield from _object(type_definition("Element"), extra, where)


def _value(element: Element, type_name: str, value: Any, where: str) -> Iterator[Issue]:
    if not VALID[type_name](value):
        yield _bad_value(type_name, value, where)
    elif type_name == "xhtml":
        trouble = xhtml.problem(value)
        if trouble:
            yield Issue("error", "invariant", f"txt-1: The narrative has {trouble}", where)
    elif element.binding and element.binding.strength == "required" and type_name == "code":
        codes = required_codes(element.binding.value_set)
        if codes is not None and value not in codes:
            text = f"The code is not in the value set {element.binding.value_set}"
            yield Issue("error", "code-invalid", text, where)


def _bad_value(type_name: str, value: Any, where: str) -> Issue:
    if value is None or isinstance(value, list | dict):
        return Issue("error", "structure", f"Expected {EXPECTED[type_name]}", where)
    if isinstance(value, str) and len(value) > MAX_STRING and type_name in ("string", "markdown"):
        return Issue("error", "too-long", f"Expected {EXPECTED[type_name]}", where)
    return Issue("error", "value", f"Expected {EXPECTED[type_name]}", where)


def _bound(element: Element, value: Any, where: str) -> Iterator[Issue]:
    """A required binding of a CodeableConcept: one of its codings is from the value set."""
    if not (element.binding and element.binding.strength == "required"):
        return
    codings = required_codings(element.binding.value_set)
    if codings is None or not isinstance(value, dict):
        return
    given = value.get("coding")
    if isinstance(given, list) and any(isinstance(c, dict) and _key(c) in codings for c in given):
        return
    text = f"No coding is from the value set {element.binding.value_set}"
    yield Issue("error", "code-invalid", text, where)


def _key(coding: Tree) -> tuple[str, str]:
    """System and code, as text: what else they may be is reported elsewhere."""
    return str(coding.get("system")), str(coding.get("code"))
