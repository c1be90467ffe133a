"""The calendar as a table: rows, columns and spans; days on which the clock is changed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.telehealth.scheduling.calendars.model import (
    Strand,
    changes,
    is_shown,
    table,
    week_of,
)
from tests.scheduling_house import MINUTE, ZONE, at

DAY = date(2027, 3, 1)


def visit(id: str, start: str, end: str, status: str = "booked") -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "start": _iso(start),
        "end": _iso(end),
    }


def _iso(clock: str) -> str:
    return datetime.fromisoformat(_full(clock)).replace(tzinfo=ZONE).isoformat()


def _full(clock: str) -> str:
    return clock if "T" in clock else f"2027-03-01T{clock}"


def span(start: str, end: str) -> tuple[int, int]:
    return at(_full(start)), at(_full(end))


def drawn(strand: Strand, step: int = 30, zone: ZoneInfo = ZONE) -> list[str]:
    """A line a row: the label and what begins there."""
    lines = []
    for row in table([strand], zone, step).rows:
        (cell,) = row.cells
        label = row.label + ("*" if row.again else "")
        if cell is None:
            lines.append(f"{label} |")
            continue
        what = " ".join(str(one["id"]) for one in cell.visits) or cell.why
        lines.append(f"{label} {cell.kind}x{cell.rows} {what}".strip())
    return lines


CASES: dict[str, tuple[Strand, list[str]]] = {
    "a visit is one cell, whatever its minutes": (
        Strand(DAY, visits=(visit("a", "09:40", "10:10"),), open=(span("09:00", "11:00"),)),
        ["09:00 fullx1", "09:30 visitsx2 a", "10:00 |", "10:30 fullx1"],
    ),
    "those that share a row stand together": (
        Strand(DAY, visits=(visit("b", "09:20", "09:40"), visit("a", "09:00", "09:20"))),
        ["09:00 visitsx2 a b", "09:30 |"],
    ),
    "those that only touch do not": (
        Strand(DAY, visits=(visit("a", "09:00", "09:30"), visit("b", "09:30", "10:00"))),
        ["09:00 visitsx1 a", "09:30 visitsx1 b"],
    ),
    "free times are rows of their own": (
        Strand(DAY, open=(span("09:00", "10:30"),), free=(at(_full("09:10")), at(_full("09:30")))),
        ["09:00 freex1", "09:30 freex1", "10:00 fullx1", "10:30 shutx1"],
    ),
    "closed hours say what for": (
        Strand(DAY, open=(span("09:00", "11:00"),), closed=((*span("09:30", "10:30"), "Leave"),)),
        ["09:00 fullx1", "09:30 closedx2 Leave", "10:00 |", "10:30 fullx1"],
    ),
    "a visit in closed hours is still seen": (
        Strand(
            DAY,
            visits=(visit("a", "09:30", "10:00"),),
            open=(span("09:00", "11:00"),),
            closed=((*span("09:00", "11:00"), "Leave"),),
        ),
        ["09:00 closedx1 Leave", "09:30 visitsx1 a", "10:00 closedx2 Leave", "10:30 |"],
    ),
    "an hour that is not there": (
        Strand(date(2027, 3, 28), open=(span("2027-03-28T01:00", "2027-03-28T04:00"),)),
        ["01:00 fullx4", "01:30 |", "03:00 |", "03:30 |"],
    ),
    "an hour that is there twice": (
        Strand(date(2027, 10, 31), open=(span("2027-10-31T02:00", "2027-10-31T03:00"),)),
        ["02:00 fullx4", "02:30 |", "02:00* |", "02:30* |"],
    ),
}


@pytest.mark.parametrize(("strand", "lines"), CASES.values(), ids=CASES)
def test_one_column(strand: Strand, lines: list[str]) -> None:
    assert drawn(strand) == lines


@pytest.mark.parametrize(
    ("change", "odd", "labels"),
    [
        (date(2027, 3, 28), "absent", ["01:30", "02:00", "02:30", "03:00"]),
        (date(2027, 10, 31), "absent", ["01:30", "02:00", "02:30", "02:00*", "02:30*", "03:00"]),
    ],
)
def test_a_week_has_the_rows_of_all_its_days(change: date, odd: str, labels: list[str]) -> None:
    """In spring the changed day lacks an hour; in autumn the other days lack the second one."""
    days = week_of(change)
    found = table([Strand(d, open=((at(f"{d}T01:30"), at(f"{d}T03:30")),)) for d in days], ZONE)
    shown = [row.label + ("*" if row.again else "") for row in found.rows]
    assert [one for one in shown if "01:00" < one < "03:30"] == labels
    assert [day for day in days if changes(day, ZONE)] == [change]
    row = found.rows[shown.index("02:00*" if "02:00*" in shown else "02:00")]
    lacking = {day for day, cell in zip(days, row.cells, strict=True) if cell and cell.kind == odd}
    assert lacking == ({change} if change.month == 3 else set(days) - {change})


def test_a_visit_over_the_missing_hour_is_one_cell() -> None:
    monday = date(2027, 3, 22)
    days = [monday, date(2027, 3, 28)]
    long = visit("a", "2027-03-28T01:30", "2027-03-28T03:30")
    found = table(
        [
            Strand(days[0], open=(span("2027-03-22T01:30", "2027-03-22T03:30"),)),
            Strand(days[1], visits=(long,)),
        ],
        ZONE,
    )
    (cell,) = [row.cells[1] for row in found.rows if row.cells[1] and row.cells[1].visits]
    assert cell.rows == 4  # 01:30, the two rows that are not there, 03:00


def test_what_is_shown() -> None:
    now = at("2027-03-01T08:00")
    held = visit("h", "09:00", "09:30", "pending")
    until = {"url": "https://github.com/careplane/careplane/StructureDefinition/"
             "appointment-held-until", "valueInstant": "2027-03-01T07:30:00Z"}  # fmt: skip
    assert is_shown(held, now)
    assert is_shown({**held, "extension": [until]}, now)
    assert not is_shown({**held, "extension": [until]}, now + 90 * MINUTE)
    assert not is_shown(visit("c", "09:00", "09:30", "cancelled"), now)
    assert not is_shown({"status": "booked"}, now)


VISITS = st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 300)), max_size=12)
DAYS = st.sampled_from([DAY, date(2027, 3, 28), date(2027, 10, 31)])


@given(VISITS, DAYS, st.sampled_from([15, 30, 60]))
def test_every_row_of_a_column_is_covered_once(
    spans: list[tuple[int, int]], day: date, step: int
) -> None:
    begin = at(f"{day}T00:00")
    trees = []
    for number, (start, minutes) in enumerate(spans):
        low = datetime.fromtimestamp(begin // 10**6 + start * 60, ZONE)
        high = low.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minutes)
        trees.append(
            {"resourceType": "Appointment", "id": str(number), "status": "booked",
             "start": low.isoformat(), "end": high.isoformat()}
        )  # fmt: skip
    found = table([Strand(day, visits=tuple(trees))], ZONE, step)
    covered = 0
    seen: list[str] = []
    for number, row in enumerate(found.rows):
        (cell,) = row.cells
        if number < covered:
            assert cell is None
            continue
        assert cell is not None
        covered = number + cell.rows
        seen += [str(one["id"]) for one in cell.visits]
    assert covered == len(found.rows)
    end = at(f"{day + timedelta(days=1)}T00:00")
    on = {str(n) for n, (start, _) in enumerate(spans) if begin + start * MINUTE < end}
    assert sorted(seen) == sorted(set(seen))
    assert set(seen) == on
