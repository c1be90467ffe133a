"""Free times as lists of days, to choose one of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from careplane.kernel.errors import Incorrect
from careplane.telehealth.scheduling.calendars.diary import Diary
from careplane.telehealth.scheduling.visit import Wanted
from careplane.web.agenda.clock import dated, hour, local, stamp, stamped, weekday
from careplane.web.agenda.roster import Roster


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
    """The times of a day, in order."""

    weekday: str
    day: str
    times: tuple[Time, ...]


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
    diaries: Iterable[Diary], who: Roster, zone: ZoneInfo, most: int, without: int = 0
) -> list[Day]:
    """The first times, at most so many, at this clock; but for one that begins at `without`."""
    found: list[tuple[int, str, Time]] = []
    for diary in diaries:
        line = who.line(diary.id)
        if line is None:
            continue
        there = diary.place.availability.zone
        for one in diary.free[: most + 1]:
            if one.start == without:
                continue
            at, other = hour(one.start, zone), hour(one.start, there)
            time = Time(
                key(diary.id, one.start, one.visit.code),
                one.start,
                at,
                f"{other} {there.key}" if other != at or _differs(one.start, zone, there) else "",
                ", ".join(map(who.name, line.people)),
                who.site(line),
            )
            found.append((one.start, time.who, time))
    found.sort(key=lambda one: one[:2])
    grouped: dict[date, list[Time]] = {}
    for start, _, time in found[:most]:
        grouped.setdefault(local(start, zone).date(), []).append(time)
    return [Day(weekday(day), dated(day), tuple(times)) for day, times in grouped.items()]


def _differs(at: int, zone: ZoneInfo, other: ZoneInfo) -> bool:
    return local(at, zone).utcoffset() != local(at, other).utcoffset()
