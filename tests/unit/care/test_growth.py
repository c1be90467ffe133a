"""Growth charts: the reference by the numbers that the CDC publishes beside its L, M and S."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from careplane.care.growth.reference import NAMES, PERCENTILES, Name, curve, standing
from careplane.web.chart.growth import charts, is_child
from tests.fhir_house import observation

TODAY = date(2026, 11, 28)

# name, sex, months, percentile, value: P5, P50, P95 of wtage.csv, statage.csv and bmiage.csv
PUBLISHED: tuple[tuple[Name, str, float, int, float], ...] = (
    ("bmi", "male", 24.5, 5, 14.71929257),
    ("bmi", "male", 24.5, 50, 16.54777487),
    ("bmi", "male", 24.5, 95, 19.27889813),
    ("bmi", "male", 100.5, 95, 20.39979379),
    ("weight", "female", 240.5, 50, 58.21897289),
)


@pytest.mark.parametrize(("name", "sex", "months", "percentile", "value"), PUBLISHED)
def test_published_percentiles(
    name: Name, sex: str, months: float, percentile: int, value: float
) -> None:
    found = standing(name, sex, months, value)
    assert found is not None
    assert found.percentile == pytest.approx(percentile, abs=0.001)


def test_ages_between_rows_lie_between_them() -> None:
    rows = [standing("height", "male", months, 110.0) for months in (60.5, 61.0, 61.5)]
    zs = [row.z for row in rows if row]
    assert zs == sorted(zs, reverse=True)
    assert len(zs) == 3


@pytest.mark.parametrize(("sex", "months", "value"), [
    ("male", 24.4, 12), ("male", 240.6, 70), ("other", 60.0, 18), ("male", 60.0, 0),
])  # fmt: skip
def test_nothing_is_said_outside_of_the_tables(sex: str, months: float, value: float) -> None:
    assert standing("weight", sex, months, value) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sex", ["male", "female"])
def test_percentiles_do_not_cross(name: Name, sex: str) -> None:
    curves = [curve(name, sex, percentile) for percentile in PERCENTILES]
    for points in zip(*curves, strict=True):
        values = [value for _, value in points]
        assert values == sorted(values)
    for points in curves:
        for age, value in points:
            found = standing(name, sex, age, value)
            assert found is not None


def measured(id: str, code: str, value: float, unit: str, day: str) -> dict[str, Any]:
    quantity = {"value": value, "code": unit, "system": "http://unitsofmeasure.org"}
    return observation(id, "p", code, effectiveDateTime=day, valueQuantity=quantity)


def test_a_chart_of_a_child() -> None:
    child = {"birthDate": "2018-05-04", "gender": "female"}
    found = charts(child, [
        measured("a", "8302-2", 1.1, "m", "2023-05-04"),
        measured("b", "29463-7", 18.5, "kg", "2023-05-04"),
        measured("c", "29463-7", 3500, "g", "2018-05-10"),
        measured("d", "29463-7", 3, "stone", "2024-05-10"),
        measured("e", "29463-7", 20, "kg", "2017-05-10"),
    ], TODAY)  # fmt: skip
    assert [one.name for one in found] == ["height", "weight", "bmi"]
    weight = found[1]
    assert [row.value for row in weight.rows] == [18.5, 3.5]
    assert weight.rows[0].standing is not None
    assert weight.rows[1].standing is None, "there is no table below two years"
    assert found[2].rows[0].value == 15.3
    assert len(weight.lines) == len(PERCENTILES)
    assert is_child(child, TODAY)
    assert not is_child({"birthDate": "2006-11-01"}, TODAY)
    assert not is_child({}, TODAY)


def test_without_a_sex_there_are_values_and_no_percentiles() -> None:
    found = charts({"birthDate": "2018-05-04"},
                   [measured("a", "8302-2", 110, "cm", "2023-05-04")], TODAY)  # fmt: skip
    assert found[0].lines == []
    assert found[0].rows[0].standing is None
