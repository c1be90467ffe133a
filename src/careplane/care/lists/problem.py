"""A problem, from a form to a Condition (R4 9.2) and back."""

from __future__ import annotations

from datetime import date
from typing import Final

from careplane.care import concepts
from careplane.care.lists.fields import Problems, Sent, code_of, coded, noted, whole
from careplane.fhir.tree import Tree

_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"
STATUSES: Final = {"active": "Active", "recurrence": "Recurrence", "relapse": "Relapse",
                   "inactive": "Inactive", "remission": "Remission",
                   "resolved": "Resolved"}  # fmt: skip
CERTAINTY: Final = {"confirmed": "Confirmed", "provisional": "Provisional",
                    "differential": "Differential", "unconfirmed": "Unconfirmed",
                    "refuted": "Refuted", "entered-in-error": "Entered in Error"}  # fmt: skip
SEVERITIES: Final = {"255604002": "Mild", "6736007": "Moderate", "24484000": "Severe"}
_ENDED: Final = ("inactive", "remission", "resolved")


def make(sent: Sent, before: Tree, patient: str, author: Tree, now: str, today: date) -> Tree:
    """The Condition as it shall be. Raises Incorrect with every problem."""
    wrong = Problems()
    what = concepts.chosen(*(sent.get(name, "").strip() for name in ("what", "code", "system")))
    if not what:
        wrong.add("what", "Say what it is.")
    status = wrong.choice(sent, "status", STATUSES, "active")
    certainty = wrong.choice(sent, "certainty", CERTAINTY, "confirmed")
    severity = wrong.choice(sent, "severity", SEVERITIES)
    onset, end = wrong.day(sent, "onset", today), wrong.day(sent, "end", today)
    if end and status not in _ENDED:
        wrong.add("end", "What has an end is no longer active; choose its state.")
    if onset and end and end < onset[: len(end)]:
        wrong.add("end", "The end lies before the begin.")
    note = wrong.words(sent, "note")
    wrong.settle()
    kept = {k: v for k, v in before.items() if not k.startswith(("onset", "abatement"))}
    in_error = certainty == "entered-in-error"
    return whole({
        **kept,
        "resourceType": "Condition",
        "clinicalStatus": {} if in_error else coded(_CLINICAL, status, STATUSES[status]),
        "verificationStatus": coded(_VERIFIED, certainty, CERTAINTY[certainty]),
        "category": before.get("category") or [coded(_CATEGORY, "problem-list-item",
                                                     "Problem List Item")],
        "severity": coded("http://snomed.info/sct", severity, SEVERITIES[severity])
        if severity else {},
        "code": what,
        "subject": {"reference": f"Patient/{patient}"},
        "onsetDateTime": onset,
        "abatementDateTime": end,
        "recordedDate": before.get("recordedDate", now),
        "recorder": before.get("recorder", author),
        "note": noted(before, note, now),
    })  # fmt: skip


def fill(tree: Tree) -> dict[str, str]:
    """The fields of a Condition."""
    coding: Tree = next(iter(tree.get("code", {}).get("coding", ())), {})
    return {
        "what": str(tree.get("code", {}).get("text") or coding.get("display", "")),
        "code": str(coding.get("code", "")),
        "system": str(coding.get("system", "")),
        "status": code_of(tree.get("clinicalStatus", {})) or "active",
        "certainty": code_of(tree.get("verificationStatus", {})) or "confirmed",
        "severity": code_of(tree.get("severity", {})),
        "onset": str(tree.get("onsetDateTime", ""))[:10],
        "end": str(tree.get("abatementDateTime", ""))[:10],
        "note": next((str(n.get("text", "")) for n in tree.get("note", ())), ""),
    }
