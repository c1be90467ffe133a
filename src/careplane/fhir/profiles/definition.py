"""StructureDefinitions held against what they are derived from (FHIR R4, 5.1.0.8 Limitations).

A profile may only narrow what its base says; what widens or contradicts it is told with its element
of the differential.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.fhir.definitions import is_subtype, type_definition
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.fixed import against_fixed, shown
from careplane.fhir.profiles.paths import steps
from careplane.fhir.profiles.walk import Walk
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue

_STRENGTHS = ("example", "preferred", "extensible", "required")
_WHERE = "StructureDefinition.differential.element"


def definition_issues(node: Node, walk: Walk) -> Iterator[Issue]:
    """What is wrong with a constraint, if its base is known."""
    tree = node.value
    if tree.get("derivation") != "constraint" or not isinstance(tree.get("differential"), dict):
        return
    base = tree.get("baseDefinition")
    if not isinstance(base, str):
        return
    if walk.program(base) is None:
        text = f"The base definition {base} is not known here; install its package"
        yield Issue("warning", "not-found", text, f"{node.type}.baseDefinition")
        return
    try:
        _, changes = walk.context.library.snapshots.grown(tree)
    except Invalid as error:
        yield Issue("error", "invalid", error.text, f"{node.type}.differential")
        return
    for number, (before, change) in enumerate(changes):
        yield from _element(before, change, f"{_WHERE}[{number}]", walk)


def _element(before: Tree, change: Tree, where: str, walk: Walk) -> Iterator[Issue]:
    yield from _cardinality(before, change, where)
    yield from _fixed(before, change, where)
    yield from _types(before, change, where, walk)
    yield from _binding(before, change, where)
    yield from _slicing(before, change, where)


def _cardinality(before: Tree, change: Tree, where: str) -> Iterator[Issue]:
    if "sliceName" not in change and _least(change) < _least(before) and "min" in change:
        text = f"min may not be less than the {_least(before)} of the base"
        yield Issue("error", "business-rule", text, f"{where}.min")
    if "max" in change and _most(change) > _most(before):
        text = f"max may not be more than the {before.get('max')} of the base"
        yield Issue("error", "business-rule", text, f"{where}.max")
    if max(_least(change), _least(before)) > min(_most(change), _most(before)):
        yield Issue("error", "business-rule", "min is more than max: nothing can conform", where)


def _least(element: Tree) -> int:
    value = element.get("min", 0)
    return value if isinstance(value, int) else 0


def _most(element: Tree) -> float:
    value = element.get("max", "*")
    return int(value) if isinstance(value, str) and value.isdecimal() else float("inf")


def _fixed(before: Tree, change: Tree, where: str) -> Iterator[Issue]:
    for key, value in before.items():
        if not key.startswith("fixed") or change.get(key, value) is value:
            continue
        if next(against_fixed(change[key], value, ""), None) is not None:
            text = f"The base fixes the value to {shown(value)}; it cannot be fixed to another"
            yield Issue("error", "value", text, f"{where}.{key}")


def _types(before: Tree, change: Tree, where: str, walk: Walk) -> Iterator[Issue]:
    allowed = {str(t.get("code")) for t in _rows(before, "type")}
    if any(code.startswith("http") for code in allowed):
        return  # a type of FHIRPath, which FHIR's profiles write as one of FHIR
    for number, row in enumerate(_rows(change, "type")):
        code, place = str(row.get("code")), f"{where}.type[{number}]"
        if allowed and not any(is_subtype(code, one) or code == one for one in allowed):
            text = f"The base does not allow the type {code}"
            yield Issue("error", "structure", text, f"{place}.code")
        profiles = row.get("profile")
        for at, url in enumerate(profiles if isinstance(profiles, list) else ()):
            program = walk.program(str(url))
            if program is not None and not is_subtype(code, program.type):
                text = f"The profile {url} is for {program.type}, the element is of type {code}"
                yield Issue("error", "invalid", text, f"{place}.profile[{at}]")


def _binding(before: Tree, change: Tree, where: str) -> Iterator[Issue]:
    was, now = before.get("binding"), change.get("binding")
    if not isinstance(was, dict) or not isinstance(now, dict):
        return
    one, other = was.get("strength"), now.get("strength")
    if one == "required" and other in _STRENGTHS[:-1]:
        text = f"The base binds as required; the binding may not be {other}"
        yield Issue("error", "business-rule", text, f"{where}.binding.strength")


def _slicing(before: Tree, change: Tree, where: str) -> Iterator[Issue]:
    slicing = change.get("slicing")
    if not isinstance(slicing, dict):
        return
    was = before.get("slicing")
    if isinstance(was, dict) and was.get("rules") == "closed" and slicing.get("rules") != "closed":
        text = "The slicing of the base is closed; it cannot be opened"
        yield Issue("error", "business-rule", text, f"{where}.slicing.rules")
    types = [str(t.get("code")) for t in _rows(change, "type") or _rows(before, "type")]
    for number, row in enumerate(_rows(slicing, "discriminator")):
        path = str(row.get("path"))
        if len(types) == 1 and not _leads(types[0], path):
            text = f"The discriminator path {path} leads nowhere in {types[0]}"
            place = f"{where}.slicing.discriminator[{number}]"
            yield Issue("error", "invalid", text, place)


def _leads(type_name: str, path: str) -> bool:
    """Whether the first step of a path is an element of a data type; further ones are not told."""
    found = steps(path)
    if not found or found[0][1] is not None:
        return bool(found) or path == "$this"
    try:
        elements = type_definition(type_name).elements
    except KeyError:
        return True
    if type_name in ("BackboneElement", "Element", "Resource"):
        return True  # what stands in it depends on its place
    name = found[0][0]
    return name in elements or name in type_definition(type_name).json_names


def _rows(owner: Tree, name: str) -> list[Any]:
    found = owner.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
