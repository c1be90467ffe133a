"""What is checked before a Schedule or an Appointment is written, by whatever way but the
operations of this room.

A Schedule with rules must be one whose rules can be used. Who acts as a patient changes visits by
the operations alone, which keep to the terms of the schedule.
"""

from __future__ import annotations

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.codec import envelope, json
from careplane.kernel.errors import Forbidden
from careplane.records.admission import Admit
from careplane.records.bodies import Content
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability import reading

_OURS = names.RULE.rpartition("schedule-rule")[0].encode()
_ANY_INSTANT = "2020-01-01T00:00:00.000Z"


def schedule(caller: Caller, content: Content) -> Content:
    """Raises Invalid with every problem of its rules."""
    if _OURS in content.rest:
        id = content.id or "new"
        reading.check(json.parse(envelope.join(content.type, id, 1, _ANY_INSTANT, content.rest)))
    return content


def appointment(caller: Caller, content: Content) -> Content:
    """Raises Forbidden for who acts as a patient."""
    if acts_as_patient(caller):
        raise Forbidden("Patients book, move and cancel visits with $book and $cancel.")
    return content


ADMISSIONS: dict[str, Admit] = {"Appointment": appointment, "Schedule": schedule}
