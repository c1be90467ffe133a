"""Prescribing over a house of tests: patients with allergies and medicines, and who prescribes."""

from __future__ import annotations

from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app.caring import prescribing_of
from careplane.app.charting import clinic_of
from careplane.care.clinic import Clinic
from careplane.kernel.clock import system_clock
from tests.fhir_house import TENANT, House, patient

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
EVERYTHING = parse_scopes("user/*.cruds")


def staff(id: str, role: str = "physician") -> Caller:
    return Caller(TENANT, f"Practitioner/{id}", f"Dr. {id.upper()}", EVERYTHING, None,
                  frozenset({role}))  # fmt: skip


DOCTOR, COLLEAGUE = staff("d"), staff("e")
NURSE, PHARMACIST = staff("n", "nurse"), staff("p", "pharmacist")
PATIENT = Caller(TENANT, "Patient/p", "Ada Quinn", parse_scopes("patient/*.rs"), "p",
                 frozenset({"patient"}))  # fmt: skip
STRANGER = Caller(TENANT, "Patient/q", "Bo Else", parse_scopes("patient/*.rs"), "q",
                  frozenset({"patient"}))  # fmt: skip


def drug(text: str, code: str = "") -> dict[str, Any]:
    coding = [{"system": RXNORM, "code": code, "display": text}] if code else []
    return {"text": text, **({"coding": coding} if coding else {})}


def order(id: str, medicine: dict[str, Any], of: str = "p", **more: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
            "medicationCodeableConcept": medicine, "subject": {"reference": f"Patient/{of}"},
            "requester": {"reference": "Practitioner/d", "display": "Dr. D"}, **more}  # fmt: skip


def allergy(id: str, text: str, of: str = "p", **more: Any) -> dict[str, Any]:
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                          "code": "active"}]}  # fmt: skip
    return {"resourceType": "AllergyIntolerance", "id": id, "clinicalStatus": active,
            "code": {"text": text}, "patient": {"reference": f"Patient/{of}"}, **more}  # fmt: skip


def clinic(house: House) -> Clinic:
    return clinic_of(house.door, system_clock, prescribing_of(house.door, system_clock))


async def furnish(house: House) -> None:
    """Ada Quinn takes warfarin and is allergic to penicillin; Bo Else has nothing."""
    ada = patient("p", name=[{"family": "Quinn", "given": ["Ada"]}], birthDate="1961-03-04")
    for record in (
        ada,
        patient("q", name=[{"family": "Else", "given": ["Bo"]}]),
        {"resourceType": "Practitioner", "id": "d", "name": [{"family": "D"}]},
        allergy("pen", "Allergy to penicillin"),
        order("warfarin", drug("Warfarin Sodium 5 MG Oral Tablet", "855332")),
    ):
        await house.put(record)
