"""What is measured in the story: at home every morning, in the laboratory, by ultrasound."""

from __future__ import annotations

import math
from random import Random

from tools.demo.ranges import judge
from tools.demo.shapes import HL7, LOINC, Tree, at, coded, new_id, observation, quantity, ref

DAYS = 60
WORSE_FROM = 8
DOCTOR = "demo-cardiologist"

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


def devices(patient: str) -> list[Tree]:
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


def home_readings(patient: str) -> list[Tree]:
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


def echo(patient: str, days: int, fraction: str) -> list[Tree]:
    when = at(days, "10:30")
    ejection = observation(
        patient, when, coded(LOINC, "10230-1", "Left ventricular Ejection fraction",
              "Left ventricular ejection fraction"), "imaging",
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


def laboratory(patient: str) -> list[Tree]:
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
