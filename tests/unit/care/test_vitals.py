"""Vital signs from a form: units, limits, and what is worked out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from careplane.care.lists import vitals
from careplane.kernel.errors import Incorrect

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def made(**sent: str) -> dict[str, dict]:  # type: ignore[type-arg]
    trees = vitals.make(sent, "p", {"reference": "Practitioner/d"}, NOW)
    return {tree["code"]["coding"][0]["code"]: tree for tree in trees}


def wrong(**sent: str) -> set[str]:
    with pytest.raises(Incorrect) as refused:
        made(**sent)
    return {issue.where for issue in refused.value.issues}


def test_values_are_of_the_vital_signs_profile() -> None:
    found = made(systolic="120", diastolic="80", weight="70,5", height="175", temperature="36.6")
    assert set(found) == {"85354-9", "29463-7", "8302-2", "39156-5", "8310-5"}
    assert found["39156-5"]["valueQuantity"]["value"] == Decimal("23.0")
    weight = found["29463-7"]["valueQuantity"]
    assert (weight["value"], weight["code"]) == (Decimal("70.5"), "kg")
    parts = found["85354-9"]["component"]
    assert [p["valueQuantity"]["value"] for p in parts] == [120, 80]
    for tree in found.values():
        assert tree["category"][0]["coding"][0]["code"] == "vital-signs"
        assert tree["effectiveDateTime"] == "2026-11-28T12:00:00+00:00"


@pytest.mark.parametrize(("sent", "fields"), [
    ({}, {"weight"}),
    ({"weight": "7000"}, {"weight"}),
    ({"weight": "seventy"}, {"weight"}),
    ({"weight": "NaN"}, {"weight"}),
    ({"weight": "1e9999"}, {"weight"}),
    ({"height": "1.75"}, {"height"}),
    ({"temperature": "98.6"}, {"temperature"}),
    ({"oxygen": "101"}, {"oxygen"}),
    ({"systolic": "120"}, {"diastolic"}),
    ({"diastolic": "80"}, {"systolic"}),
    ({"systolic": "80", "diastolic": "120"}, {"diastolic"}),
    ({"weight": "70", "when": "2026-11-28T13:00"}, {"when"}),
    ({"weight": "70", "when": "yesterday"}, {"when"}),
    ({"pulse": "999", "when": "x"}, {"pulse", "when"}),
])  # fmt: skip
def test_what_cannot_be_is_said_at_its_field(sent: dict[str, str], fields: set[str]) -> None:
    assert wrong(**sent) == fields


def test_the_body_mass_index_is_rounded_by_halves() -> None:
    assert vitals.bmi(Decimal("80"), Decimal("180")) == Decimal("24.7")
    assert vitals.bmi(Decimal("3.5"), Decimal("50")) == Decimal("14.0")
