"""The form of vital signs."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from careplane.kernel.errors import Forbidden, Incorrect
from careplane.web.chart.entries import VITALS
from careplane.web.forms import fields
from careplane.web.pages.chart import frame
from careplane.web.visit import Visit, redirect


async def show(visit: Visit) -> Response:
    """GET /patients/{id}/vitals/add."""
    if not visit.may("c", "Observation"):
        raise Forbidden("Vital signs are written by those who treat the patient.")
    now = datetime.fromtimestamp(visit.web.clock() / 1_000_000, UTC)
    return await _form(visit, {"when": f"{now:%Y-%m-%dT%H:%M}"}, [])


async def save(visit: Visit) -> Response:
    """POST: all values in one step."""
    sent = await fields(visit.request)
    assert visit.caller is not None
    try:
        count = await visit.clinic.lists.measure(visit.caller, visit.path("id"), sent)
    except Incorrect as error:
        return await _form(visit, sent, [(one.where, one.text) for one in error.issues])
    return redirect(f"/patients/{visit.path('id')}/vitals?saved={count}")


async def _form(visit: Visit, sent: dict[str, str], problems: list[tuple[str, str]]) -> Response:
    return visit.render(
        "clinic/vitals.html",
        400 if problems else 200,
        **await frame(visit, visit.path("id"), "vitals"),
        rows=VITALS,
        sent=sent,
        problems=problems,
    )
