"""A prescription as a MedicationRequest (R4 11.1), and what becomes of the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from careplane.care.prescribing.sig import UCUM
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Issue

_LONGEST: Final = 1_000
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason"
STOPPING: Final = {
    "sddi": "Drug interaction",
    "salg": "Allergy",
    "drughigh": "Drug level too high",
    "labint": "Lab interference issues",
    "preg": "Patient is pregnant/breastfeeding",
    "surg": "Patient scheduled for surgery",
    "altchoice": "Try another treatment first",
    "clarif": "Prescription requires clarification",
    "hospadm": "Admission to hospital",
    "nonavail": "Drug not available",
}
"""Codes of medicationRequest Status Reason Codes."""
IN_USE: Final = ("active", "on-hold")


@dataclass(frozen=True, slots=True)
class Prescription:
    """What is prescribed. `medication` is a CodeableConcept; `reason` the id of a Condition;
    `supply` the days that one supply lasts; `note` is for the pharmacist."""

    patient: str
    medication: Tree
    dosage: Tree
    quantity: Decimal | None = None
    unit: str = ""
    refills: int = 0
    supply: int = 0
    substitution: bool = True
    reason: str = ""
    note: str = ""
    encounter: str = ""


def problems(asked: Prescription) -> list[Issue]:
    """What is wrong with it, by the name of the field."""
    found = []
    if not (asked.medication.get("text") or asked.medication.get("coding")):
        found.append(Issue("error", "required", "Choose a medicine.", "medicine"))
    if asked.quantity is not None and not 0 < asked.quantity <= 100_000:
        found.append(Issue("error", "invalid", "A quantity is a number above 0.", "quantity"))
    if not 0 <= asked.refills <= 99:
        found.append(Issue("error", "invalid", "Refills are a number up to 99.", "refills"))
    if len(asked.note) > _LONGEST:
        found.append(Issue("error", "too-long", "A note has 1000 characters at most.", "note"))
    return found


def request(
    asked: Prescription, author: Tree, now: str, prior: str = "", issues: tuple[str, ...] = ()
) -> Tree:
    """The MedicationRequest. Raises Incorrect with every problem."""
    if wrong := problems(asked):
        raise Incorrect("The prescription is not complete.", issues=tuple(wrong))
    supply: Tree = {"numberOfRepeatsAllowed": asked.refills}
    if asked.quantity is not None:
        supply["quantity"] = {"value": asked.quantity, "unit": asked.unit.strip("{}"),
                              "system": UCUM, "code": asked.unit} if asked.unit else {
                              "value": asked.quantity}  # fmt: skip
    if asked.supply:
        days = {"value": asked.supply, "unit": "days", "system": UCUM, "code": "d"}
        supply["expectedSupplyDuration"] = days
    made: Tree = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": asked.medication,
        "subject": {"reference": f"Patient/{asked.patient}"},
        "encounter": {"reference": f"Encounter/{asked.encounter}"} if asked.encounter else {},
        "authoredOn": now,
        "requester": author,
        "reasonReference": [{"reference": f"Condition/{asked.reason}"}] if asked.reason else [],
        "note": [{"time": now, "text": asked.note}] if asked.note else [],
        "dosageInstruction": [asked.dosage] if asked.dosage else [],
        "dispenseRequest": supply,
        "substitution": {"allowedBoolean": asked.substitution},
        "priorPrescription": {"reference": f"MedicationRequest/{prior}"} if prior else {},
        "detectedIssue": [{"reference": f"DetectedIssue/{id}"} for id in issues],
    }
    return {key: value for key, value in made.items() if value not in ({}, [])}


def ended(tree: Tree, status: str, reason: str) -> Tree:
    """As it is when it is in use no longer. `reason` is a code of `STOPPING`, or words."""
    said: Tree = {"text": reason}
    if reason in STOPPING:
        coding = {"system": _REASONS, "code": reason, "display": STOPPING[reason]}
        said = {"coding": [coding], "text": STOPPING[reason]}
    return {**tree, "status": status, **({"statusReason": said} if reason else {})}


def again(tree: Tree) -> Prescription:
    """What would be prescribed by renewing it."""
    supply = tree.get("dispenseRequest", {})
    quantity = supply.get("quantity", {})
    lasts = supply.get("expectedSupplyDuration", {})
    reasons = (str(r.get("reference", "")) for r in tree.get("reasonReference", ()))
    return Prescription(
        patient=str(tree["subject"]["reference"]).rpartition("/")[2],
        medication=tree.get("medicationCodeableConcept", {}),
        dosage=next(iter(tree.get("dosageInstruction", ())), {}),
        quantity=Decimal(str(quantity["value"])) if "value" in quantity else None,
        unit=str(quantity.get("code") or ""),
        refills=int(supply.get("numberOfRepeatsAllowed", 0)),
        supply=int(lasts["value"]) if lasts.get("code") == "d" and "value" in lasts else 0,
        substitution=bool(tree.get("substitution", {}).get("allowedBoolean", True)),
        reason=next((r[10:] for r in reasons if r.startswith("Condition/")), ""),
        note=next((str(n.get("text", "")) for n in tree.get("note", ())), ""),
    )
