"""The law between the two paths of profiles, held under mutations of US Core's own examples.

What the fast path is sure of has no error on the slow path; and what has no error there is found by
the fast path often enough to be worth its code.
"""

from __future__ import annotations

import copy
import json as stdlib
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careplane.fhir.codec import json
from careplane.fhir.profiles import Library, examine
from careplane.fhir.profiles.fast import Known, Swift
from careplane.fhir.validation import check
from careplane.kernel.errors import Incorrect
from tests.codes_house import LocalCodes
from tests.us_core_house import examples, shelf

_OMB = "urn:oid:2.16.840.1.113883.6.238"
_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
_VALUES: list[Any] = [
    "final", "2020", "2020-02-03", "x", "12345", True, 3, [],
    "http://loinc.org", "http://unitsofmeasure.org", "mm[Hg]", "%", "Patient/1", "Group/1", "#a",
    "urn:uuid:7f8e5b4c-6d1a-4d4e-8a9b-000000000000",
    {"text": "x"}, {"reference": "Device/1"}, {"reference": "Patient/1"}, {"value": 3, "unit": "x"},
    {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    {"coding": [{"system": "http://loinc.org", "code": "8867-5"}]},
    {"coding": [{"code": "vital-signs"}]},
    [{"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey",
    }]}],
    [{"coding": [{"system": "http://hl7.org/fhir/observation-status", "code": "no"}]}],
    [{"url": "http://example.org/x", "valueString": "x"}],
    [{"url": _RACE, "extension": [
        {"url": "ombCategory", "valueCoding": {"system": _OMB, "code": "2106-3"}},
        {"url": "text", "valueString": "White"},
    ]}],
    [{"url": _RACE, "extension": [{"url": "text", "valueString": "White"}, {"url": "more"}]}],
    [{"url": _RACE, "valueString": "White"}],
]  # fmt: skip
_NAMES = [
    "extension", "modifierExtension", "category", "code", "subject", "status", "valueQuantity",
    "valueString", "effectiveDateTime", "effectivePeriod", "component", "dataAbsentReason",
    "identifier", "name", "gender", "_gender", "system", "version", "display", "period",
    "contained",
]  # fmt: skip


@cache
def paths() -> tuple[Library, LocalCodes, Swift, Known]:
    """Both paths, over US Core."""
    library, codes = Library(shelf()), LocalCodes(shelf())
    return library, codes, Swift(library), Known(codes)


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found.extend(_places(inner))
    return found


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """An example after one or two changes."""
    tree = copy.deepcopy(draw(st.sampled_from(_seeds())))
    for _ in range(draw(st.integers(1, 2))):
        spots = _places(tree)
        owner, key = spots[draw(st.integers(0, len(spots) - 1))]
        match draw(st.sampled_from(["set", "delete", "add", "twice"])):
            case "set":
                owner[key] = copy.deepcopy(draw(st.sampled_from(_VALUES)))
            case "add" if isinstance(owner, dict):
                value = copy.deepcopy(draw(st.sampled_from(_VALUES)))
                owner[draw(st.sampled_from(_NAMES))] = value
            case "twice" if isinstance(owner, list):
                owner.append(copy.deepcopy(owner[key]))
            case _:
                del owner[key]
    return tree


@cache
def _seeds() -> list[dict[str, Any]]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for raw in examples().values():
        tree = stdlib.loads(raw)
        tree.pop("text", None)
        kinds.setdefault(tree["resourceType"], []).append(tree)
    return [tree for group in kinds.values() for tree in group[:6]]


@given(changed())
@settings(max_examples=700, deadline=None)
def test_what_is_surely_good_has_no_error(tree: dict[str, Any]) -> None:
    library, codes, swift, known = paths()
    raw = stdlib.dumps(tree).encode()
    try:
        struct = check(raw).struct
    except Incorrect:
        return
    if swift.surely(raw, struct, known):
        found = examine(json.parse(raw), library, codes=codes)
        assert [issue for issue in found if issue.severity == "error"] == []


@given(st.lists(changed(), min_size=1, max_size=4), st.booleans(), st.data())
@settings(max_examples=150, deadline=None)
def test_so_is_a_bundle(trees: list[dict[str, Any]], restful: bool, data: st.DataObject) -> None:
    library, codes, swift, known = paths()
    patient = next(t for t in _seeds() if t["resourceType"] == "Patient")
    entries = []
    for number, tree in enumerate([copy.deepcopy(patient), *trees]):
        uuid = f"urn:uuid:7f8e5b4c-6d1a-4d4e-8a9b-{number:012d}"
        named = f"http://h/fhir/{tree.get('resourceType')}/{tree.get('id')}"
        entries.append({"fullUrl": named if restful else uuid, "resource": tree})
    if data.draw(st.booleans()):
        entries[0]["resource"]["meta"] = {}  # claims nothing that references may ask for
    for entry in entries[1:]:
        if data.draw(st.booleans()) and "subject" in entry["resource"]:
            entry["resource"]["subject"] = {"reference": entries[0]["fullUrl"]}
    raw = stdlib.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
    try:
        struct = check(raw).struct
    except Incorrect:
        return
    if swift.surely(raw, struct, known):
        found = examine(json.parse(raw), library, codes=codes)
        assert [issue for issue in found if issue.severity == "error"] == []


def test_most_examples_are_surely_good() -> None:
    _, _, swift, known = paths()
    told = []
    for raw in examples().values():
        try:
            told.append(swift.surely(raw, check(raw).struct, known))
        except Incorrect:
            continue
    assert sum(told) >= 0.85 * len(told)
