"""Calendars for programs that cannot sign in: an address of one's own for each, shown once."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.kernel.errors import Incorrect, TooMany, Unsupported
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.web.agenda.clock import local
from careplane.web.agenda.roster import Roster
from careplane.web.forms import fields
from careplane.web.pages.calendar.reading import here, schedules, tabs
from careplane.web.visit import Visit, redirect
from careplane.words.dates import day


async def show(visit: Visit) -> Response:
    """GET /desk/feeds."""
    return await _page(visit, await schedules(visit))


async def change(visit: Visit) -> Response:
    """POST: an address for the calendar of a person or a room, or the end of one."""
    _, caller = here(visit)
    feeds = _feeds(visit)
    sent = await fields(visit.request)
    if sent.get("end"):
        await feeds.end_one(caller, sent["end"])
        return redirect("/desk/feeds?said=ended")
    who = await schedules(visit)
    subject = sent.get("of", "")
    if not who.of(subject):
        raise Incorrect("Choose one of the list.")
    type, _, id = subject.partition("/")
    await visit.reader.read(type, id)
    try:
        secret, _ = await feeds.open(caller, subject)
    except TooMany:
        return await _page(visit, who, full=True)
    scope = visit.request.scope
    root = visit.web.addressing.base(scope, dict(scope["headers"])).removesuffix("/fhir")
    return await _page(visit, who, url=f"{root}{feeds.path}{secret}.ics")


async def _page(visit: Visit, who: Roster, url: str = "", *, full: bool = False) -> Response:
    _, caller = here(visit)
    rows: list[dict[str, Any]] = [
        {"key": key, "name": who.name(subject),
         "until": day(local(until, visit.audience.clock).date())}
        for key, subject, until in await _feeds(visit).mine(caller)
    ]  # fmt: skip
    return visit.render(
        "calendar/feeds.html",
        409 if full else 200,
        desk_tabs=tabs(visit),
        rows=rows,
        who=who,
        url=url,
        full=full,
        said=visit.query("said"),
        mine=caller.id,
    )


def _feeds(visit: Visit) -> Feeds:
    if visit.web.feeds is None:
        raise Unsupported("This server has no feeds of calendars.")
    return visit.web.feeds
