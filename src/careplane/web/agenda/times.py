"""Free times as lists of days, to choose one of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from careplane.kernel.errors import Incorrect
from careplane.telehealth.scheduling.availability.openings import Opening
from careplane.telehealth.scheduling.calendars.diary import Diary
from careplane.telehealth.scheduling.visit import Wanted
from careplane.web.agenda.clock import hour, local, stamp, stamped
from careplane.web.agenda.roster import Line, Roster
from careplane.words.dates import long_day


@dataclass(frozen=True, slots=True)
class Time:
    """One time: `key` is what a form sends for it; `hour` at the clock of who looks, `there` at
    that of the place, empty where that is the same; `who` and `where` by name."""

    key: str
    start: int
    hour: str
    there: str
    who: str
    where: str


@dataclass(frozen=True, slots=True)
class Day:
    """The times of a day, in order; whether there are `more`."""

    day: str
    iso: str
    times: tuple[Time, ...]
    more: bool = False


def key(schedule: str, start: int, visit: str) -> str:
    """A time as a form sends it."""
    return f"{stamp(start)} {schedule} {visit}"


def wanted(text: str) -> Wanted:
    """What a form sent, its end left open. Raises Incorrect."""
    start, _, rest = text.partition(" ")
    schedule, _, visit = rest.partition(" ")
    if not schedule or not visit:
        raise Incorrect("Choose a time from the list.")
    at = stamped(start)
    return Wanted(schedule, at, at, visit)


def days(
    diaries: Iterable[Diary],
    who: Roster,
    zone: ZoneInfo,
    most: int,
    without: int = 0,
    each: int = 0,
) -> list[Day]:
    """The first times, at most so many, at this clock; but for one that begins at `without`. With
    `each` every moment once, whoever it is with, and no more than so many a day."""
    found: list[tuple[int, str, Time]] = []
    for diary in diaries:
        line = who.line(diary.id)
        for one in diary.free if line else ():
            if line is not None and one.start != without:
                time = _time(diary, one, line, who, zone)
                found.append((one.start, time.who, time))
    found.sort(key=lambda one: one[:2])
    grouped: dict[date, list[Time]] = {}
    number = 0
    for start, _, time in found:
        there = grouped.setdefault(local(start, zone).date(), [])
        if each and there and there[-1].start == start:
            continue
        there.append(time)
        number += not each or len(there) <= each
        if number >= most:
            break
    return [
        Day(long_day(day), day.isoformat(), tuple(there[: each or None]),
            bool(each) and len(there) > each)
        for day, there in grouped.items()
    ]  # fmt: skip


def _time(diary: Diary, one: Opening, line: Line, who: Roster, zone: ZoneInfo) -> Time:
    there = diary.place.availability.zone
    at, other = hour(one.start, zone), hour(one.start, there)
    differs = other != at or _differs(one.start, zone, there)
    return Time(
        key(diary.id, one.start, one.visit.code),
        one.start,
        at,
        f"{other} {there.key}" if differs else "",
        ", ".join(map(who.name, line.people)),
        who.site(line),
    )


def _differs(at: int, zone: ZoneInfo, other: ZoneInfo) -> bool:
    return local(at, zone).utcoffset() != local(at, other).utcoffset()
