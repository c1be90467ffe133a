"""My medicines: what I take and how, and asking for more."""

from __future__ import annotations

from starlette.responses import Response

from careplane.web.chart import medicines, said
from careplane.web.pages.portal.own import may_act, of
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/medicines."""
    found, tasks = await visit.reader.several(
        ("MedicationRequest", of(patient)),
        ("Task", of(patient, ("code", f"{said.SYSTEM}|{medicines.REFILL}"), count=200)),
    )
    now, past = medicines.medicines(found.trees, tasks.trees)
    return visit.render(
        "portal/medicines.html",
        now=now,
        past=past,
        patient=patient,
        refill=may_act(visit) and visit.leads(refill_of(patient, "any"), "POST"),
        hidden=found is NOT_ALLOWED,
    )


def refill_of(patient: str, request: str) -> str:
    """Where one asks for more of what a MedicationRequest prescribes."""
    return f"/patients/{patient}/medications/{request}/refill"
