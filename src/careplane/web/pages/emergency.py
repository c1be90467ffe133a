"""Emergency access: a form with a reason, and the queue of the privacy officer."""

from __future__ import annotations

import re

from starlette.responses import Response

from careplane.kernel.errors import Forbidden, Incorrect
from careplane.web.forms import fields
from careplane.web.pages.people.guard import is_stale, to_confirm
from careplane.web.visit import Visit, redirect

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


async def show(visit: Visit) -> Response:
    """The form for who may break the glass, freshly proven; the queue for who reviews; else
    Forbidden."""
    glass, caller = visit.web.glass, visit.caller
    assert caller is not None
    if glass is None or not (glass.may(caller) or glass.reviews(caller)):
        raise Forbidden("Emergency access is not open to your role.")
    if glass.may(caller) and is_stale(visit):
        return _to_confirm(visit.query("patient"))
    cases = await glass.waiting(caller) if glass.reviews(caller) else []
    return visit.render(
        "pages/emergency.html",
        may=glass.may(caller),
        reviews=glass.reviews(caller),
        cases=cases,
        patient=visit.query("patient"),
    )


async def enter(visit: Visit) -> Response:
    """POST: the session goes on with emergency access to one patient, for a while."""
    glass, caller = visit.web.glass, visit.caller
    assert caller is not None
    if glass is None:
        raise Forbidden("Emergency access is not offered here.")
    sent = await fields(visit.request)
    patient = sent.get("patient", "").strip()
    if not _ID.fullmatch(patient):
        raise Incorrect("Write the patient's id, as it stands in the address of the chart.")
    if glass.may(caller) and is_stale(visit):
        return _to_confirm(patient)
    sessions = visit.web.sessions
    held = sessions.held(visit.request)
    opened = await glass.open(visit.web.door, caller, patient, sent.get("reason", ""), held)
    answer = redirect(f"/patients/{patient}")
    sessions.adopt(answer, opened.token)
    return answer


def _to_confirm(patient: str) -> Response:
    """Back to the form, for the same patient."""
    return to_confirm(f"/emergency?patient={patient}" if _ID.fullmatch(patient) else "/emergency")


async def review(visit: Visit) -> Response:
    """POST: what the review of a case has found."""
    glass, caller = visit.web.glass, visit.caller
    assert caller is not None
    if glass is None:
        raise Forbidden("Emergency access is not offered here.")
    sent = await fields(visit.request)
    await glass.review(visit.web.door, caller, visit.path("case"), sent.get("finding", ""))
    return redirect("/emergency")
