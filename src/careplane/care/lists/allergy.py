"""An allergy or intolerance, from a form to an AllergyIntolerance (R4 9.1) and back."""

from __future__ import annotations

from datetime import date
from typing import Final

from careplane.care import concepts
from careplane.care.lists.fields import Problems, Sent, code_of, coded, noted, whole
from careplane.fhir.tree import Tree

_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
STATUSES: Final = {"active": "Active", "inactive": "Inactive", "resolved": "Resolved"}
CERTAINTY: Final = {"confirmed": "Confirmed", "unconfirmed": "Unconfirmed", "refuted": "Refuted",
                    "entered-in-error": "Entered in Error"}  # fmt: skip
TYPES: Final = {"allergy": "", "intolerance": ""}
CATEGORIES: Final = {"medication": "", "food": "", "environment": "", "biologic": ""}
RISKS: Final = {"high": "", "low": "", "unable-to-assess": ""}
SEVERITIES: Final = {"mild": "", "moderate": "", "severe": ""}


def make(sent: Sent, before: Tree, patient: str, author: Tree, now: str, today: date) -> Tree:
    """The AllergyIntolerance as it shall be. Raises Incorrect with every problem."""
    wrong = Problems()
    what = concepts.chosen(*(sent.get(name, "").strip() for name in ("what", "code", "system")))
    if not what:
        wrong.add("what", "Say what it is.")
    status = wrong.choice(sent, "status", STATUSES, "active")
    certainty = wrong.choice(sent, "certainty", CERTAINTY, "confirmed")
    type, category = wrong.choice(sent, "type", TYPES), wrong.choice(sent, "category", CATEGORIES)
    risk, severity = wrong.choice(sent, "risk", RISKS), wrong.choice(sent, "severity", SEVERITIES)
    onset = wrong.day(sent, "onset", today)
    reaction, note = wrong.words(sent, "reaction"), wrong.words(sent, "note")
    if severity and not reaction:
        wrong.add("reaction", "Say what happened, to say how severe it was.")
    wrong.settle()
    kept = {k: v for k, v in before.items() if not k.startswith("onset")}
    in_error = certainty == "entered-in-error"
    return whole({
        **kept,
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {} if in_error else coded(_CLINICAL, status, STATUSES[status]),
        "verificationStatus": coded(_VERIFIED, certainty, CERTAINTY[certainty]),
        "type": type,
        "category": [category] if category else [],
        "criticality": risk,
        "code": what,
        "patient": {"reference": f"Patient/{patient}"},
        "onsetDateTime": onset,
        "recordedDate": before.get("recordedDate", now),
        "recorder": before.get("recorder", author),
        "note": noted(before, note, now),
        "reaction": _reactions(before, reaction, severity),
    })  # fmt: skip


def _reactions(before: Tree, words: str, severity: str) -> list[Tree]:
    """The form shows the first reaction; others stay."""
    first: Tree = next(iter(before.get("reaction", ())), {})
    rest = list(before.get("reaction", ()))[1:]
    if not words:
        return rest
    said = first.get("manifestation") if words == _words(first) else [{"text": words}]
    return [whole({**first, "manifestation": said, "severity": severity}), *rest]


def _words(reaction: Tree) -> str:
    shown = (str(m.get("text") or next((c.get("display", "") for c in m.get("coding", ())), ""))
             for m in reaction.get("manifestation", ()))  # fmt: skip
    return ", ".join(filter(None, shown))


def fill(tree: Tree) -> dict[str, str]:
    """The fields of an AllergyIntolerance."""
    coding: Tree = next(iter(tree.get("code", {}).get("coding", ())), {})
    first: Tree = next(iter(tree.get("reaction", ())), {})
    return {
        "what": str(tree.get("code", {}).get("text") or coding.get("display", "")),
        "code": str(coding.get("code", "")),
        "system": str(coding.get("system", "")),
        "status": code_of(tree.get("clinicalStatus", {})) or "active",
        "certainty": code_of(tree.get("verificationStatus", {})) or "confirmed",
        "type": str(tree.get("type", "")),
        "category": str(next(iter(tree.get("category", ())), "")),
        "risk": str(tree.get("criticality", "")),
        "severity": str(first.get("severity", "")),
        "reaction": _words(first),
        "onset": str(tree.get("onsetDateTime", ""))[:10],
        "note": next((str(n.get("text", "")) for n in tree.get("note", ())), ""),
    }
