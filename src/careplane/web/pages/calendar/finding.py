"""Free times for the desk: of a kind of visit, with somebody or anybody, from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from careplane.kernel.errors import Incorrect
from careplane.telehealth.scheduling import finding
from careplane.telehealth.scheduling.refusals import TooLate, Unavailable, Unfit
from careplane.telehealth.scheduling.visit import Wanted
from careplane.web.agenda import times
from careplane.web.agenda.clock import bounds, day_in, local
from careplane.web.agenda.kinds import kind_of, kinds
from careplane.web.agenda.roster import Roster
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar.appointment import STAGE
from careplane.web.pages.calendar.reading import free, here, must, one, schedules, tabs
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit, redirect

DAYS, WEEK = 14, 7
"""How far times are looked for at once: with one, and with anybody."""
MOST = 60
GONE = mark("This time has just been taken. These are the next ones; choose another.")
LATE = mark("This time can no longer be booked. These are the next ones; choose another.")


async def offered(
    visit: Visit, who: Roster, type: str = "", of: str = "", without: int = 0, sent_day: str = ""
) -> dict[str, Any]:
    """The free times from a day on, and what was asked for; for templates. `type` and `of` are what
    is looked for where the address does not say."""
    every = kinds(who.lines)
    type, of = visit.query("type") or type, visit.query("of") or of
    chosen = next((one for one in every if one.key == type), None) or next(iter(every), None)
    zone = who.zone(next((line.zone for line in who.of(of)), ""))
    today = local(visit.web.clock(), zone).date()
    first = max(day_in(visit.query("day") or sent_day, today), today)
    ahead = DAYS if of else WEEK
    low, high = bounds(first, first + timedelta(days=ahead - 1), zone)
    found: list[times.Day] = []
    if chosen is not None:
        search = search_of(low, high, [of] if of else [], chosen.token)
        diaries = await free(visit, search, most=MOST + 1)
        found = times.days(diaries.found, who, zone, MOST, without)
    return {
        "days": found,
        "kinds": every,
        "type": chosen.key if chosen else "",
        "who": who,
        "of": of,
        "day": first,
        "clock": zone.key,
        "later": urlencode(
            {"type": chosen.key if chosen else "", "of": of, "day": first + timedelta(days=ahead)}
        ),
    }


def search_of(low: int, high: int, of: Sequence[str], *visits: finding.Token) -> finding.Search:
    """What is looked for, with these people or at these places."""
    places = tuple(one for one in of if one.startswith("Location/"))
    people = tuple(one for one in of if one not in places)
    return finding.Search(low, high, practitioners=people, locations=places, visits=visits)


async def find(visit: Visit) -> Response:
    """GET /desk/find: a time for somebody; each leads to the form that books it."""
    who = await schedules(visit)
    values = await offered(visit, who)
    patient = visit.query("patient")
    return visit.render(
        "calendar/find.html", desk_tabs=tabs(visit),
        **values,
        patient=patient,
        patients=await people(visit, [f"Patient/{patient}"] if patient else []),
        links={
            time.key: "/desk/book?" + urlencode({"at": time.key, "patient": patient})
            for day in values["days"] for time in day.times
        },
    )  # fmt: skip


async def moving(visit: Visit, problem: str = "") -> Response:
    """GET /desk/visits/{id}/move: another time for a visit."""
    shown, _, who, line, _ = await one(visit, visit.path("id"))
    kind = kind_of(who.lines, shown.tree)
    of = next((person for person in (line.people if line else ())), "")
    values = await offered(visit, who, kind.key if kind else "", of, shown.start)
    return visit.render(
        "calendar/move.html",
        409 if problem else 200,
        **values,
        visit=shown,
        problem=problem,
        patients=await people(visit, [shown.patient]),
    )


async def move(visit: Visit) -> Response:
    """POST: move it there."""
    desk, caller = here(visit)
    sent = await fields(visit.request)
    id = visit.path("id")
    wanted = await whole(visit, times.wanted(sent.get("at", "")))
    try:
        await desk.move(caller, id, wanted)
    except (Unavailable, TooLate) as error:
        return await moving(visit, GONE if isinstance(error, Unavailable) else LATE)
    except Unfit:
        return await moving(visit, STAGE)
    return redirect(f"/desk/visits/{id}?said=moved")


async def whole(visit: Visit, wanted: Wanted) -> Wanted:
    """With the end that its kind of visit has. Raises NotFound, Incorrect."""
    line = must((await schedules(visit)).line(wanted.schedule))
    kind = next((one for one in kinds([line]) if one.code == wanted.visit), None)
    if kind is None:
        raise Incorrect("This kind of visit is not offered there.")
    return replace(wanted, end=wanted.start + kind.minutes * 60_000_000)
