"""A CodeChecker over CodeSystems and ValueSets that are at hand, for tests of profiles.

It knows what their resources list, and the three kinds of codes that are rules rather than lists:
UCUM units, MIME types and language tags. Whatever else is asked it cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from careplane.fhir import ucum
from careplane.fhir.definitions import core
from careplane.fhir.profiles import CodeQuestion, Definitions, Verdict
from careplane.fhir.profiles.ports import UNKNOWN
from careplane.fhir.tree import Tree

_UCUM = "http://unitsofmeasure.org"
_RULED = {
    "urn:ietf:bcp:13": re.compile(r"[\w.+\-]+/[\w.+\-*]+(?:\s*;.*)?|xml|json|ttl").fullmatch,
    "urn:ietf:bcp:47": re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*").fullmatch,
}
_RUN_ON = re.compile(r"\d\s+[<>^]*\s*\d").search
_COUNTRIES = "urn:iso:std:iso:3166"
_WHOLE = frozenset({"complete", "fragment"})


class LocalCodes:
    """Answers from the definitions alone."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._systems: dict[str, dict[str, Tree] | None] = {}

    def check(self, question: CodeQuestion) -> Verdict:
        """What the definitions say."""
        if question.value_set:
            return Verdict(self._member(question, question.value_set, 0))
        return self._own(question)

    def filter_trouble(self, system: str, property: str, op: str, value: str) -> str:
        """Of expression constraints those that are one concept after another, without an operator
        between them: what more there is to the language is not told here."""
        is_constraint = system == "http://snomed.info/sct" and property == "constraint"
        if is_constraint and _RUN_ON(re.sub(r"\|[^|]*\|", " ", value)):
            return "This is no expression constraint: two concepts without an operator"
        return ""

    def _own(self, question: CodeQuestion) -> Verdict:
        system = self._definitions.artifact("CodeSystem", question.system)
        if system is not None and (
            "supplements" in system or system.get("content") == "supplement"
        ):
            return Verdict(None, supplement=True)
        found = self._has(question.system, question.code)
        grows = question.system.startswith("http://terminology.hl7.org/")
        if found is False and (grows or (system or {}).get("content") == "fragment"):
            return UNKNOWN
        display = _better(_listed().get((question.system, question.code), {}), question.display)
        concepts = self.concepts(question.system)
        if found and question.display and concepts is not None:
            display = _better(concepts[_key(system, question.code)], question.display)
        return Verdict(found, "", display)

    def _has(self, url: str, code: str) -> bool | None:
        if url == _UCUM:
            return _is_unit(code)
        if url in _RULED:
            return _RULED[url](code) is not None
        concepts = self.concepts(url)
        if concepts is None:
            return None
        return _key(self._definitions.artifact("CodeSystem", url), code) in concepts

    def concepts(self, url: str) -> dict[str, Tree] | None:
        """Code -> concept, with its ancestors; None for a system whose content is elsewhere."""
        if url not in self._systems:
            system = self._definitions.artifact("CodeSystem", url)
            known = system is not None and system.get("content") in _WHOLE
            self._systems[url] = (
                {_key(system, c["code"]): c for c in _concepts(system, ())}
                if known and system is not None
                else None
            )
        return self._systems[url]

    def _member(self, question: CodeQuestion, canonical: str, depth: int) -> bool | None:
        value_set = self._definitions.artifact("ValueSet", canonical)
        if value_set is None or depth > 20:
            return None
        compose = value_set.get("compose")
        if not isinstance(compose, dict):
            return self._expanded(question, value_set)
        for row in compose.get("exclude", ()):
            if self._included(question, row, depth):
                return False
        answers = [self._included(question, row, depth) for row in compose.get("include", ())]
        if True in answers:
            return True
        return None if None in answers else False

    def _expanded(self, question: CodeQuestion, value_set: Tree) -> bool | None:
        contains = value_set.get("expansion", {}).get("contains")
        if not contains:
            return None
        return any(
            c.get("code") == question.code and question.system in ("", c.get("system"))
            for c in _flat(contains)
        )

    def _included(self, question: CodeQuestion, row: Tree, depth: int) -> bool | None:
        answers: list[bool | None] = [
            self._member(question, url, depth + 1) for url in row.get("valueSet", ())
        ]
        system = row.get("system")
        if system is not None:
            answers.append(self._in_system(question, system, row))
        if False in answers:
            return False
        return None if None in answers or not answers else True

    def _in_system(self, question: CodeQuestion, system: str, row: Tree) -> bool | None:
        if question.system not in ("", system):
            return False
        listed = row.get("concept")
        if listed is not None:
            return any(c.get("code") == question.code for c in listed)
        found = self._has(system, question.code)
        if not found or "filter" not in row:
            return found
        concepts = self.concepts(system)
        if concepts is None:
            return None
        concept = concepts[_key(self._definitions.artifact("CodeSystem", system), question.code)]
        answers = [_passes(concept, f) for f in row["filter"]]
        return False if False in answers else None if None in answers else True


def _passes(concept: Tree, row: Tree) -> bool | None:
    name, operator, value = row.get("property"), row.get("op"), str(row.get("value"))
    above = concept["_above"]
    if name in ("concept", "code", "parent"):
        if operator == "is-a":
            return bool(concept["code"] == value or value in above)
        if operator == "descendent-of":
            return bool(value in above)
        if operator == "is-not-a":
            return not (concept["code"] == value or value in above)
        if operator == "regex":
            return re.fullmatch(value, str(concept["code"])) is not None
        if operator == "=" and name == "parent":
            return bool(above[-1:] == (value,))
    if operator == "=":
        return any(
            p.get("code") == name and any(str(v) == value for k, v in p.items() if k != "code")
            for p in concept.get("property", ())
        )
    return None


def _concepts(owner: Tree, above: tuple[str, ...]) -> Iterator[Tree]:
    for concept in owner.get("concept", ()):
        if not isinstance(concept, dict) or "code" not in concept:
            continue
        parents = tuple(
            p.get("valueCode") for p in concept.get("property", ()) if p.get("code") == "subsumedBy"
        )
        lineage = (*above, *(p for p in parents if p))
        yield {**concept, "_above": lineage}
        yield from _concepts(concept, (*lineage, concept["code"]))


def _flat(contains: list[Tree]) -> Iterator[Tree]:
    for one in contains:
        yield one
        yield from _flat(one.get("contains", []))


def _key(system: Tree | None, code: str) -> str:
    return code.lower() if system is not None and system.get("caseSensitive") is False else code


def _better(concept: Tree, display: str) -> str:
    """The right display, empty where the one that was sent is one of the concept's."""
    named = [concept.get("display"), *(d.get("value") for d in concept.get("designation", ()))]
    known = {_folded(name) for name in named if isinstance(name, str)}
    if not known or _folded(display) in known:
        return ""
    return str(next(name for name in named if isinstance(name, str)))


@cache
def _listed() -> dict[tuple[str, str], Tree]:
    """What R4's value sets call the codes of countries, whose system R4 does not ship."""
    found: dict[tuple[str, str], Tree] = {}
    for url in core.urls("ValueSet"):
        compose = (core.artifact("ValueSet", url) or {}).get("compose", {})
        for row in compose.get("include", ()):
            for concept in row.get("concept", ()) if row.get("system") == _COUNTRIES else ():
                found.setdefault((_COUNTRIES, concept["code"]), concept)
    return found


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


@cache
def _is_unit(code: str) -> bool:
    try:
        ucum.parse(code)
    except ucum.NotAUnit:
        return False
    return True
