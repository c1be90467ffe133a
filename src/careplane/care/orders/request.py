"""An order as a ServiceRequest (R4 12.3), and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from careplane.care.orders.catalogue import CATEGORIES, SNOMED, Item
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Issue

PRIORITIES: Final = ("routine", "urgent", "asap", "stat")
REQUISITION: Final = "urn:careplane:requisition"
_STATUS_REASON: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
_LONGEST: Final = 2_000
OPEN: Final = ("draft", "active", "on-hold")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is the same for all items of an order. `reason` is the id of a Condition, `words` says
    it besides; `note` is for who carries it out; `instruction` for the patient; `when` is a date;
    `performer` is a reference."""

    patient: str
    priority: str = "routine"
    reason: str = ""
    words: str = ""
    note: str = ""
    instruction: str = ""
    when: str = ""
    performer: str = ""
    performer_name: str = ""


def check(wanted: Wanted, items: tuple[Item, ...]) -> None:
    """Raises Incorrect with every problem, by the name of the field."""
    wrong = []
    if not items:
        wrong.append(Issue("error", "required", "Choose what to order.", "items"))
    if wanted.priority not in PRIORITIES:
        wrong.append(Issue("error", "invalid", "Choose how urgent it is.", "priority"))
    for name in ("words", "note", "instruction"):
        if len(getattr(wanted, name)) > _LONGEST:
            text = "Write 2000 characters at most."
            wrong.append(Issue("error", "too-long", text, name))
    if wrong:
        raise Incorrect("The order is not complete.", issues=tuple(wrong))


def request(wanted: Wanted, item: Item, author: Tree, now: str, requisition: str) -> Tree:
    """The ServiceRequest of one item."""
    code, display = CATEGORIES[item.kind]
    performer: Tree = {"reference": wanted.performer} if wanted.performer else {}
    if wanted.performer_name:
        performer["display"] = wanted.performer_name
    made: Tree = {
        "resourceType": "ServiceRequest",
        "instantiatesCanonical": [item.canonical] if item.canonical else [],
        "requisition": {"system": REQUISITION, "value": requisition},
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": SNOMED, "code": code, "display": display}]}],
        "priority": wanted.priority,
        "code": item.concept,
        "subject": {"reference": f"Patient/{wanted.patient}"},
        "occurrenceDateTime": wanted.when,
        "authoredOn": now,
        "requester": author,
        "performer": [performer] if performer else [],
        "reasonCode": [{"text": wanted.words}] if wanted.words else [],
        "reasonReference": [{"reference": f"Condition/{wanted.reason}"}] if wanted.reason else [],
        "note": [{"time": now, "text": wanted.note}] if wanted.note else [],
        "patientInstruction": wanted.instruction,
    }
    return {key: value for key, value in made.items() if value not in ({}, [], "")}


def ended(tree: Tree, status: str, reason: str) -> Tree:
    """As it is when it is revoked or completed, with why (the extension request-statusReason)."""
    kept = [e for e in tree.get("extension", ()) if e.get("url") != _STATUS_REASON]
    if reason:
        kept.append({"url": _STATUS_REASON, "valueCodeableConcept": {"text": reason}})
    return {**tree, "status": status, **({"extension": kept} if kept else {})}


def why(tree: Tree) -> str:
    """The reason of the status."""
    found = (e["valueCodeableConcept"].get("text", "") for e in tree.get("extension", ())
             if e.get("url") == _STATUS_REASON and "valueCodeableConcept" in e)  # fmt: skip
    return str(next(found, ""))


def kind_of(tree: Tree) -> str:
    """The kind of an order; `procedure` where its category says none that is known here."""
    codes = {c.get("code") for one in tree.get("category", ()) for c in one.get("coding", ())}
    kinds = (kind for kind, (code, _) in CATEGORIES.items() if code in codes)
    return next(kinds, "procedure")
