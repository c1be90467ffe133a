"""A finding that somebody went past, kept as a DetectedIssue with why (R4 9.3)."""

from __future__ import annotations

from careplane.care.prescribing.checks.port import Finding, Kind
from careplane.fhir.tree import Tree

_ACTS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DISPLAYS = {
    Kind.ALLERGY: "Allergy Alert",
    Kind.DUPLICATE: "Duplicate Therapy Alert",
    Kind.INTERACTION: "Drug Interaction Alert",
    Kind.DOSE: "Dosage problem",
}


def issue(
    finding: Finding, reason: str, patient: str, request: str, author: Tree, now: str
) -> Tree:
    """`request` is the MedicationRequest that was made nevertheless; `reason` is why."""
    by = {"author": author} if "reference" in author else {}
    places = (f"MedicationRequest/{request}", *finding.implicated)
    made: Tree = {
        **proposed(finding, patient),
        "status": "final",
        "identifiedDateTime": now,
        **by,
        "implicated": [{"reference": place} for place in dict.fromkeys(places) if place],
        "mitigation": [{"action": {"text": reason}, "date": now, **by}],
    }
    return made


def proposed(finding: Finding, patient: str) -> Tree:
    """The finding before anybody has decided about it."""
    code = {"system": _ACTS, "code": finding.kind.value, "display": _DISPLAYS[finding.kind]}
    about = [{"detail": [{"reference": place} for place in finding.evidence]}]
    made: Tree = {
        "resourceType": "DetectedIssue",
        "status": "preliminary",
        "code": {"coding": [code]},
        "severity": finding.severity,
        "patient": {"reference": f"Patient/{patient}"},
        "implicated": [{"reference": place} for place in finding.implicated],
        "evidence": about if finding.evidence else [],
        "detail": finding.text,
    }
    return {key: value for key, value in made.items() if value != []}
