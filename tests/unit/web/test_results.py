"""Observations as readings and trends; flags; sketches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from careplane.web.chart.results import plot, reading, readings, trends
from careplane.web.chart.sparkline import sketch
from careplane.web.pages.chart import flowsheet


def observation(value: str, when: str = "2026-11-24", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{when}",
        "status": "final",
        "code": {"coding": [{"code": "2823-3"}], "text": "Potassium"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": Decimal(value), "unit": "mmol/L"},
        **more,
    }


RANGE = [{"low": {"value": Decimal("3.5")}, "high": {"value": Decimal("5.1")}}]
INTERPRETED = {"coding": [{"code": "HH"}]}


@pytest.mark.parametrize(
    ("value", "more", "word"),
    [
        ("5.3", {"referenceRange": RANGE}, "High"),
        ("3.4", {"referenceRange": RANGE}, "Low"),
        ("5.1", {"referenceRange": RANGE}, "Normal"),
        ("5.3", {"referenceRange": RANGE, "interpretation": [INTERPRETED]}, "Critical high"),
        ("5.3", {"interpretation": [{"coding": [{"code": "unheard-of"}]}]}, None),
        ("5.3", {"referenceRange": RANGE * 2}, None),  # which of the two is for this patient?
        ("5.3", {}, None),
    ],
)
def test_flags(value: str, more: dict[str, Any], word: str | None) -> None:
    row = reading(observation(value, **more))
    assert row
    assert (row.flag.word if row.flag else None) == word


def test_digits_and_unit_are_kept() -> None:
    row = reading(observation("5.30", referenceRange=RANGE))
    assert row
    assert (row.text, row.unit, row.range) == ("5.30", "mmol/L", "3.5 – 5.1")


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_what_does_not_count_is_left_out(status: str) -> None:
    assert reading(observation("5.3") | {"status": status}) is None


def test_a_result_without_a_value_says_why() -> None:
    tree = observation("1", dataAbsentReason={"text": "Not performed"})
    del tree["valueQuantity"]
    row = reading(tree)
    assert row
    assert row.text == "Not performed"
    assert not trends([row])[0].plotted


def test_a_panel_is_one_reading_with_systolic_first() -> None:
    tree = observation("1") | {
        "component": [
            {"code": {"text": "Diastolic"}, "valueQuantity": {"value": 80, "unit": "mmHg"}},
            {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
        ]
    }
    del tree["valueQuantity"]
    row = reading(tree)
    assert row
    assert row.text == "120 / 80"


def test_a_trend_is_newest_first_and_its_line_oldest_first() -> None:
    rows = readings([observation("4", "2026-01-01"), observation("5", "2026-02-01")])
    (trend,) = trends(rows)
    assert [row.text for row in trend.readings] == ["5", "4"]
    ((_, points),) = trend.lines
    assert [y for _, y in points] == [4.0, 5.0]
    sent = plot(trend)["lines"][0]["points"]
    assert [point[:2] for point in sent] == list(points)
    assert [text for _, _, text in sent] == ["4", "5"]
    assert trend.summary == (
        "Potassium: 2 values from 01-Jan-2026 to 01-Feb-2026; first 4, latest 5 mmol/L"
    )


def test_values_in_another_unit_are_not_joined_to_the_line() -> None:
    other = observation("40", "2026-01-01")
    other["valueQuantity"]["unit"] = "mg/dL"
    (trend,) = trends(readings([other, observation("5", "2026-02-01")]))
    assert not trend.plotted


def test_recent_readings_are_taken_only_if_there_are_enough() -> None:
    rows = [observation("4", f"2026-0{month}-01") for month in range(1, 8)]
    (trend,) = trends(readings(rows))
    assert len(trend.recent("2026-04-01").readings) == 4
    assert len(trend.recent("2026-06-01").readings) == 7


def test_the_flowsheet_puts_what_is_abnormal_on_top() -> None:
    sodium = observation("140", "2026-02-01") | {"code": {"coding": [{"code": "2951-2"}]}}
    high = observation("6", "2026-01-01", referenceRange=RANGE)
    sheet = flowsheet(readings([sodium, high]))
    assert sheet["days"] == ["2026-02-01", "2026-01-01"]
    assert [trend.key for trend, _ in sheet["lines"]] == ["2823-3", "2951-2"]
    assert [cell.text if cell else "" for cell in sheet["lines"][0][1]] == ["", "6"]


def test_a_sketch_stays_in_its_box() -> None:
    drawing = sketch([[(0, 1.0), (10, 3.0)], [(0, 2.0), (10, 2.5)]], low=2.0, high=100.0)
    assert drawing
    assert len(drawing.paths) == 2
    numbers = [float(n) for n in drawing.paths[0].strip("M").replace("L", " ").split()]
    assert all(0 <= x <= drawing.width for x in numbers[::2])
    assert all(0 <= y <= drawing.height for y in numbers[1::2])
    assert drawing.band
    assert 0 <= drawing.band[0] <= sum(drawing.band) <= drawing.height


@pytest.mark.parametrize("lines", [[], [[]], [[(1.0, 1.0)]]])
def test_one_point_makes_no_line(lines: list[list[tuple[float, float]]]) -> None:
    assert sketch(lines) is None


def test_a_flat_line_has_a_scale() -> None:
    assert sketch([[(0, 0.0), (1, 0.0)]])
