"""What the pages of the calendar read: schedules with whom they are of, visits, and people."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Forbidden, NotFound, Unsupported
from careplane.telehealth.scheduling.calendars.diary import Diaries, diaries
from careplane.telehealth.scheduling.calendars.model import SHOWN, is_shown
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.finding import Search
from careplane.telehealth.scheduling.occupancy import LONGEST
from careplane.web.agenda.roster import Line, Roster, roster
from careplane.web.agenda.visits import Shown, actors, shown
from careplane.web.chart.banner import Person
from careplane.web.i18n import mark
from careplane.web.pages.people_of import people
from careplane.web.visit import Handler, Visit

_MOST_SCHEDULES = 200
_MOST_VISITS = 1000
_MANY = 50


def staff(handler: Handler) -> Handler:
    """A page of the house: for who works here."""

    async def guarded(visit: Visit) -> Response:
        _, caller = here(visit)
        if acts_as_patient(caller):
            raise Forbidden("The calendar is for staff.")
        return await handler(visit)

    return guarded


def tabs(visit: Visit) -> list[tuple[str, str]]:
    """The pages of the desk that the caller can do something with: addresses and names."""
    books, plans = visit.may("c", "Appointment"), visit.may("u", "Schedule")
    every = (
        (True, "/desk", mark("Calendar")),
        (books, "/desk/find", mark("Find a time")),
        (books, "/desk/waiting", mark("Waiting list")),
        (plans, "/desk/block", mark("Block time")),
        (plans, "/desk/schedules", mark("Schedules")),
        (True, "/desk/feeds", mark("Feeds")),
    )
    return [(path, name) for is_offered, path, name in every if is_offered]


def here(visit: Visit) -> tuple[Desk, Caller]:
    """The desk, and for whom it works. Raises Unsupported where there is none."""
    if visit.web.desk is None or visit.caller is None:
        raise Unsupported("This server keeps no schedules.")
    return visit.web.desk, visit.caller


async def schedules(visit: Visit, *, all: bool = False) -> Roster:
    """Who can be booked, by name: active Schedules, or `all`."""
    pairs = [("_count", str(_MOST_SCHEDULES))]
    found = await visit.reader.glance("Schedule", pairs if all else [("active", "true"), *pairs])
    return await named(visit, found.trees)


async def named(visit: Visit, trees: Sequence[Tree]) -> Roster:
    """Schedules with whom they are of."""
    wanted = {str(a.get("reference", "")) for t in trees for a in t.get("actor", ())}
    known = await _known(visit, wanted)
    roles = [tree for tree in known.values() if tree["resourceType"] == "PractitionerRole"]
    more = {str(tree.get("practitioner", {}).get("reference", "")) for tree in roles} - set(known)
    return roster(trees, known | (await _known(visit, more) if more else {}))


async def _known(visit: Visit, references: Iterable[str]) -> dict[str, Tree]:
    """What is referred to, by reference; what the caller may not see is left out."""
    by_type: dict[str, list[str]] = {}
    for one in sorted(references):
        type, _, id = one.partition("/")
        by_type.setdefault(type, []).append(id)
    kinds = ("Practitioner", "PractitionerRole", "Location", "Device")
    asked = [
        (type, [("_id", ",".join(ids[n : n + _MANY])), ("_count", str(_MANY))])
        for type, ids in by_type.items() if type in kinds
        for n in range(0, len(ids), _MANY)
    ]  # fmt: skip
    pages = await visit.reader.several(*asked)
    return {f"{t['resourceType']}/{t['id']}": t for page in pages for t in page.trees}


async def visits(visit: Visit, whom: Sequence[str], low: int, high: int) -> tuple[list[Tree], bool]:
    """The visits of people or places between two moments, in order; whether there are more."""
    if not whom:
        return [], False
    pairs = [
        ("actor", ",".join(sorted(whom))),
        ("status", ",".join(sorted(SHOWN))),
        ("date", f"ge{format_instant(low - LONGEST)}"),
        ("date", f"lt{format_instant(high)}"),
        ("_sort", "date"),
        ("_count", "500"),
    ]
    found: list[Tree] = []
    cursor: str | None = None
    while len(found) < _MOST_VISITS:
        page = await visit.reader.search("Appointment", pairs, cursor)
        found += page.trees
        cursor = page.next
        if cursor is None:
            break
    now = visit.web.clock()
    return [one for one in found if is_shown(one, now)], cursor is not None


async def patients(visit: Visit, rows: Iterable[Shown]) -> dict[str, Person]:
    """Who they are for, by reference."""
    return await people(visit, [row.patient for row in rows])


async def one(visit: Visit, id: str) -> tuple[Shown, int, Roster, Line | None, ZoneInfo]:
    """A visit with its version, whom schedules are of, and at which clock it is: the line is that
    of whoever gives it, if they are on one."""
    record, who = await asyncio.gather(visit.reader.read("Appointment", id), schedules(visit))
    line = line_of(who, record.tree)
    zone = who.zone(line.zone if line else "")
    return shown(record.tree, zone), record.version, who, line, zone


def line_of(who: Roster, tree: Tree) -> Line | None:
    """The line that an Appointment is on, by who takes part."""
    there = set(actors(tree))
    found = [
        one for one in who.lines
        if there & {*one.people, *(role for p in one.people for role in who.roles(p))}
    ]  # fmt: skip
    best = [one for one in found if there & set(one.places)]
    return next(iter(best or found), None)


async def free(visit: Visit, search: Search, only: str = "", most: int = 0) -> Diaries:
    """The times that the caller can have; with `most` the first ones of each schedule and kind."""
    desk, caller = here(visit)
    return await diaries(desk, caller, search, only, *((most,) if most else ()))


def must(line: Line | None) -> Line:
    """Raises NotFound where there is none."""
    if line is None:
        raise NotFound("There is no such schedule, or it is not active.")
    return line
