"""What our systems, codes and extensions are called."""

from __future__ import annotations

from careplane.access.consent.terms import ACT_CODE, NOT_FOR_PATIENTS
from careplane.fhir.tree import Tree

_OURS = "https://github.com/careplane/careplane/StructureDefinition/"

KIND = "urn:careplane:communication"
"""Codes in `Communication.category`: THREAD, MESSAGE, INTERNAL."""
THREAD = "thread"
"""The head of a thread: who takes part, what it is about, whether it is open. It says nothing."""
MESSAGE = "message"
"""One message of a thread, to which `partOf` leads."""
INTERNAL = "internal"
"""A thread, or a note within one, that patients do not see."""
TOPIC = "urn:careplane:topic"
"""What a patient writes about; `HealthcareService.type` says which pool answers it."""
STATE = "urn:careplane:thread"
"""Codes in `Communication.meta.tag` of a head: UNTAKEN, WAITING. As a system of identifiers, the
id of the thread."""
UNTAKEN, WAITING = "untaken", "waiting"
"""Nobody has taken it; the last word is not the practice's."""
OWNER = _OURS + "thread-owner"
"""On a head: who has taken it (Reference)."""
SINCE = _OURS + "thread-waiting-since"
"""On a head that waits for the practice: since when (dateTime)."""
RECEIPT = _OURS + "message-receipt"
"""On a message, once a reader: `reader` (Reference) and `at` (dateTime)."""

TOPICS: dict[str, str] = {
    "medical": "Medical question",
    "appointment": "Appointment",
    "prescription": "Prescription",
    "billing": "Billing",
    "other": "Something else",
}


def concept(system: str, code: str, text: str = "") -> Tree:
    """A CodeableConcept of one coding."""
    made: Tree = {"coding": [{"system": system, "code": code}]}
    return {**made, "text": text} if text else made


def not_for_patients() -> Tree:
    """The label in `meta.security` of what is internal."""
    return {"system": ACT_CODE, "code": NOT_FOR_PATIENTS}


def has(concepts: object, system: str, code: str) -> bool:
    """Whether a coding is among CodeableConcepts."""
    found = concepts if isinstance(concepts, list) else []
    return any(
        c.get("system") == system and c.get("code") == code
        for one in found
        for c in one.get("coding", ())
    )


def code_of(concepts: object, system: str) -> str:
    """The first code of a system among CodeableConcepts; empty where there is none."""
    found = concepts if isinstance(concepts, list) else []
    codes = (
        str(c.get("code", ""))
        for one in found
        for c in one.get("coding", ())
        if c.get("system") == system
    )
    return next(codes, "")
