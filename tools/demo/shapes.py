"""Small constructors of R4 parts, so that the story reads as data."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from careplane.app.demo import ANCHOR

Tree = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
CVX = "http://hl7.org/fhir/sid/cvx"
HL7 = "http://terminology.hl7.org/CodeSystem/"


def new_id(*parts: object) -> str:
    """A logical id that stays the same from one run to the next."""
    return str(uuid5(NAMESPACE_URL, "careplane-demo:" + "/".join(map(str, parts))))


def at(days: float, clock: str = "09:00") -> str:
    """A dateTime `days` from the anchor date, at a time of day in UTC."""
    moment = datetime(ANCHOR.year, ANCHOR.month, ANCHOR.day) + timedelta(days=days)  # noqa: DTZ001
    return f"{moment:%Y-%m-%d}T{clock}:00+00:00"


def day(days: float) -> str:
    """A date `days` from the anchor date."""
    return at(days)[:10]


def coded(system: str, code: str, display: str, text: str = "") -> Tree:
    """A CodeableConcept with one coding."""
    return {
        "coding": [{"system": system, "code": code, "display": display}],
        "text": text or display,
    }


def quantity(value: str, unit: str, code: str = "") -> Tree:
    """A Quantity in UCUM; the digits stay as written."""
    return {"value": Decimal(value), "unit": unit, "system": UCUM, "code": code or unit}


def ref(kind: str, id: str, display: str = "") -> Tree:
    """A literal reference."""
    reference: Tree = {"reference": f"{kind}/{id}"}
    return reference | {"display": display} if display else reference


def observation(patient: str, when: str, code: Tree, category: str, **rest: Any) -> Tree:
    """A final Observation; `rest` brings the value and whatever else it has."""
    slug = (code["coding"][0]["code"], when)
    return {
        "resourceType": "Observation",
        "id": new_id(patient, "Observation", *slug),
        "status": "final",
        "category": [coded(HL7 + "observation-category", category, CATEGORIES[category])],
        "code": code,
        "subject": ref("Patient", patient),
        "effectiveDateTime": when,
        **rest,
    }


CATEGORIES = {
    "vital-signs": "Vital Signs",
    "laboratory": "Laboratory",
    "survey": "Survey",
    "exam": "Exam",
    "imaging": "Imaging",
    "procedure": "Procedure",
    "social-history": "Social History",
}


def condition(patient: str, since: str, code: Tree) -> Tree:
    """An active, confirmed problem."""
    return {
        "resourceType": "Condition",
        "id": new_id(patient, "Condition", code["coding"][0]["code"]),
        "clinicalStatus": coded(HL7 + "condition-clinical", "active", "Active"),
        "verificationStatus": coded(HL7 + "condition-ver-status", "confirmed", "Confirmed"),
        "category": [coded(HL7 + "condition-category", "problem-list-item", "Problem List Item")],
        "code": code,
        "subject": ref("Patient", patient),
        "onsetDateTime": since,
        "recordedDate": since,
    }


def prescription(patient: str, since: str, drug: Tree, sig: str, by: str) -> Tree:
    """An active order for one drug, taken as `sig` says, once a day."""
    return {
        "resourceType": "MedicationRequest",
        "id": new_id(patient, "MedicationRequest", drug["coding"][0]["code"]),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": drug,
        "subject": ref("Patient", patient),
        "authoredOn": since,
        "requester": ref("Practitioner", by),
        "dosageInstruction": [
            {
                "text": sig,
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "route": coded(SNOMED, "26643006", "Oral route"),
            }
        ],
    }


def note(patient: str, when: str, kind: Tree, title: str, text: str, by: str) -> Tree:
    """A short clinical note, its plain text inside."""
    return {
        "resourceType": "DocumentReference",
        "id": new_id(patient, "DocumentReference", title, when),
        "status": "current",
        "docStatus": "final",
        "type": kind,
        "subject": ref("Patient", patient),
        "date": when,
        "author": [ref("Practitioner", by)],
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": base64.b64encode(text.encode()).decode(),
                    "title": title,
                    "creation": when,
                }
            }
        ],
    }


def appointment(patient: str, start: str, minutes: int, what: str, by: str) -> Tree:
    """A booked appointment of a patient with a practitioner."""
    begin = datetime.fromisoformat(start)
    return {
        "resourceType": "Appointment",
        "id": new_id(patient, "Appointment", start),
        "status": "booked",
        "description": what,
        "start": start,
        "end": (begin + timedelta(minutes=minutes)).isoformat(),
        "minutesDuration": minutes,
        "participant": [
            {"actor": ref("Patient", patient), "status": "accepted"},
            {"actor": ref("Practitioner", by), "status": "accepted"},
        ],
    }
