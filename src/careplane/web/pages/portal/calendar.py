"""My visits in a calendar of one's own: a feed at a secret address, made and ended here."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.clock import format_instant
from careplane.kernel.errors import TooMany
from careplane.web.pages.portal.own import portal_of
from careplane.web.visit import Visit, redirect


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/calendar."""
    return visit.render(
        "portal/calendar.html", url="", until="", problem="", said=visit.query("said")
    )


async def make(visit: Visit, patient: str) -> Response:
    """POST /my/calendar: the address, shown this once."""
    assert visit.caller is not None
    await visit.reader.read("Patient", patient)
    feeds = portal_of(visit).feeds
    try:
        secret, until = await feeds.open(visit.caller, f"Patient/{patient}")
    except TooMany as refused:
        told = {"url": "", "until": "", "problem": refused.text, "said": ""}
        return visit.render("portal/calendar.html", 409, **told)
    scope = visit.request.scope
    root = visit.web.addressing.base(scope, dict(scope["headers"])).removesuffix("/fhir")
    return visit.render(
        "portal/calendar.html",
        url=f"{root}{feeds.path}{secret}.ics",
        until=format_instant(until),
        problem="",
        said="",
    )


async def end(visit: Visit, patient: str) -> Response:
    """POST /my/calendar/end: none of these addresses tells anything any more."""
    assert visit.caller is not None
    await portal_of(visit).feeds.end(visit.caller, f"Patient/{patient}")
    return redirect("/my/calendar?said=ended")
