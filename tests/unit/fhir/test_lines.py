"""Lines of a summary, from trees: texts as they stand, nothing inferred."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from careplane.fhir import lines
from careplane.fhir.lines import Line
from careplane.fhir.tree import Tree

CODE: Tree = {"coding": [{"system": "http://s", "code": "c", "display": "Said"}]}
Make = Callable[[str, Tree, Mapping[str, str]], Line]
VALUES: dict[str, tuple[Tree, str]] = {
    "a quantity": ({"valueQuantity": {"value": Decimal("1.00"), "unit": "g"}}, "1.00 g"),
    "less than": ({"valueQuantity": {"comparator": "<", "value": 5, "code": "mg"}}, "<5 mg"),
    "a code": ({"valueCodeableConcept": CODE}, "Said"),
    "a text": ({"valueString": "negative"}, "negative"),
    "a long text": ({"valueString": "x" * 400}, "x" * 299 + "…"),
    "no": ({"valueBoolean": False}, "false"),
    "a number": ({"valueInteger": 3}, "3"),
    "a range": ({"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}, "1 to 2"),
    "a ratio": (
        {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
        "1 / 128",
    ),
    "a period": ({"valuePeriod": {"start": "2020", "end": "2021"}}, "2020 to 2021"),
    "samples": ({"valueSampledData": {"data": "1 2 3"}}, ""),
    "components": (
        {
            "component": [
                {"code": {"text": "systolic"}, "valueQuantity": {"value": 120}},
                {"code": {"text": "diastolic"}, "valueQuantity": {"value": 80}},
            ]
        },
        "systolic 120; diastolic 80",
    ),
    "no value": ({"dataAbsentReason": {"text": "refused"}}, "refused"),
    "nothing": ({}, ""),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value(name: str) -> None:
    tree, said = VALUES[name]
    assert lines.measured(tree) == said


CASES: dict[str, tuple[Make, Tree, dict[str, Any]]] = {
    "a problem without a text": (
        lines.problem,
        {"code": CODE, "onsetPeriod": {"start": "2020"}, "severity": {"text": "severe"}},
        {"what": "Said", "code": "http://s|c", "date": "2020", "detail": "severe"},
    ),
    "a code alone": (
        lines.problem,
        {"code": {"coding": [{"system": "http://s", "code": "c"}]}},
        {"what": "http://s|c", "code": "http://s|c"},
    ),
    "an allergy": (
        lines.allergy,
        {"code": {"text": "Nuts"}, "criticality": "high", "recordedDate": "2020"},
        {"what": "Nuts", "date": "2020", "detail": "criticality high"},
    ),
    "a medicine by code": (
        lines.medication,
        {"medicationCodeableConcept": CODE, "dosage": [{"text": "daily"}], "status": "active"},
        {"what": "Said", "code": "http://s|c", "status": "active", "detail": "daily"},
    ),
    "a medicine by name": (
        lines.medication,
        {"medicationReference": {"reference": "Medication/m", "display": "Shown"}},
        {"what": "Shown"},
    ),
    "a medicine by reference": (
        lines.medication,
        {"medicationReference": {"reference": "Medication/m"}},
        {"what": "Known"},
    ),
    "a result": (
        lines.result,
        {"code": CODE, "valueString": "x", "interpretation": [{"text": "High"}], "issued": "2020"},
        {"what": "Said", "code": "http://s|c", "date": "2020", "detail": "x (High)"},
    ),
    "a report": (
        lines.report,
        {"code": {"text": "CT"}, "conclusion": "normal", "status": "final"},
        {"what": "CT", "status": "final", "detail": "normal"},
    ),
    "a visit": (
        lines.appointment,
        {
            "serviceType": [{"text": "Review"}],
            "start": "2020-01-01T09:00:00Z",
            "participant": [{"actor": {"display": "Dr A"}}, {"status": "accepted"}],
        },
        {"what": "Review", "date": "2020-01-01T09:00:00Z", "detail": "Dr A"},
    ),
    "a visit of no kind": (lines.appointment, {}, {"what": "Appointment"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_line(name: str) -> None:
    make, tree, said = CASES[name]
    assert make("X/1", tree, {"Medication/m": "Known"}) == Line("X/1", **said)


NAMES: list[tuple[list[Tree], str]] = [
    ([], ""),
    ([{"text": "Whole Name", "family": "x"}], "Whole Name"),
    (
        [{"family": "Old", "use": "old"}, {"family": "New", "given": ["A", "B"], "use": "usual"}],
        "A B New",
    ),
    ([{"given": ["Only"]}], "Only"),
]  # fmt: skip


@pytest.mark.parametrize(("names", "said"), NAMES)
def test_a_name(names: list[Tree], said: str) -> None:
    assert lines.named({"name": names}) == said
