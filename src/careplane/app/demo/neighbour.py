"""A small practice beside the demo hospital, on the same installation: what its record has of the
one patient whom it refers. All of it is synthetic."""

from __future__ import annotations

import base64

from careplane.access.tenants.institution import Institution
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree

INSTITUTION = Institution(0, "riverside", "Riverside Practice")
HOSPITAL = "Demo Hospital"
"""What the first institution is called."""
DOCTOR, NAME = "riverside-doctor", "Dr. Maya Lindholm"
WHOM = "nelida-gislason"
"""Known at the hospital by this id, so that whoever takes the referral in finds her there."""
PATIENT, LETTER = "riverside-patient", "riverside-letter"
WHY = "Palpitations for three weeks; atrial fibrillation in the ECG of Monday"
_ACT = "http://terminology.hl7.org/CodeSystem/condition-"
_LETTER = (
    "Dear colleagues,\n\nthank you for seeing her. She has felt her heart race since three weeks, "
    "mostly at night. In the ECG: atrial fibrillation, 96 a minute, no signs of ischaemia. "
    "I have begun nothing yet and ask for echocardiography and your advice on anticoagulation."
    "\n\nKind regards\nMaya Lindholm"
)


def bundle(known: Tree, today: str) -> bytes:
    """A transaction of updates with fixed ids; `known` is the patient as the hospital has her."""
    trees = [_doctor(), _patient(known), *_conditions(today), _letter(today)]
    entries = [
        {
            "resource": tree,
            "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"},
        }
        for tree in trees
    ]
    return json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _doctor() -> Tree:
    name = [{"use": "official", "family": "Lindholm", "given": ["Maya"], "prefix": ["Dr."]}]
    return {"resourceType": "Practitioner", "id": DOCTOR, "active": True, "name": name}


def _patient(known: Tree) -> Tree:
    same = ("name", "telecom", "gender", "birthDate", "address")
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "identifier": [{"system": "https://riverside.example/patients", "value": "RP-0417"}],
        "active": True,
        **{name: known[name] for name in same if name in known},
    }


def _conditions(today: str) -> list[Tree]:
    found = (("49436004", "Atrial fibrillation"), ("38341003", "Hypertensive disorder"))
    return [
        {
            "resourceType": "Condition",
            "id": f"riverside-{code}",
            "clinicalStatus": {"coding": [{"system": f"{_ACT}clinical", "code": "active"}]},
            "verificationStatus": {"coding": [{"system": f"{_ACT}ver-status",
                                               "code": "confirmed"}]},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": code,
                                 "display": display}], "text": display},
            "subject": {"reference": f"Patient/{PATIENT}"},
            "recordedDate": today,
        }
        for code, display in found
    ]  # fmt: skip


def _letter(today: str) -> Tree:
    data = base64.b64encode(_LETTER.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "id": LETTER,
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1",
                             "display": "Referral note"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "date": f"{today}T08:00:00Z",
        "author": [{"reference": f"Practitioner/{DOCTOR}", "display": NAME}],
        "description": "Letter to the cardiologist",
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "language": "en",
                                    "data": data, "title": "Letter to the cardiologist"}}],
    }  # fmt: skip
