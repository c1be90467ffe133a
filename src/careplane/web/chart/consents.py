"""Consents in plain words, and the Consent that a form comes to (FHIR R4, 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark

DATA: dict[str, str] = {
    "": mark("Everything in the record"),
    "Condition": mark("Problems"),
    "MedicationRequest": mark("Medications"),
    "Observation": mark("Results and vital signs"),
    "AllergyIntolerance": mark("Allergies"),
    "DocumentReference": mark("Documents"),
    "Encounter": mark("Visits"),
    "Procedure": mark("Procedures"),
}
"""What a form can keep back: resource type -> words."""
PURPOSES: dict[str, str] = {
    "": mark("any purpose"),
    "TREAT": mark("treatment"),
    "HPAYMT": mark("billing"),
    "HOPERAT": mark("running the hospital"),
    "HRESCH": mark("research"),
    "PUBHLTH": mark("public health"),
}
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@dataclass(frozen=True, slots=True)
class Row:
    """One Consent. `whole` is false where it says more than fits into these words."""

    id: str
    permits: bool
    what: tuple[str, ...]
    who: tuple[str, ...]
    purposes: tuple[str, ...]
    until: str
    since: str
    paper: str
    whole: bool


def row(tree: Tree) -> Row:
    """A Consent as its first provision has it."""
    provision = tree.get("provision", {})
    codes = [one.get("code", "") for one in provision.get("class", ())]
    actors = [one.get("reference", {}) for one in provision.get("actor", ())]
    reasons = [one.get("code", "") for one in provision.get("purpose", ())]
    shown = {"type", "class", "actor", "purpose", "period", "id"}
    return Row(
        tree["id"],
        provision.get("type") == "permit",
        tuple(DATA.get(code, code) for code in codes) or (DATA[""],),
        tuple(one.get("display") or one.get("reference", "") for one in actors),
        tuple(PURPOSES.get(code, code) for code in reasons) or (PURPOSES[""],),
        provision.get("period", {}).get("end", ""),
        str(tree.get("dateTime", ""))[:10],
        tree.get("sourceAttachment", {}).get("title", ""),
        bool(provision) and set(provision) <= shown,
    )


def made(patient: str, sent: Mapping[str, str], who: str, name: str, now: str) -> Tree:
    """The Consent that a form comes to. `who` has filled it in; `sent` has been checked."""
    provision: dict[str, Any] = {"type": "permit" if sent.get("share") == "yes" else "deny"}
    if sent.get("until"):
        provision["period"] = {"end": sent["until"]}
    if sent.get("who"):
        role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                            "code": "IRCP"}]}  # fmt: skip
        provision["actor"] = [{"role": role, "reference": {"reference": sent["who"]}}]
        if name:
            provision["actor"][0]["reference"]["display"] = name
    if sent.get("purpose"):
        provision["purpose"] = [{"system": _REASON, "code": sent["purpose"]}]
    if sent.get("what"):
        system = "http://hl7.org/fhir/resource-types"
        provision["class"] = [{"system": system, "code": sent["what"]}]
    paper = {"sourceAttachment": {"title": sent["paper"]}} if sent.get("paper") else {}
    performer = patient if who == f"Patient/{patient}" else ""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": _ACT, "code": "IDSCL"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": now,
        **({"performer": [{"reference": f"Patient/{performer}"}]} if performer else {}),
        **paper,
        "policyRule": {"coding": [{"system": _ACT, "code": "OPTIN"}]},
        "provision": provision,
    }
