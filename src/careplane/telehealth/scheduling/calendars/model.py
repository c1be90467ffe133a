"""A calendar as a table: rows are steps of the clock, columns are days or practitioners. Pure.

Made for pages to render as an accessible table. Every cell says how many rows it spans, so that a
visit is one cell and is read once; visits that share a row stand in one cell. On a day on which the
clock is changed an hour is there twice, or is missing: its rows are those of all days together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.availability.openings import moment
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.occupancy import held_until, moment_of

Kind = Literal["visits", "closed", "free", "full", "shut", "absent"]
SHOWN = frozenset({"pending", "booked", "arrived", "checked-in", "fulfilled", "noshow"})
_USUAL = (8 * 60, 17 * 60)
_DAY = 24 * 60
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Strand:
    """What one column shows of one day: `visits` are Appointments, `open` spans of rules, `closed`
    spans with what for, `free` when times begin that can be had; moments in microseconds since
    1970."""

    day: date
    actor: str = ""
    visits: tuple[Tree, ...] = ()
    open: tuple[Span, ...] = ()
    closed: tuple[tuple[int, int, str], ...] = ()
    free: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell over `rows` rows. `visits` in order of time; `start` is when a free time begins;
    `why` what it is closed for. Full: open, and no time is left; shut: rules have nothing then."""

    kind: Kind
    rows: int
    visits: tuple[Tree, ...] = ()
    start: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`label` is what a clock shows, such as 02:30; `again` where it shows that the second time;
    `cells` are those that begin here, None for a column where another one reaches down to here."""

    label: str
    again: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`step` is in minutes; `strands` are the columns."""

    step: int
    strands: tuple[Strand, ...]
    rows: tuple[Row, ...]


def week_of(day: date) -> tuple[date, ...]:
    """The days of its week, from Monday on."""
    monday = day - timedelta(days=day.weekday())
    return tuple(monday + timedelta(days=number) for number in range(7))


def is_shown(tree: Tree, now: int) -> bool:
    """Whether an Appointment stands in a calendar: not one that was let go."""
    until = held_until(tree)
    lapsed = until is not None and until <= now
    return tree.get("status") in SHOWN and "start" in tree and "end" in tree and not lapsed


def table(strands: Sequence[Strand], zone: ZoneInfo, step: int = 30) -> Table:
    """The table. Rows go from the first hour to the last in which there is anything."""
    days = sorted({one.day for one in strands})
    first, last = _hours(strands, zone)
    moments = {day: _moments(day, zone, first, last, step) for day in days}
    keys = _in_order({key for known in moments.values() for key in known})
    columns = [_cells(one, [moments[one.day].get(key) for key in keys], step) for one in strands]
    rows = tuple(
        Row(f"{minute // 60:02}:{minute % 60:02}", bool(fold), tuple(c[number] for c in columns))
        for number, (minute, fold) in enumerate(keys)
    )
    return Table(step, tuple(strands), rows)


def changes(day: date, zone: ZoneInfo) -> bool:
    """Whether the clock is changed on a day."""
    ends = (datetime.combine(day + timedelta(days=n), time(0), zone) for n in (0, 1))
    first, last = ends
    return first.utcoffset() != last.utcoffset()


def _hours(strands: Sequence[Strand], zone: ZoneInfo) -> tuple[int, int]:
    """Minutes of the day from and to, as whole hours."""
    low, high = _DAY, 0
    for one in strands:
        begin = moment(one.day, time(0), zone)
        end = moment(one.day + timedelta(days=1), time(0), zone)
        spans = [(moment_of(tree["start"]), moment_of(tree["end"])) for tree in one.visits]
        for start, stop in (*spans, *one.open):
            if start < end and stop > begin:
                low = min(low, _minute(max(start, begin), zone))
                high = max(high, _minute(stop, zone) if stop < end else _DAY)
    if low >= high:
        low, high = _USUAL
    return low // 60 * 60, -(-high // 60) * 60


def _minute(at: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(at // 1_000_000, zone)
    return local.hour * 60 + local.minute


def _moments(
    day: date, zone: ZoneInfo, first: int, last: int, step: int
) -> dict[tuple[int, int], int]:
    """When each step of the clock is: minute of the day and fold (PEP 495) to a moment."""
    at, end = (moment(day + timedelta(days=n), time(0), zone) for n in (0, 1))
    found: dict[tuple[int, int], int] = {}
    while at < end:
        local = datetime.fromtimestamp(at // 1_000_000, zone)
        minute = local.hour * 60 + local.minute
        if first <= minute < last:
            found[minute, local.fold] = at
        at += step * MINUTE
    return found


def _in_order(keys: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """As clocks show them; what is shown the second time after all that is shown twice."""
    ends = max((minute for minute, fold in keys if fold), default=0)
    return sorted(keys, key=lambda key: (ends, 1, key[0]) if key[1] else (key[0], 0, key[0]))


def _cells(one: Strand, moments: list[int | None], step: int) -> list[Cell | None]:
    size = step * MINUTE
    cells: list[Cell | None] = [None] * len(moments)
    taken = [False] * len(moments)

    def rows_of(start: int, end: int) -> range:
        met = [
            n for n, at in enumerate(moments) if at is not None and at < end and start < at + size
        ]
        return range(met[0], met[-1] + 1) if met else range(0)

    for rows, visits in _together(one.visits, rows_of):
        cells[rows[0]] = Cell("visits", len(rows), visits)
        for number in rows:
            taken[number] = True
    for rows, kind, start, why in _runs(one, moments, taken, size):
        cells[rows[0]] = Cell(kind, len(rows), start=start, why=why)
    return cells


def _together(
    visits: Sequence[Tree], rows_of: Callable[[int, int], range]
) -> Iterator[tuple[range, tuple[Tree, ...]]]:
    """Visits with the rows they stand in; those that share one stand together."""
    spans = sorted(
        ((moment_of(t["start"]), moment_of(t["end"]), str(t["id"]), t) for t in visits),
        key=lambda span: span[:3],
    )
    rows, group = range(0), list[Tree]()
    for start, end, _, tree in spans:
        mine = rows_of(start, end)
        if not mine:
            continue
        if group and mine.start < rows.stop:
            rows = range(rows.start, max(rows.stop, mine.stop))
        else:
            if group:
                yield rows, tuple(group)
            rows, group = mine, []
        group.append(tree)
    if group:
        yield rows, tuple(group)


def _runs(
    one: Strand, moments: list[int | None], taken: list[bool], size: int
) -> Iterator[tuple[range, Kind, int, str]]:
    """What there is in rows without visits; what goes on from row to row is one run."""
    starts = sorted(one.free)
    run: tuple[int, Kind, str] | None = None
    for number, at in enumerate((*moments, None)):
        ended = number == len(moments)
        kind: Kind = "shut"
        kind, start, why = ("shut", 0, "") if ended else _of_row(one, at, starts, size)
        if run and (ended or taken[number] or (run[1], run[2]) != (kind, why)):
            yield range(run[0], number), run[1], 0, run[2]
            run = None
        if ended or taken[number]:
            continue
        if kind == "free":
            yield range(number, number + 1), kind, start, ""
        elif run is None:
            run = (number, kind, why)


def _of_row(one: Strand, at: int | None, starts: Iterable[int], size: int) -> tuple[Kind, int, str]:
    if at is None:
        return "absent", 0, ""
    why = next((w for low, high, w in one.closed if low < at + size and at < high), None)
    free = next((start for start in starts if at <= start < at + size), None)
    if free is not None:
        return "free", free, ""
    if why is not None:
        return "closed", 0, why
    is_open = any(low < at + size and at < high for low, high in one.open)
    return ("full" if is_open else "shut"), 0, ""
