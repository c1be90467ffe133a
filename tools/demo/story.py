"""The linked story: a patient with heart failure, measured at home, gets worse.

Sixty days are steady; in the last eight his weight rises by almost four kilograms and his oxygen
saturation falls under 90 %. An alarm is raised, the nurse calls, blood is taken, and the
cardiologist sees him tomorrow.
"""

from __future__ import annotations

import math
from random import Random

from tools.demo.ranges import judge
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
    new_id,
    note,
    observation,
    prescription,
    quantity,
    ref,
)

DAYS = 60
WORSE_FROM = 8
DOCTOR, NURSE = "demo-cardiologist", "demo-hf-nurse"

WEIGHT = coded(LOINC, "29463-7", "Body weight")
SATURATION = {
    "coding": [
        {"system": LOINC, "code": "59408-5",
         "display": "Oxygen saturation in Arterial blood by Pulse oximetry"},
        {"system": LOINC, "code": "2708-6", "display": "Oxygen saturation in Arterial blood"},
    ],
    "text": "Oxygen saturation",
}  # fmt: skip
PULSE = coded(LOINC, "8867-4", "Heart rate")
PRESSURE = coded(
    LOINC, "85354-9", "Blood pressure panel with all children optional", "Blood pressure"
)
SYSTOLIC = coded(LOINC, "8480-6", "Systolic blood pressure")
DIASTOLIC = coded(LOINC, "8462-4", "Diastolic blood pressure")

LABS: tuple[tuple[str, str, str, str], ...] = (
    ("33762-6", "NT-proBNP", "4820", "pg/mL"),
    ("2160-0", "Creatinine", "1.62", "mg/dL"),
    ("3094-0", "Urea nitrogen", "34", "mg/dL"),
    ("2951-2", "Sodium", "132", "mmol/L"),
    ("2823-3", "Potassium", "5.3", "mmol/L"),
    ("718-7", "Hemoglobin", "12.9", "g/dL"),
)
EARLIER = {
    -90: ("1120", "1.21", "21", "138", "4.4", "13.4"),
    -240: ("980", "1.18", "19", "139", "4.3", "13.6"),
    -420: ("2350", "1.25", "22", "137", "4.6", "13.5"),
}

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
        *_devices(patient),
        *(prescription(patient, day(-ago), coded(RXNORM, code, name), sig, DOCTOR)
          for code, name, sig, ago in DRUGS),
        *_home_readings(patient),
        *_echo(patient, -760, "28"),
        *_echo(patient, -90, "34"),
        *_laboratory(patient),
        *_plan(patient, failure["id"]),
        *_alarm(patient),
        *_follow_up(patient),
    ]  # fmt: skip


def _devices(patient: str) -> list[Tree]:
    def device(id: str, name: str) -> Tree:
        return {
            "resourceType": "Device",
            "id": id,
            "status": "active",
            "manufacturer": "Demo Instruments",
            "deviceName": [{"name": name, "type": "user-friendly-name"}],
            "type": {"text": name},
            "patient": ref("Patient", patient),
        }

    return [
        device(f"{patient}-scale", "Home body scale"),
        device(f"{patient}-oximeter", "Home pulse oximeter"),
        device(f"{patient}-cuff", "Home blood pressure cuff"),
    ]


def _home_readings(patient: str) -> list[Tree]:
    chance = Random(7)  # the same noise in every build
    out: list[Tree] = []
    for days in range(-DAYS, 0):
        worse = max(0, WORSE_FROM + days) / (WORSE_FROM - 1)  # 0 … 1
        weight = 82.1 + 0.35 * math.sin(days / 4) + chance.uniform(-0.2, 0.2) + 3.9 * worse**1.2
        saturation = 96 + chance.uniform(-0.9, 0.9) - 7.5 * worse**1.4
        pulse = 70 + chance.uniform(-4, 4) + 24 * worse
        systolic = 124 + chance.uniform(-6, 6) + 14 * worse
        clock = f"07:{10 + chance.randrange(35):02d}"
        when = at(days, clock)
        out += _reading(patient, when, weight, saturation, pulse, systolic)
    return out


def _reading(
    patient: str, when: str, weight: float, saturation: float, pulse: float, systolic: float
) -> list[Tree]:
    home: Tree = {"performer": [ref("Patient", patient)]}
    scale, oximeter, cuff = (
        home | {"device": ref("Device", f"{patient}-{name}")}
        for name in ("scale", "oximeter", "cuff")
    )
    body = observation(patient, when, WEIGHT, "vital-signs", **scale,
                       valueQuantity=quantity(f"{weight:.1f}", "kg"))  # fmt: skip
    target = {"value": quantity("83.0", "kg")["value"], "unit": "kg",
              "system": "http://unitsofmeasure.org", "code": "kg"}  # fmt: skip
    body["referenceRange"] = [{"high": target, "text": "Personal limit: up to 83.0 kg"}]
    flag = ("H", "High") if weight > 83.05 else ("N", "Normal")
    body["interpretation"] = [coded(HL7 + "v3-ObservationInterpretation", *flag)]
    oxygen = observation(patient, when, SATURATION, "vital-signs", **oximeter,
                         valueQuantity=quantity(f"{saturation:.0f}", "%"))  # fmt: skip
    rate = observation(patient, when, PULSE, "vital-signs", **oximeter,
                       valueQuantity=quantity(f"{pulse:.0f}", "/min"))  # fmt: skip
    judge(oxygen, "59408-5")
    judge(rate, "8867-4")
    return [body, oxygen, rate, pressure(patient, when, systolic, systolic * 0.62, **cuff)]


def pressure(patient: str, when: str, systolic: float, diastolic: float, **rest: Tree) -> Tree:
    """A blood pressure panel, judged."""
    parts = [(SYSTOLIC, systolic, "8480-6"), (DIASTOLIC, diastolic, "8462-4")]
    components: list[Tree] = []
    for code, value, loinc in parts:
        piece: Tree = {"code": code, "valueQuantity": quantity(f"{value:.0f}", "mm[Hg]")}
        judge(piece, loinc)
        components.append(piece)
    return observation(patient, when, PRESSURE, "vital-signs", component=components, **rest)


def _echo(patient: str, days: int, fraction: str) -> list[Tree]:
    when = at(days, "10:30")
    ejection = observation(
        patient, when, coded(LOINC, "10230-1", "Left ventricular Ejection fraction"), "imaging",
        valueQuantity=quantity(fraction, "%"),
        interpretation=[coded(HL7 + "v3-ObservationInterpretation", "L", "Low")],
        referenceRange=[{"low": quantity("52", "%")}],
    )  # fmt: skip
    report: Tree = {
        "resourceType": "DiagnosticReport",
        "id": new_id(patient, "echo", days),
        "status": "final",
        "category": [coded(HL7 + "v2-0074", "CUS", "Cardiac Ultrasound")],
        "code": coded(LOINC, "42148-7", "US Heart", "Echocardiogram"),
        "subject": ref("Patient", patient),
        "effectiveDateTime": when,
        "issued": when,
        "performer": [ref("Practitioner", DOCTOR)],
        "result": [ref("Observation", ejection["id"], "Left ventricular ejection fraction")],
        "conclusion": f"Left ventricular ejection fraction {fraction} %, left ventricle dilated.",
    }
    return [ejection, report]


def _laboratory(patient: str) -> list[Tree]:
    out: list[Tree] = []
    for days, values in {-1: tuple(lab[2] for lab in LABS), **EARLIER}.items():
        out += _panel(patient, at(days, "14:20"), days, values)
    return out


def _panel(patient: str, when: str, days: int, values: tuple[str, ...]) -> list[Tree]:
    results: list[Tree] = []
    for (code, name, _, unit), value in zip(LABS, values, strict=True):
        tree = observation(patient, when, coded(LOINC, code, name), "laboratory",
                           issued=when, valueQuantity=quantity(value, unit),
                           performer=[ref("Organization", "demo-laboratory")])  # fmt: skip
        judge(tree, code)
        results.append(tree)
    report: Tree = {
        "resourceType": "DiagnosticReport",
        "id": new_id(patient, "panel", days),
        "status": "final",
        "category": [coded(HL7 + "v2-0074", "LAB", "Laboratory")],
        "code": coded(LOINC, "11502-2", "Laboratory report", "Heart failure panel"),
        "subject": ref("Patient", patient),
        "effectiveDateTime": when,
        "issued": when,
        "performer": [ref("Organization", "demo-laboratory", "Demo Hospital, Laboratory")],
        "result": [ref("Observation", tree["id"], tree["code"]["text"]) for tree in results],
    }
    if days == -1:
        report["conclusion"] = "NT-proBNP four times its value of three months ago; sodium falling."
    return [*results, report]


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
