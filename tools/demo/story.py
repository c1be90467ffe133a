"""The linked story: a patient with heart failure, measured at home, gets worse.

Sixty days are steady; in the last eight his weight rises by almost four kilograms and his oxygen
saturation falls under 90 %. An alarm is raised, the nurse calls, blood is taken, and the
cardiologist sees him tomorrow.
"""

from __future__ import annotations

from tools.demo.measured import DOCTOR, WEIGHT, devices, echo, home_readings, laboratory
from tools.demo.shapes import (
    HL7,
    LOINC,
    RXNORM,
    SNOMED,
    Tree,
    appointment,
    at,
    coded,
    condition,
    day,
    note,
    prescription,
    quantity,
    ref,
)

NURSE = "demo-hf-nurse"

DRUGS: tuple[tuple[str, str, str, int], ...] = (
    ("313988", "Furosemide 40 MG Oral Tablet", "1 tablet by mouth once a day, in the morning", 90),
    ("314076", "Lisinopril 10 MG Oral Tablet", "1 tablet by mouth once a day", 700),
    ("313096", "Spironolactone 25 MG Oral Tablet", "1 tablet by mouth once a day", 420),
    ("866414", "24 HR metoprolol succinate 100 MG Extended Release Oral Tablet [Toprol]",
     "1 tablet by mouth once a day", 700),
)  # fmt: skip


def heart_failure(patient: str, base: list[Tree]) -> list[Tree]:
    """Everything the story adds to the patient's chart."""
    failure = condition(
        patient, day(-760),
        coded(SNOMED, "703272007", "Heart failure with reduced ejection fraction (disorder)",
              "Heart failure with reduced ejection fraction"),
    )  # fmt: skip
    return [
        failure,
        *devices(patient),
        *(prescription(patient, day(-ago), coded(RXNORM, code, name), sig, DOCTOR)
          for code, name, sig, ago in DRUGS),
        *home_readings(patient),
        *echo(patient, -760, "28"),
        *echo(patient, -90, "34"),
        *laboratory(patient),
        *_plan(patient, failure["id"]),
        *_alarm(patient),
        *_follow_up(patient),
    ]  # fmt: skip


def _plan(patient: str, failure: str) -> list[Tree]:
    team: Tree = {
        "resourceType": "CareTeam",
        "id": f"{patient}-team",
        "status": "active",
        "name": "Heart failure team",
        "subject": ref("Patient", patient),
        "participant": [
            {"role": [coded(SNOMED, "17561000", "Cardiologist")],
             "member": ref("Practitioner", DOCTOR, "Dr. Elizbeth Ratke")},
            {"role": [coded(SNOMED, "106292003", "Professional nurse")],
             "member": ref("Practitioner", NURSE, "Grace Okonkwo")},
            {"role": [coded(SNOMED, "59058001", "General physician")],
             "member": ref("Practitioner", "demo-family-doctor", "Dr. Anders Lindqvist")},
        ],
    }  # fmt: skip
    goal: Tree = {
        "resourceType": "Goal",
        "id": f"{patient}-dry-weight",
        "lifecycleStatus": "active",
        "description": {"text": "Keep the body weight at 83.0 kg or less"},
        "subject": ref("Patient", patient),
        "startDate": day(-90),
        "target": [{"measure": WEIGHT, "detailQuantity": quantity("83.0", "kg")}],
        "addresses": [ref("Condition", failure)],
    }
    plan: Tree = {
        "resourceType": "CarePlan",
        "id": f"{patient}-plan",
        "status": "active",
        "intent": "plan",
        "title": "Heart failure self management plan",
        "category": [coded(SNOMED, "735984001", "Heart failure self management plan")],
        "subject": ref("Patient", patient),
        "period": {"start": day(-90)},
        "careTeam": [ref("CareTeam", team["id"], "Heart failure team")],
        "addresses": [ref("Condition", failure)],
        "goal": [ref("Goal", goal["id"])],
        "activity": [
            {"detail": {"status": "in-progress", "code": {"text": name}}}
            for name in ("Weigh every morning", "Measure oxygen saturation every morning",
                         "Salt below 5 g a day")
        ],
    }  # fmt: skip
    return [team, goal, plan]


def _alarm(patient: str) -> list[Tree]:
    flag: Tree = {
        "resourceType": "Flag",
        "id": f"{patient}-alarm",
        "status": "active",
        "category": [coded(HL7 + "flag-category", "clinical", "Clinical")],
        "code": {"text": "Home monitoring: weight rising, oxygen saturation below 90 %"},
        "subject": ref("Patient", patient),
        "period": {"start": at(-1, "08:05")},
        "author": ref("Device", f"{patient}-oximeter"),
    }
    task: Tree = {
        "resourceType": "Task",
        "id": f"{patient}-review",
        "status": "completed",
        "intent": "order",
        "priority": "urgent",
        "description": "Call the patient about the home monitoring alarm",
        "focus": ref("Flag", flag["id"]),
        "for": ref("Patient", patient),
        "authoredOn": at(-1, "08:05"),
        "lastModified": at(-1, "09:10"),
        "owner": ref("Practitioner", NURSE, "Grace Okonkwo"),
    }
    call: Tree = {
        "resourceType": "Communication",
        "id": f"{patient}-call",
        "status": "completed",
        "basedOn": [ref("Task", task["id"])],
        "subject": ref("Patient", patient),
        "sent": at(-1, "08:50"),
        "sender": ref("Practitioner", NURSE, "Grace Okonkwo"),
        "recipient": [ref("Patient", patient)],
        "payload": [{"contentString": "Called about weight and breathing. Asked to come in for "
                                      "blood tests today and to see cardiology tomorrow."}],
    }  # fmt: skip
    return [flag, task, call]


def _follow_up(patient: str) -> list[Tree]:
    text = (
        "Telephone call, heart failure nurse.\n\n"
        "Short of breath on one flight of stairs for three days, sleeps on two pillows, ankles "
        "swollen. No chest pain. Takes furosemide 40 mg as prescribed; ate salted fish last week.\n"
        "Home readings: weight up almost four kilograms in a week, saturation 89 % on air.\n\n"
        "Plan: bloods today (NT-proBNP, renal function, electrolytes). Cardiology clinic tomorrow; "
        "to come to the emergency department at once if breathless at rest."
    )
    visit = appointment(patient, at(1, "09:40"), 30, "Heart failure review", DOCTOR)
    order: Tree = {
        "resourceType": "ServiceRequest",
        "id": f"{patient}-echo-order",
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "code": coded(LOINC, "42148-7", "US Heart", "Echocardiogram"),
        "subject": ref("Patient", patient),
        "occurrenceDateTime": day(1),
        "authoredOn": at(-1, "15:30"),
        "requester": ref("Practitioner", DOCTOR, "Dr. Elizbeth Ratke"),
        "reasonCode": [{"text": "Decompensated heart failure?"}],
    }
    kind = coded(LOINC, "34109-9", "Note", "Telephone note")
    return [note(patient, at(-1, "09:05"), kind, "Telephone call", text, NURSE), order, visit]
