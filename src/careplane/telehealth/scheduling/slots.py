"""Slots of a Schedule, expanded from its rules for the days that are asked for; none is stored."""

from __future__ import annotations

from typing import cast

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.errors import TooLarge
from careplane.records import commands as c
from careplane.telehealth.scheduling import visit
from careplane.telehealth.scheduling.availability.openings import openings
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.finding import MOST_TIMES, Search, offers
from careplane.telehealth.scheduling.place import around, others, place_in, schedules


async def slots(
    desk: Desk, caller: Caller, id: str, search: Search, status: str | None = None
) -> list[Tree]:
    """Those of the visit types that are asked for, free or busy, in order of time. Raises NotFound,
    Invalid for rules that cannot be used, TooLarge."""
    now = desk.clock()

    def decide(seen: c.Seen) -> c.Decided:
        place = place_in(seen, id)
        there = others(seen, place, now)
        found: list[tuple[int, Tree]] = []
        for kind in offers(place, search):
            for one in openings(place.availability, kind, search.start, search.end):
                is_free = one.start >= now and place.has_room(one, there)
                state = "free" if is_free else "busy"
                if status in (None, state):
                    tree = visit.slot(place, one.start, one.end, state)
                    found.append((one.start, {**tree, "serviceType": [kind.concept]}))
                if len(found) > MOST_TIMES:
                    raise TooLarge("There are too many Slots; ask for fewer days.")
        found.sort(key=lambda one: one[0])
        return c.Decided(answer=[tree for _, tree in found])

    act = c.Act(
        "$slots",
        (
            lambda seen: schedules([id]),
            *around(lambda seen: [id], lambda seen: [(search.start, search.end)]),
        ),
        decide,
        needs=(("s", "Slot"),),
        about=f"Schedule/{id}",
    )
    return cast(list[Tree], (await desk.door.act(caller, act)).answer)
