"""What an Appointment resource, a recurrence, or a series comes to, looked up before a decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Issue
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.telehealth.scheduling import booking, finding, names, occupancy
from careplane.telehealth.scheduling.asks import of_wanted
from careplane.telehealth.scheduling.availability.openings import moment, offered
from careplane.telehealth.scheduling.availability.recurrence import Recurrence
from careplane.telehealth.scheduling.occupancy import moment_of
from careplane.telehealth.scheduling.place import around, place_in, schedules
from careplane.telehealth.scheduling.refusals import Unavailable
from careplane.telehealth.scheduling.visit import Wanted

MOST_VISITS = 52
"""Of a series."""


async def wanted_in(door: Door, caller: Caller, tree: Tree) -> Wanted:
    """What an Appointment resource asks for: the schedule is the one of its actors that offers
    its time. Raises Incorrect, Unavailable."""
    start, end = _ends(tree)
    actors = occupancy.actors_of(tree)
    patients = tuple(sorted(one for one in actors if one.startswith("Patient/")))
    them = tuple(sorted(actors - set(patients)))
    if not them:
        raise Incorrect("The Appointment needs a participant who is on a Schedule.")
    search = finding.Search(start, end, practitioners=them)

    def decide(seen: c.Seen) -> c.Decided:
        return c.Decided(answer=_fitting(seen, tree, frozenset(them), start, end))

    act = c.Act(
        "$book",
        (
            lambda seen: finding.actors(search),
            lambda seen: finding.candidates(search, seen),
            lambda seen: schedules(finding.ids(seen)),
            *around(finding.ids, lambda seen: []),
        ),
        decide,
    )
    found = cast(tuple[str, str], (await door.act(caller, act)).answer)
    kept = ("comment", "description", "reasonCode", "reasonReference", "basedOn", "priority")
    more = tuple((key, tree[key]) for key in kept if key in tree)
    return Wanted(found[0], start, end, found[1], patients, more)


async def starts(
    door: Door, caller: Caller, first: Wanted, repeats: Recurrence, count: int
) -> list[int]:
    """When the visits of a series begin, at the same time of the clock. Raises Incorrect."""

    def decide(seen: c.Seen) -> c.Decided:
        place = place_in(seen, first.schedule)
        zone = place.availability.zone
        local = datetime.fromtimestamp(first.start // 1_000_000, zone)
        days = (
            local.date() + timedelta(days=number)
            for number in range(place.availability.terms.horizon_days + 1)
        )
        held = [day for day in days if repeats.holds(day, local.date())][:count]
        if len(held) < count or not held or held[0] != local.date():
            raise Incorrect(
                "The recurrence begins on the day of the first visit, and its visits lie "
                f"within {place.availability.terms.horizon_days} days."
            )
        return c.Decided(answer=[moment(day, local.time(), zone) for day in held])

    acted = await door.act(caller, of_wanted("$book", first, decide))
    return cast(list[int], acted.answer)


async def followers(door: Door, caller: Caller, id: str) -> list[str]:
    """The visits of a series that come after one, by their ids."""

    def look(seen: c.Seen) -> c.Asking:
        tree = booking.found(seen, id)
        value = next(
            (one["value"] for one in tree.get("identifier", ())
             if one.get("system") == names.SERIES), ""
        )  # fmt: skip
        if not value:
            return c.Asking()
        criteria = f"identifier={names.SERIES}|{value}&status=booked"
        return c.Asking(looks=(c.Look("series", "Appointment", criteria, MOST_VISITS),))

    def decide(seen: c.Seen) -> c.Decided:
        start = moment_of(booking.found(seen, id)["start"])
        trees = seen.found.get("series", ())
        later = [t for t in trees if t["id"] != id and moment_of(t["start"]) > start]
        return c.Decided(answer=[str(tree["id"]) for tree in later])

    asks = (lambda seen: c.Asking(changes=(("Appointment", id),)), look)
    act = c.Act("$cancel", asks, decide, about=f"Appointment/{id}")
    return cast(list[str], (await door.act(caller, act)).answer)


def _fitting(
    seen: c.Seen, tree: Tree, actors: frozenset[str], start: int, end: int
) -> tuple[str, str]:
    refused = "No Schedule of these participants offers this time; find a time anew."
    for id in finding.ids(seen):
        if not finding.on_schedule(seen, seen.records["Schedule", id], actors):
            continue
        place = place_in(seen, id)
        asked = occupancy.visit_of(tree, place.availability)
        for kind in (asked,) if asked else place.availability.visits:
            if offered(place.availability, kind, start, end):
                return id, kind.code
    raise Unavailable(refused)


def _ends(tree: Tree) -> tuple[int, int]:
    if not isinstance(tree.get("start"), str) or not isinstance(tree.get("end"), str):
        raise Incorrect("The Appointment needs a start and an end.")
    try:
        start, end = moment_of(tree["start"]), moment_of(tree["end"])
    except ValueError:
        raise Incorrect("The start and the end of the Appointment are instants.") from None
    if end <= start:
        text = "The Appointment ends before it starts."
        raise Incorrect(text, issues=(Issue("error", "value", text, "Appointment.end"),))
    return start, end
