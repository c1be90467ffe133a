"""A patient's visits: what is offered, held, booked and wished, and what can be booked."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.web.agenda.clock import hour, local
from careplane.web.agenda.roster import Roster
from careplane.web.agenda.visits import Shown, actors, shown
from careplane.web.i18n import mark
from careplane.web.pages.booking.reading import bookable, mine, offered
from careplane.web.pages.calendar.reading import line_of
from careplane.web.pages.calendar.waiting import wishes
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit
from careplane.words.dates import long_day, short_day

_MANY = 50
SAID = {
    "cancelled": mark("The visit is cancelled."),
    "declined": mark("The time was let go; somebody else may have it."),
    "waiting": mark("You are on the waiting list. We write to you when a time becomes free."),
    "withdrawn": mark("You are off the waiting list."),
}


async def show(visit: Visit) -> Response:
    """GET /book."""
    assert visit.caller is not None
    me = f"Patient/{visit.caller.patient}"
    now = visit.web.clock()
    who, (held, booked), named = await asyncio.gather(
        bookable(visit),
        visit.reader.several(
            ("Appointment", [("actor", me), ("status", "pending"), ("_count", str(_MANY))]),
            ("Appointment", [
                ("actor", me), ("status", "booked,arrived,checked-in"),
                ("date", f"ge{format_instant(now)}"), ("_sort", "date"), ("_count", str(_MANY)),
            ]),
        ),
        people(visit, [me]),
    )  # fmt: skip
    rows = [card(visit, who, tree) for tree in held.trees]
    return visit.render(
        "booking/home.html",
        held=[one for one in rows if one["row"].until > now],
        booked=[card(visit, who, tree) for tree in booked.trees],
        wishes=await wishes(visit, who, [("actor", me), ("status", "waitlist")]),
        kinds=offered(who),
        who=who,
        me=named.get(me),
        said=SAID.get(visit.query("said"), ""),
        with_visits=visit.web.visits is not None,
    )


def card(visit: Visit, who: Roster, tree: Tree) -> dict[str, Any]:
    """A visit at the patient's clock, and at that of the place where that is another."""
    line = line_of(who, tree)
    there = who.zone(line.zone if line else "")
    zone = mine(visit, there)
    row = shown(tree, zone)
    gives = dict.fromkeys(who.persons.get(one, one) for one in actors(tree))
    return {
        "row": row,
        "line": line,
        "day": long_day(_day(row, zone)),
        "zone": zone.key,
        "there": _there(row, zone, there),
        "with": [who.name(one) for one in gives if one.startswith("Practitioner")],
        "where": [who.name(one) for one in gives if one.startswith("Location/")],
        "until": hour(row.until, zone) if row.until else "",
    }


def _day(row: Shown, zone: ZoneInfo) -> date:
    return local(row.start, zone).date()


def _there(row: Shown, zone: ZoneInfo, there: ZoneInfo) -> str:
    """The same moment on the clock of the place, where that shows something else."""
    ours, theirs = local(row.start, zone), local(row.start, there)
    if ours.utcoffset() == theirs.utcoffset():
        return ""
    return f"{short_day(theirs.date())} {theirs:%H:%M} {there.key}"
