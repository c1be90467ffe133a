"""Who is in the care team: somebody comes, somebody leaves."""

from __future__ import annotations

import re

from starlette.responses import Response

from careplane.kernel.errors import Conflict, Incorrect
from careplane.web.chart.banner import person
from careplane.web.forms import fields
from careplane.web.pages.caring import tab
from careplane.web.pages.chart import frame
from careplane.web.visit import Visit, redirect

_WHO = re.compile(r"Practitioner/[A-Za-z0-9.-]{1,64}")


async def join(visit: Visit) -> Response:
    """POST: `member` and `role`."""
    sent = await fields(visit.request)
    member = sent.get("member", "")
    assert visit.caller is not None
    try:
        if not _WHO.fullmatch(member):
            raise Incorrect("Choose somebody.")
        record = await visit.reader.read("Practitioner", member.partition("/")[2])
        reference = {"reference": member, "display": person(record.tree, visit.today).name.text}
        role = sent.get("role", "").strip()
        await visit.clinic.lists.join(visit.caller, visit.path("id"), reference, role)
    except (Incorrect, Conflict) as error:
        return await _again(visit, error.issues[0].text, sent)
    return redirect(f"/patients/{visit.path('id')}/team?saved=1")


async def leave(visit: Visit) -> Response:
    """POST /patients/{id}/team/{team}/leave, with `member`."""
    sent = await fields(visit.request)
    assert visit.caller is not None
    member, patient = sent.get("member", ""), visit.path("id")
    try:
        await visit.clinic.lists.leave(visit.caller, patient, visit.path("team"), member)
    except Conflict as error:
        return await _again(visit, error.text, {})
    return redirect(f"/patients/{patient}/team?saved=1")


async def _again(visit: Visit, problem: str, sent: dict[str, str]) -> Response:
    patient = visit.path("id")
    values = await tab(visit, patient)
    around = await frame(visit, patient, "team")
    return visit.render(
        "chart/team.html", 400, **around, **{**values, "problem": problem, "sent": sent}
    )
