"""What the other roles of the cast add: trends, a pregnancy, a childhood, visits, allergies."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tools.demo.measured import WEIGHT, pressure
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
    observation,
    prescription,
    quantity,
    ref,
)
from tools.demo.story import heart_failure

HBA1C = coded(LOINC, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "Hemoglobin A1c")
BEFORE_THERAPY = ("7.4", "7.9", "8.6", "9.4")
UNDER_THERAPY = ("8.7", "8.0", "7.5", "7.1", "6.9")
AMLODIPINE = coded(RXNORM, "197361", "Amlodipine 5 MG Oral Tablet")
METFORMIN = coded(
    RXNORM, "860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet"
)


def diabetes(patient: str, base: list[Tree]) -> list[Tree]:
    """HbA1c every quarter: rising, then falling under a stronger therapy."""
    out: list[Tree] = []
    for index, value in enumerate(BEFORE_THERAPY + UNDER_THERAPY):
        days = -20 - 91 * (len(BEFORE_THERAPY + UNDER_THERAPY) - 1 - index)
        tree = observation(patient, at(days, "08:15"), HBA1C, "laboratory",
                           valueQuantity=quantity(value, "%"),
                           performer=[ref("Organization", "demo-laboratory")])  # fmt: skip
        judge(tree, "4548-4")
        out.append(tree)
    return [*out, *visit(patient, 2, "Diabetes review", "demo-family-doctor")]


def hypertension(patient: str, base: list[Tree]) -> list[Tree]:
    """Half a year of weekly pressures: a second drug is started half way."""
    chance = Random(patient)
    out = [prescription(patient, day(-90), AMLODIPINE, "1 tablet by mouth once a day",
                        "demo-family-doctor")]  # fmt: skip
    for week in range(26):
        eased = min(1.0, max(0, week - 13) / 8)
        systolic = 166 + chance.uniform(-6, 6) - 32 * eased
        diastolic = 101 + chance.uniform(-4, 4) - 17 * eased
        when = at(-182 + 7 * week, f"{8 + week % 3:02d}:20")
        out.append(pressure(patient, when, systolic, diastolic))
    return [*out, *visit(patient, 5, "Blood pressure check", "demo-practice-nurse")]


INR = coded(LOINC, "6301-6", "INR in Platelet poor plasma by Coagulation assay", "INR")


def anticoagulation(patient: str, base: list[Tree]) -> list[Tree]:
    """INR every two weeks under warfarin, and too high since yesterday."""
    out: list[Tree] = []
    for index, value in enumerate(("2.1", "2.6", "2.4", "2.9", "2.3", "2.7", "3.1", "4.6")):
        tree = observation(
            patient, at(-1 - 14 * (7 - index), "10:40"), INR, "laboratory",
            valueQuantity=quantity(value, "{INR}"),
            performer=[ref("Organization", "demo-laboratory")],
        )  # fmt: skip
        tree["valueQuantity"]["unit"] = "INR"
        judge(tree, "6301-6")
        tree["referenceRange"][0]["text"] = "Goal under warfarin: 2.0 – 3.0"
        out.append(tree)
    return [*out, *visit(patient, 0, "INR and dose of warfarin", "demo-practice-nurse")]


def pregnancy(patient: str, base: list[Tree]) -> list[Tree]:
    """An ongoing pregnancy of 31 weeks."""
    chance = Random(31)
    start = -31 * 7
    out = [condition(patient, day(start + 42), coded(SNOMED, "72892002", "Normal pregnancy"))]
    out.append(observation(
        patient, at(start + 56, "10:00"), coded(LOINC, "11778-8", "Delivery date Estimated"),
        "exam", valueDateTime=day(start + 280)))  # fmt: skip
    for index, week in enumerate((8, 12, 16, 20, 24, 28, 30, 31)):
        when = at(start + 7 * week - 2, "10:15")
        weight = 63.4 + 0.36 * week + chance.uniform(-0.3, 0.3)
        out.append(observation(patient, when, WEIGHT, "vital-signs",
                               valueQuantity=quantity(f"{weight:.1f}", "kg")))  # fmt: skip
        out.append(observation(
            patient, when, coded(LOINC, "11884-4", "Gestational age Estimated"), "exam",
            valueQuantity=quantity(str(week), "wk")))  # fmt: skip
        out.append(pressure(patient, when, 108 + 2 * index, 66 + 2 * index))
    return [*out, *visit(patient, 3, "Antenatal visit", "demo-obstetrician")]


def child(patient: str, base: list[Tree]) -> list[Tree]:
    """A parent who may be called, and the next check-up."""
    parent: Tree = {
        "resourceType": "RelatedPerson",
        "id": f"{patient}-parent",
        "active": True,
        "patient": ref("Patient", patient),
        "relationship": [coded(HL7 + "v3-RoleCode", "PRN", "parent")],
        "name": [{"family": base[0]["name"][0]["family"], "given": ["Alex"]}],
        "telecom": [{"system": "phone", "value": "555-0199", "use": "mobile"}],
    }
    return [parent, *visit(patient, 6, "Well child check", "demo-paediatrician")]


def plain(patient: str, base: list[Tree]) -> list[Tree]:
    """An appointment in the coming days."""
    return visit(patient, 1 + len(patient) % 9, "Follow-up", "demo-family-doctor")


def visit(patient: str, days: int, what: str, by: str) -> list[Tree]:
    """An appointment, at a time of day of the patient's own."""
    clock = f"{9 + len(patient) % 7:02d}:{(sum(map(ord, patient)) % 4) * 15:02d}"
    return [appointment(patient, at(days, clock), 20, what, by)]


ROLES: dict[str, Callable[[str, list[Tree]], list[Tree]]] = {
    "heart-failure": heart_failure,
    "diabetes": diabetes,
    "hypertension": hypertension,
    "pregnancy": pregnancy,
    "child": child,
    "anticoagulation": anticoagulation,
    "appointment": plain,
    "": lambda patient, base: [],
}

# SNOMED CT code and display, category, criticality, reaction
ALLERGIES: dict[str, tuple[str, str, str, str, tuple[str, str]]] = {
    "penicillin": ("91936005", "Allergy to penicillin", "medication", "high",
                   ("39579001", "Anaphylaxis")),
    "aspirin": ("293586001", "Allergy to aspirin", "medication", "low", ("126485001", "Urticaria")),
    "sulfonamide": ("91939003", "Allergy to sulfonamide", "medication", "low",
                    ("271807003", "Eruption of skin")),
    "latex": ("300916003", "Latex allergy", "environment", "high", ("126485001", "Urticaria")),
    "peanut": ("91935009", "Allergy to peanut", "food", "high", ("39579001", "Anaphylaxis")),
}  # fmt: skip


def allergies(patient: str, names: tuple[str, ...]) -> list[Tree]:
    """Allergies with criticality and reaction; Synthea's have neither."""
    return [_allergy(patient, name) for name in names]


def _allergy(patient: str, name: str) -> Tree:
    code, display, category, criticality, reaction = ALLERGIES[name]
    return {
        "resourceType": "AllergyIntolerance",
        "id": new_id(patient, "AllergyIntolerance", name),
        "clinicalStatus": coded(HL7 + "allergyintolerance-clinical", "active", "Active"),
        "verificationStatus": coded(
            HL7 + "allergyintolerance-verification", "confirmed", "Confirmed"
        ),
        "type": "allergy",
        "category": [category],
        "criticality": criticality,
        "code": coded(SNOMED, code, display),
        "patient": ref("Patient", patient),
        "recordedDate": day(-400),
        "reaction": [
            {
                "manifestation": [coded(SNOMED, *reaction)],
                "severity": "severe" if criticality == "high" else "moderate",
            }
        ],
    }
