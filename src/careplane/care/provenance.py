"""Provenance (R4) of what is done to a record and is not to be seen in the record itself."""

from __future__ import annotations

from careplane.fhir.tree import Tree

_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def nullified(target: str, patient: str, who: Tree, reason: str, at: str) -> Tree:
    """That a version was marked as entered in error, by whom and why. The patient is a target
    besides, so that this stands in the patient's compartment."""
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target}, {"reference": patient}],
        "recorded": at,
        "reason": [{"text": reason}],
        "activity": {"coding": [{"system": _OPERATION, "code": "NULLIFY", "display": "nullify"}]},
        "agent": [
            {
                "type": {"coding": [{"system": _AGENT, "code": "author", "display": "Author"}]},
                "who": who,
            }
        ],
    }


def reason_of(tree: Tree) -> str:
    """Why something was marked as entered in error; empty for any other Provenance."""
    coding = tree.get("activity", {}).get("coding", ())
    if not any(c.get("code") == "NULLIFY" for c in coding):
        return ""
    return " ".join(str(one.get("text", "")) for one in tree.get("reason", ()))
