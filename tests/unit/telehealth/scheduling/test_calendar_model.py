"""The calendar as a table: rows, columns, spans and lanes; a day on which the clock is changed."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.telehealth.scheduling.calendars.model import Entry, calendar, week_of
from tests.scheduling_house import MINUTE, ZONE, at

DAY = date(2027, 3, 1)


def visit(id: str, start: str, end: str, *actors: str, status: str = "booked") -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "start": _iso(start),
        "end": _iso(end),
        "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in actors],
    }


def _iso(clock: str) -> str:
    from datetime import datetime

    text = clock if "T" in clock else f"2027-03-01T{clock}"
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).isoformat()


def cells(entries: tuple[Entry, ...]) -> list[tuple[str, int, int, int, int]]:
    return [(one.id, one.row, one.rows, one.lane, one.lanes) for one in entries]


def test_a_day_has_a_row_a_quarter_of_an_hour() -> None:
    found = calendar([DAY], [visit("a", "09:00", "09:30")], ZONE, hours=(time(8), time(10)))
    assert found.labels[DAY] == ("08:00", "08:15", "08:30", "08:45",
                                 "09:00", "09:15", "09:30", "09:45")  # fmt: skip
    (column,) = found.columns
    assert cells(column.entries) == [("a", 4, 2, 0, 1)]


CASES: dict[str, tuple[list[tuple[str, str, str]], list[tuple[str, int, int]]]] = {
    "one after the other": (
        [("a", "09:00", "09:30"), ("b", "09:30", "10:00")], [("a", 0, 1), ("b", 0, 1)],
    ),
    "two at once": (
        [("a", "09:00", "10:00"), ("b", "09:30", "10:30")], [("a", 0, 2), ("b", 1, 2)],
    ),
    "a lane that is free again": (
        [("a", "09:00", "10:00"), ("b", "09:00", "09:30"), ("c", "09:30", "10:00")],
        [("b", 0, 2), ("a", 1, 2), ("c", 0, 2)],
    ),
    "lanes begin anew": (
        [("a", "09:00", "10:00"), ("b", "09:00", "10:00"), ("c", "10:00", "11:00")],
        [("a", 0, 2), ("b", 1, 2), ("c", 0, 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_lanes(name: str) -> None:
    given_visits, expected = CASES[name]
    (column,) = calendar([DAY], [visit(*one) for one in given_visits], ZONE).columns
    assert [(one.id, one.lane, one.lanes) for one in column.entries] == expected


def test_columns_are_practitioners_or_rooms() -> None:
    visits = [
        visit("a", "09:00", "09:30", "Practitioner/d", "Location/one", "Patient/p"),
        visit("b", "09:00", "09:30", "Practitioner/e", "Location/one", "Patient/q"),
        visit("c", "10:00", "10:30", "Practitioner/d", status="cancelled"),
    ]
    people = calendar([DAY], visits, ZONE, "practitioner")
    assert [(c.actor, [e.id for e in c.entries]) for c in people.columns] == [
        ("Practitioner/d", ["a"]), ("Practitioner/e", ["b"]),
    ]  # fmt: skip
    rooms = calendar([DAY], visits, ZONE, "room", ["Location/one", "Location/two"])
    assert [(c.actor, len(c.entries)) for c in rooms.columns] == [
        ("Location/one", 2), ("Location/two", 0),
    ]  # fmt: skip


def test_a_week_has_seven_days_from_monday_on() -> None:
    days = week_of(date(2027, 3, 4))
    assert (days[0], days[-1], len(days)) == (date(2027, 3, 1), date(2027, 3, 7), 7)
    found = calendar(days, [visit("a", "2027-03-03T09:00", "2027-03-03T09:30")], ZONE)
    assert [len(column.entries) for column in found.columns] == [0, 0, 1, 0, 0, 0, 0]


def test_what_is_early_or_late_widens_its_day_alone() -> None:
    days = [DAY, date(2027, 3, 2)]
    found = calendar(days, [visit("a", "06:30", "07:30"), visit("b", "18:30", "20:00")], ZONE)
    assert (found.labels[DAY][0], found.labels[DAY][-1]) == ("06:30", "19:45")
    assert found.labels[days[1]][0] == "07:00"
    assert [one.row for one in found.columns[0].entries] == [0, 48]


@pytest.mark.parametrize(
    ("day", "hours"), [("2027-03-28", 23), ("2027-10-31", 25), ("2027-03-29", 24)]
)
def test_a_day_has_the_hours_that_it_has(day: str, hours: int) -> None:
    one = date.fromisoformat(day)
    late = visit("a", f"{day}T00:00", f"{day}T00:30"), visit("b", f"{day}T23:00", f"{day}T23:59")
    found = calendar([one], late, ZONE, step=60)
    labels = found.labels[one]
    assert len(labels) == hours
    assert labels.count("02:00") == {23: 0, 24: 1, 25: 2}[hours]


def test_rows_in_which_rules_offer_visits_are_marked() -> None:
    window = (at("2027-03-01T09:00"), at("2027-03-01T10:00"), "Practitioner/d")
    (column,) = calendar(
        [DAY], [], ZONE, "practitioner", ["Practitioner/d"], (time(8), time(11)), 30, [window]
    ).columns
    assert column.open == {2, 3}


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 20)), max_size=20))
def test_no_two_visits_share_a_cell(spans: list[tuple[int, int]]) -> None:
    """A law: in one lane nothing overlaps, and every lane is one of those that are said."""
    begin = at("2027-03-01T00:00")
    zone = ZoneInfo("Europe/Berlin")
    visits = []
    for number, (start, length) in enumerate(spans):
        tree = visit(str(number), "09:00", "09:30")
        from datetime import datetime

        for key, micros in (("start", start), ("end", start + length)):
            moment = begin + micros * 15 * MINUTE
            tree[key] = datetime.fromtimestamp(moment // 10**6, zone).isoformat()
        visits.append(tree)
    (column,) = calendar([DAY], visits, zone).columns
    assert len(column.entries) == len(spans)
    for one in column.entries:
        assert 0 <= one.lane < one.lanes
        for other in column.entries:
            if other is not one and one.lane == other.lane:
                assert one.row + one.rows <= other.row or other.row + other.rows <= one.row
