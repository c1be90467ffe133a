"""What a calendar shows of Schedules: when they are open, closed, and which times can be had.

Whose visits stand in between is not of it: those are read as everything else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import islice
from typing import cast

from careplane.access.caller import Caller
from careplane.kernel.errors import CareplaneError, Issue
from careplane.records import commands as c
from careplane.telehealth.scheduling import finding
from careplane.telehealth.scheduling.availability.openings import Opening, moment, windows
from careplane.telehealth.scheduling.availability.rules import VisitType
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.finding import Search
from careplane.telehealth.scheduling.place import (
    Place,
    around,
    place_in,
    schedules,
    visits_in,
)


@dataclass(frozen=True, slots=True)
class Diary:
    """One Schedule between two moments. `open` and `closed` are spans in microseconds since 1970,
    closed ones with what for; `free` the times that can be had, by start."""

    place: Place
    visits: tuple[VisitType, ...]
    open: tuple[tuple[int, int], ...]
    closed: tuple[tuple[int, int, str], ...]
    free: tuple[Opening, ...]

    @property
    def id(self) -> str:
        """Of the Schedule."""
        return self.place.id


@dataclass(frozen=True, slots=True)
class Diaries:
    """What was found, and what could not be used of it."""

    found: tuple[Diary, ...]
    issues: tuple[Issue, ...] = ()


async def diaries(
    desk: Desk, caller: Caller, search: Search, only: str = "", most: int = finding.MOST_TIMES
) -> Diaries:
    """Those of a search, of every visit type that it asks for (all, where it asks for none); `only`
    the Schedule of this id; of each the first `most` times of a type. Raises Forbidden for who may
    search no Appointments, TooLarge."""
    asker = desk.asker(caller)

    def mine(seen: c.Seen) -> Sequence[str]:
        return [only] if only else finding.ids(seen)

    def decide(seen: c.Seen) -> c.Decided:
        found, issues, number, known = [], list[Issue](), 0, visits_in(seen)
        for id in mine(seen):
            try:
                place = place_in(seen, id)
            except CareplaneError as error:
                issues += error.issues
                continue
            visits = tuple(finding.offers(place, search) if search.visits else
                           place.availability.visits)  # fmt: skip
            free = [one for visit in visits
                    for one in islice(
                        finding.free(seen, place, visit, search, asker, known), most
                    )]  # fmt: skip
            number += len(free)
            if number > finding.MOST_TIMES:
                break
            free.sort(key=lambda one: one.start)
            found.append(
                Diary(place, visits, _open(place, search), _closed(place, search), tuple(free))
            )
        return c.Decided(answer=Diaries(tuple(found), tuple(issues)))

    act = c.Act(
        "$find",
        (
            lambda seen: c.Asking() if only else finding.actors(search),
            lambda seen: c.Asking() if only else finding.candidates(search, seen),
            lambda seen: schedules(mine(seen)),
            *around(mine, lambda seen: [(search.start, search.end)]),
        ),
        decide,
        needs=(("s", "Appointment"),),
        about=f"Schedule/{only}" if only else finding.about(search),
    )
    return cast(Diaries, (await desk.door.act(caller, act)).answer)


def _open(place: Place, search: Search) -> tuple[tuple[int, int], ...]:
    found = windows(place.availability, search.start, search.end)
    return tuple(sorted((low, high) for low, high, _ in found))


def _closed(place: Place, search: Search) -> tuple[tuple[int, int, str], ...]:
    found, zone = [], place.availability.zone
    for one in place.availability.closed:
        low, high = one.start, one.end
        if one.is_of_days:
            low = moment(one.first, time(0), zone)
            high = moment(one.last + timedelta(days=1), time(0), zone)
        if low < search.end and high > search.start:
            found.append((low, high, one.why))
    return tuple(sorted(found))
