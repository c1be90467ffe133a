"""Growth charts: the reference by the numbers that WHO and CDC publish beside L, M and S."""

from __future__ import annotations

from datetime import date
from statistics import NormalDist
from typing import Any

import pytest

from careplane.care.growth.reference import (
    NAMES,
    PERCENTILES,
    Name,
    Source,
    curve,
    source,
    standing,
)
from careplane.web.chart.growth import CENTIMETRES, MONTHS, YEARS, born_at, charts, is_child
from tests.fhir_house import observation

TODAY = date(2026, 11, 28)

# name, sex, months, percentile, value: P5, P50, P95 of wtage.csv, statage.csv and bmiage.csv, and
# of the WHO's weight for age as the CDC publishes it for children below two years
PUBLISHED: tuple[tuple[Name, str, float, float, float], ...] = (
    ("bmi", "male", 24.5, 5, 14.71929257),
    ("bmi", "male", 24.5, 50, 16.54777487),
    ("bmi", "male", 24.5, 95, 19.27889813),
    ("bmi", "male", 100.5, 95, 20.39979379),
    ("weight", "female", 240.5, 50, 58.21897289),
    ("weight", "male", 0, 5, 2.603994),
    ("weight", "male", 0, 95, 4.214527),
    ("weight", "male", 9, 25, 8.26946),
    ("weight", "male", 12, 90, 11.09087),
    ("weight", "male", 23, 95, 14.41108),
    ("weight", "female", 6, 10, 6.246243),
    ("weight", "female", 18, 95, 12.59804),
)
# sex, length in cm, percentile, weight in kg, of the same files
BY_LENGTH = (
    ("male", 45, 5, 2.106981), ("male", 60, 90, 6.68041), ("male", 75.5, 25, 9.086097),
    ("male", 90, 95, 14.56597), ("female", 50, 10, 2.991576), ("female", 70, 75, 8.684179),
    ("female", 84.5, 95, 12.90185),
)  # fmt: skip
# name, sex, months, standard deviations, value: the columns of the WHO's tables, to a decimal
DEVIATIONS: tuple[tuple[Name, str, float, int, float], ...] = (
    ("head", "male", 0, -3, 30.7),
    ("head", "male", 0, 2, 37.0),
    ("head", "male", 4, -2, 39.2),
    ("head", "female", 0, 3, 37.4),
    ("head", "female", 57, 2, 52.6),
    ("height", "male", 0, 3, 55.6),
    ("height", "male", 1, -2, 50.8),
    ("height", "female", 0, -2, 45.4),
)


@pytest.mark.parametrize(("name", "sex", "months", "percentile", "value"), PUBLISHED)
def test_published_percentiles(
    name: Name, sex: str, months: float, percentile: float, value: float
) -> None:
    found = standing(name, sex, months, value)
    assert found is not None
    assert found.percentile == pytest.approx(percentile, abs=0.001)


@pytest.mark.parametrize(("sex", "length", "percentile", "value"), BY_LENGTH)
def test_published_weights_for_length(
    sex: str, length: float, percentile: float, value: float
) -> None:
    found = standing("weight-for-length", sex, 10, value, length)
    assert found is not None
    assert found.percentile == pytest.approx(percentile, abs=0.001)
    assert standing("weight-for-length", sex, 24, value, length) is None, "a table of infants"


@pytest.mark.parametrize(("name", "sex", "months", "z", "value"), DEVIATIONS)
def test_published_standard_deviations(
    name: Name, sex: str, months: float, z: int, value: float
) -> None:
    found = standing(name, sex, months, value)
    assert found is not None
    assert found.z == pytest.approx(z, abs=0.06), "the tables are rounded to a millimetre"


def test_weeks_are_used_where_growth_is_not_a_straight_line() -> None:
    found = standing("weight", "male", 7 / 30.4375, 3.4879)
    assert found is not None
    assert found.z == pytest.approx(0, abs=0.01), "the WHO's median at one week"


def test_beyond_three_deviations_the_who_goes_in_equal_steps() -> None:
    lines = [curve("who2006", "weight", "female", 100 * NormalDist().cdf(z)) for z in (3, 2)]
    edge, before = (next(value for at, value in line if at == 14) for line in lines)
    far = standing("weight", "female", 14, edge + 2 * (edge - before))
    assert far is not None
    assert far.z == pytest.approx(5, abs=1e-6)


def test_ages_between_rows_lie_between_them() -> None:
    rows = [standing("height", "male", months, 110.0) for months in (60.5, 61.0, 61.5)]
    zs = [row.z for row in rows if row]
    assert zs == sorted(zs, reverse=True)
    assert len(zs) == 3


@pytest.mark.parametrize(("name", "sex", "months", "value"), [
    ("weight", "male", 240.6, 70), ("weight", "other", 60.0, 18), ("weight", "male", 60.0, 0),
    ("weight", "male", -0.1, 3), ("bmi", "male", 23.9, 16), ("head", "male", 60.1, 51),
])  # fmt: skip
def test_nothing_is_said_outside_of_the_tables(
    name: Name, sex: str, months: float, value: float
) -> None:
    assert standing(name, sex, months, value) is None


@pytest.mark.parametrize("name", ["height", "weight"])
@pytest.mark.parametrize("sex", ["male", "female"])
def test_no_age_is_between_the_two_references(name: Name, sex: str) -> None:
    for months in (0, 23.99, 24, 24.2, 24.5, 240.5):
        assert standing(name, sex, months, 80) is not None
    assert (source(name, 23.99), source(name, 24)) == ("who2006", "cdc2000")


@pytest.mark.parametrize("chosen", PERCENTILES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sex", ["male", "female"])
def test_percentiles_do_not_cross(chosen: Source, name: Name, sex: str) -> None:
    curves = [curve(chosen, name, sex, percentile) for percentile in PERCENTILES[chosen]]
    missing = {"who2006": {"bmi"}, "cdc2000": {"head", "weight-for-length"}}[chosen]
    assert any(curves) == (name not in missing)
    for points in zip(*curves, strict=True):
        values = [value for _, value in points]
        assert values == sorted(values)
        assert len({at for at, _ in points}) == 1


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
    assert all(row.standing for row in weight.rows)
    assert found[2].rows[0].value == 15.3
    assert [label for label, _, _ in weight.lines] == ["3", "10", "25", "50", "75", "90", "97"]
    assert weight.sources == ["who2006", "cdc2000"]
    assert all(path.count("M") == 2 for _, path, _ in weight.lines), "a piece of each reference"
    assert (weight.across, found[2].sources) == (YEARS, ["cdc2000"])
    assert is_child(child, TODAY)
    assert not is_child({"birthDate": "2006-11-01"}, TODAY)
    assert not is_child({}, TODAY)


INFANT = (
    measured("a", "8306-3", 61, "cm", "2026-09-01"),
    measured("b", "29463-7", 6.1, "kg", "2026-09-01"),
    measured("c", "9843-4", 40.2, "cm", "2026-09-01"),
    measured("d", "29463-7", 2.1, "kg", "2026-05-10"),
)


def test_a_chart_of_an_infant() -> None:
    found = charts({"birthDate": "2026-05-01", "gender": "male"}, INFANT, TODAY)
    assert [one.name for one in found] == ["height", "weight", "weight-for-length", "head"]
    assert [one.across for one in found] == [MONTHS, MONTHS, CENTIMETRES, MONTHS]
    assert all(one.sources == ["who2006"] and len(one.lines) == 7 for one in found)
    by_length = found[2]
    assert (by_length.rows[0].length, by_length.rows[0].at) == (61, 61)
    assert by_length.rows[0].standing == standing("weight-for-length", "male", 4, 6.1, 61)
    assert {row.corrected for one in found for row in one.rows} == {None}
    assert [label for label, _, _ in found[3].lines] == ["2", "10", "25", "50", "75", "90", "98"]


def test_the_age_of_a_preterm_infant_is_corrected_below_two_years() -> None:
    early = measured("e", "76516-4", 32, "wk", "2026-05-01")
    child = {"birthDate": "2026-05-01", "gender": "male"}
    assert born_at([early]) == 32
    weight = charts(child, [*INFANT, early], TODAY)[1]
    later, first = weight.rows
    assert later.corrected not in (later.age, "", None)
    assert later.standing == standing("weight", "male", (123 - 56) / 30.4375, 6.1)
    assert (first.corrected, first.standing) == ("", None), "before the day that was expected"
    assert len(weight.dots) == 1
    grown = measured("g", "29463-7", 12, "kg", "2028-05-02")
    assert charts(child, [grown, early], date(2028, 6, 1))[0].rows[0].corrected is None


@pytest.mark.parametrize(("value", "unit", "status", "weeks"), [
    (252, "d", "final", 36.0), (37, "wk", "final", None), (40, "wk", "final", None),
    (3, "wk", "final", None), (30, "mo", "final", None), (30, "wk", "entered-in-error", None),
])  # fmt: skip
def test_how_early_a_birth_was(value: float, unit: str, status: str, weeks: float | None) -> None:
    early = measured("e", "76516-4", value, unit, "2026-05-01") | {"status": status}
    assert born_at([early]) == weeks


def test_without_a_sex_there_are_values_and_no_percentiles() -> None:
    found = charts({"birthDate": "2018-05-04"},
                   [measured("a", "8302-2", 110, "cm", "2023-05-04")], TODAY)  # fmt: skip
    assert found[0].lines == []
    assert found[0].rows[0].standing is None
