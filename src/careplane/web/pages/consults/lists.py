"""Consults: those that wait, the late ones on top, and those that have ended."""

from __future__ import annotations

from starlette.responses import Response

from careplane.web.pages.consults.shared import STATUSES, consults_of
from careplane.web.pages.messages.shared import patient_named
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit


async def show(visit: Visit) -> Response:
    """GET /consults, with `box` and `patient`."""
    consults, caller = consults_of(visit)
    asker = await consults.messages.pools.asker(caller)
    box = "ended" if visit.query("box") == "ended" else "open"
    patient = "" if asker.is_patient else visit.query("patient")
    found = await consults.found(caller, asker, ended=box == "ended", patient=patient)
    return visit.render(
        "consults/list.html",
        consults=found,
        box=box,
        is_patient=asker.is_patient,
        patient=patient,
        named=await patient_named(visit, patient),
        people=await people(visit, [one.task.patient for one in found]),
        statuses=STATUSES,
        now=visit.web.clock(),
    )
