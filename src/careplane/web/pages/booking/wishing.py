"""A wish of a patient for the waiting list."""

from __future__ import annotations

from starlette.responses import Response

from careplane.web.forms import fields
from careplane.web.pages.booking.reading import bookable, offered
from careplane.web.pages.calendar.reading import here
from careplane.web.pages.calendar.waiting import asked_for
from careplane.web.visit import Visit, redirect

_FIELDS = ("type", "of", "first", "last", "note")


async def show(visit: Visit) -> Response:
    """GET /book/wait."""
    return await _page(visit, {name: visit.query(name) for name in _FIELDS}, {})


async def _page(visit: Visit, typed: dict[str, str], problems: dict[str, str]) -> Response:
    who = await bookable(visit)
    return visit.render(
        "booking/wait.html",
        422 if problems else 200,
        typed=dict.fromkeys(_FIELDS, "") | typed,
        problems=problems,
        kinds=offered(who),
        who=who,
        today=visit.today,
    )


async def add(visit: Visit) -> Response:
    """POST: wait for a time."""
    desk, caller = here(visit)
    sent = await fields(visit.request)
    problems: dict[str, str] = {}
    made = asked_for(visit, await bookable(visit), sent, problems)
    if made is None:
        return await _page(visit, sent, problems)
    search, concept, more = made
    await desk.wait(caller, search, f"Patient/{caller.patient}", concept, more)
    return redirect("/book?said=waiting")
