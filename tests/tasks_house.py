"""Tasks with a course, and those who take steps of them."""

from __future__ import annotations

from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app.tasking import tasks_kept
from tests.fhir_house import TENANT, decider
from tests.prescribing_house import COLLEAGUE, DOCTOR, NURSE, staff

KEEPS = tasks_kept(decider())
ALL = parse_scopes("user/*.cruds")
APP = Caller(TENANT, "client/phone", "A phone", parse_scopes("patient/*.cruds"), "p")
"""An app of the patient that may write Tasks of theirs."""
INTERFACE = Caller(TENANT, "client/hl7", "An interface", parse_scopes("system/*.cruds"))
CLERK = Caller(TENANT, "Practitioner/c", "A clerk", parse_scopes("user/Task.cruds"))
"""Who may write Tasks, and no prescription."""
WHO = {
    "doctor": DOCTOR,
    "colleague": COLLEAGUE,
    "nurse": NURSE,
    "stranger": staff("x"),
    "clerk": CLERK,
    "app": APP,
    "interface": INTERFACE,
}


def to(reference: str) -> dict[str, Any]:
    return {"reference": reference}


def output(reference: str) -> dict[str, Any]:
    return {"output": [{"type": {"text": "answer"}, "valueReference": to(reference)}]}


def task(code: str, **more: Any) -> dict[str, Any]:
    """A Task as it is asked."""
    who = {
        "refill": ("Patient/p", "Practitioner/d", "MedicationRequest/warfarin"),
        "referral": ("Practitioner/d", "Practitioner/e", "ServiceRequest/s"),
        "acknowledge": ("Practitioner/lab", "Practitioner/d", "Observation/o"),
        "fill-form": ("Practitioner/d", "Patient/p", "Questionnaire/f"),
        "consult": ("Practitioner/d", "Practitioner/e", "ServiceRequest/s"),
        "correction": ("Patient/p", "Organization/house", "Observation/o"),
        "look-through": ("Patient/p", "Practitioner/d", "DocumentReference/given"),
        "todo": ("Practitioner/d", "Practitioner/e", "Observation/o"),
    }
    requester, owner, focus = who[code]
    return {
        "resourceType": "Task",
        "id": "t",
        "status": "completed" if code == "acknowledge" else "requested",
        "intent": "order",
        "code": {"coding": [{"system": "urn:careplane:task", "code": code}]},
        "requester": to(requester),
        "owner": to(owner),
        "focus": to(focus),
        "for": to("Patient/p"),
        **more,
    }
