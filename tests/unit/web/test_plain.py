"""Results in plain words: where a value lies, how it is drawn, and how it went since last time."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.web.chart import plain, said
from careplane.web.chart.plain import Bar
from careplane.web.chart.results import Trend, reading, readings, trends
from careplane.web.say.analytes import GROUPS, PLAIN


def observed(
    value: Any,
    low: Any = None,
    high: Any = None,
    when: str = "2027-03-01",
    unit: str = "mg/dL",
    flag: str = "",
    code: str = "2160-0",
) -> dict[str, Any]:
    limits = {
        end: {"value": limit} for end, limit in (("low", low), ("high", high)) if limit is not None
    }
    return {
        "resourceType": "Observation", "id": f"o{when}", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "Test"},
        "effectiveDateTime": when,
        **({"valueQuantity": {"value": value, "unit": unit}} if not isinstance(value, str)
           else {"valueString": value}),
        **({"referenceRange": [limits]} if limits else {}),
        **({"interpretation": [{"coding": [{"code": flag}]}]} if flag else {}),
    }  # fmt: skip


def trend(*observations: dict[str, Any]) -> Trend:
    return trends(readings(observations))[0]


@pytest.mark.parametrize(
    ("value", "low", "high", "flag", "words"),
    [
        (1.0, 0.7, 1.3, "", "Within the usual range"),
        (0.7, 0.7, 1.3, "", "Within the usual range"),
        (1.3, 0.7, 1.3, "", "Within the usual range"),
        (0.6, 0.7, 1.3, "", "Below the usual range"),
        (1.4, 0.7, 1.3, "", "Above the usual range"),
        (5, None, 4, "", "Above the usual range"),
        (5, 6, None, "", "Below the usual range"),
        (5, None, None, "", "No usual range was sent with this result"),
        (9, 1, 2, "HH", "Far above the usual range"),
        (9, 1, 2, "N", "Within the usual range"),
        ("seen", None, None, "POS", "Found"),
        ("none", None, None, "ND", "Not found"),
    ],
)
def test_where_a_value_lies(value: Any, low: Any, high: Any, flag: str, words: str) -> None:
    told = plain.told(trend(observed(value, low, high, flag=flag)))
    assert told.lines[0].standing == words


@pytest.mark.parametrize(
    ("value", "low", "high", "bar"),
    [
        (3, 2, 4, Bar(25, 75, 50, False)),
        (2, 2, 4, Bar(25, 75, 25, False)),
        (4, 2, 4, Bar(25, 75, 75, False)),
        (100, 2, 4, Bar(25, 75, 98, True)),
        (-100, 2, 4, Bar(25, 75, 2, True)),
        (450, None, 450, Bar(0, 50, 50, False)),
        (0, None, 450, Bar(0, 50, 2, False)),
        (4820, None, 450, Bar(0, 50, 98, True)),
        (120, 60, None, Bar(50, 100, 98, False)),
        (0, 0, None, Bar(50, 100, 50, False)),
        (1, 2, 2, None),
        (1, None, None, None),
    ],
)
def test_the_bar_has_the_value_at_its_place(
    value: float, low: Any, high: Any, bar: Bar | None
) -> None:
    assert plain.told(trend(observed(value, low, high))).lines[0].bar == bar


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (1.00, 1.02, "About the same as last time"),
        (1.00, 0.98, "About the same as last time"),
        (1.00, 1.10, "Higher than last time:"),
        (1.20, 1.10, "Lower than last time:"),
        (1.00, 1.60, "Higher than last time, and now above the usual range"),
        (1.00, 0.50, "Lower than last time, and now below the usual range"),
        (1.60, 1.10, "Lower than last time, and within the usual range again"),
        (0.50, 0.90, "Higher than last time, and within the usual range again"),
        (1.60, 1.80, "Higher than last time:"),
        (0.50, 1.60, "Higher than last time, and now above the usual range"),
        (0, 0, "About the same as last time"),
        (0, 1, "Higher than last time, and within the usual range again"),
    ],
)
def test_how_it_went_since_last_time(before: float, now: float, words: str) -> None:
    found = plain.told(
        trend(observed(before, 0.7, 1.3, "2027-01-02"), observed(now, 0.7, 1.3, "2027-03-01"))
    )
    change = found.lines[0].change
    assert change
    assert change.text.startswith(words)
    assert (change.before, change.when) == (str(before), "2027-01-02")


def test_other_units_and_first_values_are_not_compared() -> None:
    alone = plain.told(trend(observed(1.0)))
    assert alone.lines[0].change is None
    other = plain.told(trend(observed(1.0, when="2027-01-01"), observed(88, unit="umol/L")))
    assert other.lines[0].change is None
    words = plain.told(trend(observed("none", when="2027-01-01"), observed("seen")))
    assert words.lines[0].change is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((1, 2, 3, 4), "It has risen each time"),
        ((4, 3, 2, 1), "It has fallen each time"),
        ((1, 2, 3), ""),
        ((1, 2, 2, 3), ""),
        ((9, 1, 2, 3), ""),
        ((9, 1, 2, 3, 4), "It has risen each time"),
    ],
)
def test_a_movement_needs_four_in_a_row(values: tuple[float, ...], words: str) -> None:
    rows = [observed(v, when=f"2027-01-0{day}") for day, v in enumerate(values, 1)]
    movement = plain.told(trend(*rows)).lines[0].movement
    assert bool(movement) is bool(words)
    assert movement is None or (movement.text.startswith(words) and movement.count == 4)


def test_a_panel_is_told_value_by_value() -> None:
    part = {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg"}}
    low = {"code": {"text": "Diastolic"}, "valueQuantity": {"value": 80, "unit": "mmHg"}}
    tree = {**observed(1, code="85354-9"), "component": [low, part]}
    del tree["valueQuantity"]
    told = plain.told(trend(tree))
    assert [line.name for line in told.lines] == ["Systolic", "Diastolic"]
    assert (told.known, told.name, told.group) == (True, "Blood pressure", "Body measures")


def test_tests_stand_in_their_groups() -> None:
    rows = [observed(1, code=code) for code in ("718-7", "2160-0", "x-1", "33762-6")]
    groups = plain.grouped([plain.told(one) for one in trends(readings(rows))])
    assert [group for group, _ in groups] == ["Heart", "Blood count", "Kidneys", "Other results"]
    (other,) = groups[-1][1]
    assert (other.known, other.name, other.says) == (False, "Test", "")
    named = plain.told(other.trend, {"x-1": "A test for you"})
    assert (named.known, named.name) == (False, "A test for you")


def test_the_table_of_tests() -> None:
    assert len({one.name for one in PLAIN.values()}) >= 100
    for code, one in PLAIN.items():
        number, check = code.split("-")
        assert _mod10(number) == int(check), code
        assert one.group in GROUPS
        assert one.says.endswith(".")
        assert len(one.says) <= 220


def _mod10(number: str) -> int:
    """The check digit of a LOINC code (LOINC Users' Guide, appendix C)."""
    odd = str(int(number[-1::-2]) * 2)
    total = sum(map(int, odd)) + sum(map(int, number[-2::-2]))
    return -total % 10


def test_what_was_said_of_a_result() -> None:
    tasks = [
        {"focus": {"reference": "Observation/a"}, "owner": {"reference": "Practitioner/p"},
         "lastModified": "2027-03-02T10:00:00Z", "note": [{"text": "Fine."}]},
        {"focus": {"reference": "Observation/b"}},
    ]  # fmt: skip
    letters = [
        {"about": [{"reference": "Observation/a"}], "sent": "2027-03-03T10:00:00Z",
         "sender": {"display": "Dr. B"}, "payload": [{"contentString": "Call me."}]},
        {"payload": [{"contentString": "About nothing."}]},
    ]  # fmt: skip
    found = said.remarks(tasks, letters)
    assert list(found) == ["Observation/a"]
    assert [(one.text, one.who) for one in found["Observation/a"]] == [
        ("Call me.", "Dr. B"), ("Fine.", "Practitioner/p"),
    ]  # fmt: skip


def test_what_did_not_count_is_not_told() -> None:
    assert reading({**observed(1), "status": "entered-in-error"}) is None
