"""Codes in what defines codes: value sets and concept maps held against what they draw from
(FHIR R4, 4.9.4 ValueSet.compose; 4.10 ConceptMap)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.coded import UCUM
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.ports import CodeQuestion
from careplane.fhir.profiles.syntax import is_misshapen
from careplane.fhir.profiles.walk import Walk
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue

_CODING = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^#|]*(?:\|[^#]*)?#.+").fullmatch


def terminology_issues(node: Node, walk: Walk) -> Iterator[Issue]:
    """What is wrong with the codes that a value set or concept map names."""
    where = place(node)
    if node.type == "ValueSet":
        compose = node.value.get("compose")
        for part in ("include", "exclude"):
            rows = _rows(compose, part) if isinstance(compose, dict) else []
            for number, row in enumerate(rows):
                yield from _included(row, f"{where}.compose.{part}[{number}]", walk)
    elif node.type == "ConceptMap":
        yield from _mapped(node.value, where, walk)


def _included(row: Tree, where: str, walk: Walk) -> Iterator[Issue]:
    system = row.get("system")
    if not isinstance(system, str):
        return
    for number, concept in enumerate(_rows(row, "concept")):
        code = concept.get("code")
        if isinstance(code, str) and _is_none(system, code, walk):
            text = f"The code is not one of {system}"
            yield Issue("error", "code-invalid", text, f"{where}.concept[{number}]")
    for number, one in enumerate(_rows(row, "filter")):
        value = one.get("value")
        told = [str(one.get(name, "")) for name in ("property", "op", "value")]
        trouble = walk.codes.filter_trouble(system, told[0], told[1], told[2])
        if trouble:
            yield Issue("error", "invalid", trouble, f"{where}.filter[{number}]")
        if one.get("op") != "=" or not isinstance(value, str) or _CODING(value):
            continue
        if _type(system, str(one.get("property")), walk) == "Coding":
            text = "The property is a Coding: the value must have the form system|version#code"
            yield Issue("error", "invalid", text, f"{where}.filter[{number}]")


def _is_none(system: str, code: str, walk: Walk) -> bool:
    if system == UCUM:
        return False
    verdict = walk.codes.check(CodeQuestion(system, code))
    return verdict.result is False or (verdict.result is None and is_misshapen(system, code))


def _type(system: str, name: str, walk: Walk) -> str:
    """The type of a property of a code system, empty where it is not known."""
    found = walk.context.library.definitions.artifact("CodeSystem", system)
    rows = _rows(found, "property") if found is not None else []
    return next((str(r.get("type")) for r in rows if r.get("code") == name), "")


def _mapped(concept_map: Tree, where: str, walk: Walk) -> Iterator[Issue]:
    source = concept_map.get("sourceCanonical") or concept_map.get("sourceUri")
    target = concept_map.get("targetCanonical") or concept_map.get("targetUri")
    for number, group in enumerate(_rows(concept_map, "group")):
        for at, element in enumerate(_rows(group, "element")):
            at_element = f"{where}.group[{number}].element[{at}]"
            yield from _outside(group.get("source"), element, source, at_element, walk)
            for to, one in enumerate(_rows(element, "target")):
                at_target = f"{at_element}.target[{to}]"
                yield from _outside(group.get("target"), one, target, at_target, walk)


def _outside(system: Any, owner: Tree, value_set: Any, where: str, walk: Walk) -> Iterator[Issue]:
    code = owner.get("code")
    if not (isinstance(system, str) and isinstance(code, str) and isinstance(value_set, str)):
        return
    if walk.codes.check(CodeQuestion(system, code, value_set=value_set)).result is False:
        text = f"The code is not in the value set {value_set} that the map is for"
        yield Issue("error", "code-invalid", text, f"{where}.code")


def _rows(owner: Tree, name: str) -> list[Tree]:
    found = owner.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
