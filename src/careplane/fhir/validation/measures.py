"""A Measure beside its libraries, and a MeasureReport beside its Measure (FHIR R4, 13.7, 13.8)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError, Issue

Resolve = Callable[[str], Tree | None]
_CQL: Final = ("text/cql", "text/cql-identifier", "text/cql.identifier")
_DEFINE: Final = re.compile(r'^\s*define\s+(?:function\s+)?(?:"([^"]+)"|(\w+))', re.MULTILINE)
_CRITERIA: Final = re.compile(r'(?:"([^"]+)"|(\w+))\s*\.\s*(?:"([^"]+)"|(\w+))')
_LARGEST: Final = 5_000_000
"""Characters of a library that are read."""
_NO_SCORE: Final = "cohort"


def measure_problems(measure: Tree, resolve: Resolve, where: str) -> Iterator[Issue]:
    """Criteria in CQL that name a definition which the library has not."""
    names = measure.get("library")
    found = (
        [resolve(url) for url in names if isinstance(url, str)] if isinstance(names, list) else []
    )
    defined = {str(one.get("name")): _definitions(one) for one in found if one is not None}
    for criteria, place in _criteria(measure, where):
        if criteria.get("language") not in _CQL or not isinstance(criteria.get("expression"), str):
            continue
        named = _CRITERIA.fullmatch(criteria["expression"].strip())
        if named is None:
            continue
        library, name = named[1] or named[2], named[3] or named[4]
        known = defined.get(library)
        if known and name not in known:
            text = f"The library {library} has no definition {name[:64]}"
            yield Issue("error", "invalid", text, place)


def _criteria(measure: Tree, where: str) -> Iterator[tuple[Tree, str]]:
    """Those of populations, stratifiers and supplemental data, with their places."""
    for index, group in enumerate(_objects(measure.get("group"))):
        place = f"{where}.group[{index}]"
        yield from _of(group, "population", place)
        yield from _of(group, "stratifier", place)
        for number, stratifier in enumerate(_objects(group.get("stratifier"))):
            yield from _of(stratifier, "component", f"{place}.stratifier[{number}]")
    yield from _of(measure, "supplementalData", where)


def _of(owner: Tree, name: str, where: str) -> Iterator[tuple[Tree, str]]:
    for index, one in enumerate(_objects(owner.get(name))):
        criteria = one.get("criteria")
        if isinstance(criteria, dict):
            yield criteria, f"{where}.{name}[{index}].criteria"


def _definitions(library: Tree) -> frozenset[str]:
    """What a library defines, by its ELM or its CQL; none where it has neither."""
    for content in _objects(library.get("content")):
        kind, data = str(content.get("contentType")), content.get("data")
        if not isinstance(data, str) or len(data) > _LARGEST:
            continue
        try:
            raw = base64.b64decode(data)
            if kind.startswith("application/elm+json"):
                return _of_elm(json.parse(raw))
            if kind.startswith("text/cql"):
                found = _DEFINE.findall(raw.decode("utf-8", "replace"))
                return frozenset(quoted or plain for quoted, plain in found)
        except (CareplaneError, binascii.Error):
            continue
    return frozenset()


def _of_elm(tree: Tree) -> frozenset[str]:
    library = tree.get("library")
    statements = library.get("statements") if isinstance(library, dict) else None
    found = _objects(statements.get("def")) if isinstance(statements, dict) else []
    return frozenset(str(one.get("name")) for one in found)


def report_problems(report: Tree, resolve: Resolve, where: str) -> Iterator[Issue]:
    """Groups and populations that the measure has not, or that are missing; counts and scores."""
    url = report.get("measure")
    measure = resolve(url) if isinstance(url, str) else None
    if measure is None or measure.get("resourceType") != "Measure":
        text = "The measure is not here: the groups were not looked at"
        yield Issue("information", "not-found", text, f"{where}.measure")
        return
    asked, given = _objects(measure.get("group")), _objects(report.get("group"))
    only = len(asked) == 1 == len(given)
    met: list[int] = []
    for index, group in enumerate(given):
        place = f"{where}.group[{index}]"
        yield from _counts(report, group, place)
        found = 0 if only and "code" not in asked[0] else _match(group, asked)
        if found is None:
            text = "A group has a code by which it is one of the groups of the measure"
            yield Issue("error", "business-rule", text, place)
            continue
        if found in met:
            yield Issue("error", "duplicate", "This group of the measure comes twice", place)
        met.append(found)
        yield from _members(asked[found], group, report, place)
        yield from _score(measure, group, place)
    if report.get("status") == "complete" and len(set(met)) < len(asked):
        yield Issue("error", "business-rule", "A group of the measure is not in the report", where)


def _members(asked: Tree, given: Tree, report: Tree, where: str) -> Iterator[Issue]:
    """Populations and stratifiers of a group."""
    for name in ("population", "stratifier"):
        wanted = _objects(asked.get(name))
        present = _objects(given.get(name))
        met: set[int] = set()
        for index, one in enumerate(present):
            code = _first(one.get("code")) if name == "stratifier" else one.get("code")
            found = _match({"code": code}, wanted)
            if found is None and code is not None:
                text = f"The measure has no such {name} in this group"
                yield Issue("error", "business-rule", text, f"{where}.{name}[{index}]")
            elif found is not None:
                met.add(found)
        lacking = [one for n, one in enumerate(wanted) if n not in met and "code" in one]
        if name == "population" and lacking and report.get("status") == "complete":
            text = "A population of the measure is not in this group"
            yield Issue("error", "business-rule", text, where)


def _counts(report: Tree, group: Tree, where: str) -> Iterator[Issue]:
    """A count is that of the list of subjects, where that is inside of the report."""
    inside = {f"#{one.get('id')}": one for one in _objects(report.get("contained"))}
    for index, population in enumerate(_objects(group.get("population"))):
        results, count = population.get("subjectResults"), population.get("count")
        listed = inside.get(str(results.get("reference"))) if isinstance(results, dict) else None
        if listed is None or not isinstance(count, int):
            continue
        subjects = len(_objects(listed.get("entry"))) if listed.get("resourceType") == "List" else 1
        if subjects != count:
            text = f"The count is {count}, and the subjects are {subjects}"
            yield Issue("error", "business-rule", text, f"{where}.population[{index}]")


def _score(measure: Tree, group: Tree, where: str) -> Iterator[Issue]:
    scoring = measure.get("scoring")
    codes = _codes(scoring) if isinstance(scoring, dict) else set()
    if any(code == _NO_SCORE for _, code in codes) and "measureScore" in group:
        text = "A cohort measure counts, and has no score"
        yield Issue("error", "business-rule", text, f"{where}.measureScore")


def _match(one: Tree, others: list[Tree]) -> int | None:
    """Which of the others has the same code: a coding, or else the text."""
    code = one.get("code")
    if not isinstance(code, dict):
        return None
    for index, other in enumerate(others):
        wanted = other.get("code")
        if isinstance(wanted, dict):
            text = code.get("text")
            if _codes(code) & _codes(wanted) or (text and text == wanted.get("text")):
                return index
    return None


def _codes(concept: Tree) -> set[tuple[Any, Any]]:
    return {(one.get("system"), one.get("code")) for one in _objects(concept.get("coding"))}


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _objects(value: Any) -> list[Tree]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
