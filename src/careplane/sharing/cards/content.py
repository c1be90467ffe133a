"""What stands in a card: as little as proves it ("Data Minimization"). Pure.

Resources are called `resource:0`, `resource:1` and so on, the patient first; ids, texts and
displays are left out, but where there is no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from careplane.fhir.tree import Tree

CLAIMS = ("name", "birthDate")
"""Of the Patient, unless others are asked for."""
IDENTITY = ("name", "birthDate", "gender", "telecom", "address", "identifier")
"""What may be asked for."""
_IMMUNIZATION = ("status", "vaccineCode", "occurrenceDateTime", "occurrenceString", "lotNumber",
                 "isSubpotent")  # fmt: skip
_OBSERVATION = ("status", "category", "code", "effectiveDateTime", "effectivePeriod",
                "effectiveInstant", "valueQuantity", "valueCodeableConcept", "valueString",
                "valueBoolean", "valueInteger", "valueRange", "valueRatio", "interpretation",
                "referenceRange")  # fmt: skip
_KEPT = {"Immunization": ("patient", _IMMUNIZATION), "Observation": ("subject", _OBSERVATION)}
_SUBJECT: Tree = {"reference": "resource:0"}


def collection(
    patient: Tree, resources: Sequence[Tree], performers: Mapping[str, str], claims: Sequence[str]
) -> Tree:
    """The Bundle of a card. `performers` are names by reference."""
    person = {"resourceType": "Patient", **_some(patient, claims)}
    all = [person, *(_lessened(tree, performers) for tree in resources)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"resource:{n}", "resource": one} for n, one in enumerate(all)],
    }


def performer_of(tree: Tree) -> str:
    """The reference to who did it; empty where it is not said."""
    for one in tree.get("performer", []):
        return str(one.get("actor", one).get("reference", ""))
    return ""


def _lessened(tree: Tree, performers: Mapping[str, str]) -> Tree:
    subject, kept = _KEPT[tree["resourceType"]]
    made = {"resourceType": tree["resourceType"], **_some(tree, kept), subject: _SUBJECT}
    labels = tree.get("meta", {}).get("security")
    if labels:
        made["meta"] = {"security": _bare(labels)}
    name = performers.get(performer_of(tree))
    if name:
        who = {"display": name}
        made["performer"] = [{"actor": who} if subject == "patient" else who]
    return made


def _some(tree: Tree, names: Sequence[str]) -> Tree:
    return {name: _bare(tree[name]) for name in names if name in tree}


def _bare(value: Any) -> Any:
    """Without ids, displays of codes, and texts beside codes."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if not isinstance(value, dict):
        return value
    coded = any("code" in one for one in value.get("coding", ()) if isinstance(one, dict))
    left = {"id", *(("text",) if coded else ()), *(("display",) if "code" in value else ())}
    return {name: _bare(one) for name, one in value.items() if name not in left}
