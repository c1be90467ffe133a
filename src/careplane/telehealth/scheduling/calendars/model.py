"""A calendar as a table: a day or a week, a column for each practitioner or room. Pure.

Made for pages to render as an accessible table: every cell says how many rows it spans, so that a
visit is one cell and is read once; what overlaps stands in lanes side by side. Rows are steps of
real time, so a day on which the clock is changed has the hours that it really has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.availability.openings import moment
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.occupancy import actors_of, moment_of

By = Literal["practitioner", "room"]
_TYPES = {"practitioner": ("Practitioner", "PractitionerRole"), "room": ("Location",)}
_SHOWN = frozenset({"pending", "booked", "arrived", "checked-in", "fulfilled", "noshow"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit in a column: from row `row` over `rows` rows, in lane `lane` of `lanes`."""

    id: str
    status: str
    start: int
    end: int
    row: int
    rows: int
    lane: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Column:
    """A day of one practitioner or room (`actor`), or of all (empty); `open` are rows in which
    rules offer visits."""

    day: date
    actor: str
    entries: tuple[Entry, ...]
    open: frozenset[int]


@dataclass(frozen=True, slots=True)
class Calendar:
    """`rows` are the moments at which rows begin, for each day; `labels` what they are called,
    such as 09:00, twice where a clock shows them twice; `step` is in minutes."""

    days: tuple[date, ...]
    step: int
    rows: dict[date, tuple[int, ...]]
    labels: dict[date, tuple[str, ...]]
    columns: tuple[Column, ...]


def week_of(day: date) -> tuple[date, ...]:
    """The days of its week, from Monday on."""
    monday = day - timedelta(days=day.weekday())
    return tuple(monday + timedelta(days=number) for number in range(7))


def calendar(
    days: Sequence[date],
    visits: Iterable[Tree],
    zone: ZoneInfo,
    by: By | None = None,
    actors: Sequence[str] = (),
    hours: tuple[time, time] = (time(7), time(19)),
    step: int = 15,
    open: Iterable[tuple[int, int, str]] = (),
) -> Calendar:
    """The table. Columns are days, or with `by` each day's `actors`, all that occur if none are
    named. `open` are windows of rules: start, end and the actor. What begins before the first hour
    or ends after the last widens the day."""
    trees = [t for t in visits if t.get("status") in _SHOWN and "start" in t and "end" in t]
    shown = {day: [tree for tree in trees if _touches(tree, day, zone)] for day in days}
    rows = {day: _rows(day, shown[day], zone, hours, step) for day in days}
    labels = {day: tuple(_label(at, zone) for at in rows[day]) for day in days}
    columns = []
    for day in days:
        for actor in (actors or _actors(shown[day], by)) if by else ("",):
            mine = [t for t in shown[day] if not actor or actor in actors_of(t)]
            spans = [(low, high) for low, high, of in open if of == actor or not actor]
            columns.append(
                Column(day, actor, _entries(mine, rows[day], step), _open(rows[day], spans))
            )
    return Calendar(tuple(days), step, rows, labels, tuple(columns))


def _rows(
    day: date, visits: Sequence[Tree], zone: ZoneInfo, hours: tuple[time, time], step: int
) -> tuple[int, ...]:
    begin, end = moment(day, hours[0], zone), moment(day, hours[1], zone)
    midnight = moment(day, time(0), zone)
    tomorrow = moment(day + timedelta(days=1), time(0), zone)
    size = step * MINUTE
    for tree in visits:
        start, stop = moment_of(tree["start"]), moment_of(tree["end"])
        while start < begin and begin > midnight:
            begin -= size
        while stop > end and end < tomorrow:
            end += size
    return tuple(range(begin, end, size))


def _entries(visits: Sequence[Tree], rows: tuple[int, ...], step: int) -> tuple[Entry, ...]:
    spans = sorted((moment_of(t["start"]), moment_of(t["end"]), str(t["id"]), t) for t in visits)
    placed: list[tuple[int, int, int, Tree]] = []
    found: list[Entry] = []
    latest = 0
    for start, end, _, tree in spans:
        if placed and start >= latest:  # nothing overlaps any more: lanes begin anew
            found += _cells(placed, rows, step)
            placed = []
        taken = {lane for low, high, lane, _ in placed if low < end and start < high}
        lane = next(number for number in range(len(taken) + 1) if number not in taken)
        placed.append((start, end, lane, tree))
        latest = max(latest, end)
    return (*found, *_cells(placed, rows, step))


def _cells(
    placed: Sequence[tuple[int, int, int, Tree]], rows: tuple[int, ...], step: int
) -> list[Entry]:
    lanes = max((lane for _, _, lane, _ in placed), default=0) + 1
    size = step * MINUTE
    found = []
    for start, end, lane, tree in placed:
        first = max(0, (start - rows[0]) // size)
        last = min(len(rows), -((rows[0] - end) // size))
        id, status = str(tree["id"]), str(tree["status"])
        found.append(Entry(id, status, start, end, first, max(1, last - first), lane, lanes))
    return found


def _open(rows: tuple[int, ...], spans: Sequence[tuple[int, int]]) -> frozenset[int]:
    return frozenset(
        number for number, at in enumerate(rows) if any(low <= at < high for low, high in spans)
    )


def _actors(visits: Sequence[Tree], by: By | None) -> tuple[str, ...]:
    types = _TYPES[by or "practitioner"]
    found = {actor for tree in visits for actor in actors_of(tree)}
    return tuple(sorted(actor for actor in found if actor.split("/")[0] in types))


def _touches(tree: Tree, day: date, zone: ZoneInfo) -> bool:
    low, high = moment(day, time(0), zone), moment(day + timedelta(days=1), time(0), zone)
    return moment_of(tree["start"]) < high and moment_of(tree["end"]) > low


def _label(at: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000, zone):%H:%M}"
