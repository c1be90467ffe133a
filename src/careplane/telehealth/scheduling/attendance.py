"""Who has come: the stages of a visit on its day, noted by staff."""

from __future__ import annotations

from careplane.access.caller import Caller, acts_as_patient
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.records.results import Version
from careplane.telehealth.scheduling import booking, visit
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.refusals import Unfit

STAGES: dict[str, frozenset[str]] = {
    "arrived": frozenset({"booked", "checked-in"}),
    "checked-in": frozenset({"booked", "arrived"}),
    "fulfilled": frozenset({"booked", "arrived", "checked-in"}),
    "booked": frozenset({"arrived", "checked-in", "noshow"}),
}
"""Status of an Appointment -> those it may come from. Back to booked: it was noted by mistake."""


async def attend(desk: Desk, caller: Caller, id: str, status: str) -> Version:
    """Note that a patient is here, or was seen. Raises Unfit for a visit at another stage."""
    if acts_as_patient(caller):
        raise Forbidden("Whether a patient came is noted by staff.")

    def decide(seen: c.Seen) -> c.Decided:
        tree = booking.found(seen, id)
        if tree["status"] not in STAGES[status]:
            raise Unfit(f"This visit is {tree['status']} and cannot become {status}.")
        kept = {**visit.bare(tree), "extension": tree.get("extension", [])}
        noted = {key: value for key, value in kept.items() if value} | {"status": status}
        return c.Decided((c.Write("Appointment", id, noted),))

    asks = (lambda seen: c.Asking(changes=(("Appointment", id),)),)
    act = c.Act("$attend", asks, decide, about=f"Appointment/{id} {status}")
    (written,) = (await desk.door.act(caller, act)).written
    assert written.version is not None
    return written.version
