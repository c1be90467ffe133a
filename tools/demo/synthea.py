"""Reads one Synthea bundle and trims it to a chart that a person can read.

Bulk goes (claims, screens that repeat, what is long past); narrative and server tags go;
identifiers become plainly synthetic; numbers get the digits that a laboratory would print.
"""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from careplane.app.demo import ANCHOR
from tools.demo.cast import MEASURED, Part
from tools.demo.hospital import HOSPITAL
from tools.demo.mend import mend
from tools.demo.ranges import digits, judge
from tools.demo.shapes import HL7, Tree, ref

MRN_SYSTEM = "https://demo.careplane.example/mrn"
KEPT = {
    "Patient", "Encounter", "Condition", "Observation", "DiagnosticReport", "Immunization",
    "MedicationRequest", "Procedure", "CarePlan", "Goal", "AllergyIntolerance", "ImagingStudy",
}  # fmt: skip
LASTING = {"Patient", "Condition", "Immunization", "AllergyIntolerance"}
UNWANTED = {
    "76690-7", "55277-8", "28245-9", "71802-3", "63513-6", "46240-8",  # social questionnaire
    "32207-3", "32623-1", "21000-5", "10834-0",  # units that Synthea gets wrong
}  # fmt: skip
REPEATED = {"428191000124101", "171207006"}  # documentation and screening at every visit
_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)")


def read(folder: Path, part: Part, number: int) -> list[Tree]:
    """The patient's resources, the Patient first, with references by id."""
    (path,) = sorted(folder.glob(f"{part.base}_*.json.gz"))
    bundle = json.loads(gzip.decompress(path.read_bytes()), parse_float=Decimal)
    trees = [entry["resource"] for entry in bundle["entry"]]
    kept = [tree for tree in trees if _wanted(tree, part)]
    targets = _targets(kept, part)
    out = []
    for tree in kept:
        cleaned = _clean(tree, targets)
        assert isinstance(cleaned, dict)
        cleaned["id"] = targets["urn:uuid:" + tree["id"]].partition("/")[2]
        out.append(_finish(cleaned, part, number))
    return out


def _wanted(tree: Tree, part: Part) -> bool:
    kind = tree["resourceType"]
    if kind not in KEPT or (kind in part.without):
        return False
    code = tree.get("code", {}).get("coding", [{}])[0].get("code", "")
    if code in UNWANTED or code in REPEATED or code in MEASURED.get(part.role, ()):
        return False
    active = tree.get("status") == "active" or kind == "Goal"
    return kind in LASTING or active or _day_of(tree) >= f"{ANCHOR.year - part.years}"


def _day_of(tree: Tree) -> str:
    for name in ("effectiveDateTime", "authoredOn", "started", "occurrenceDateTime"):
        if name in tree:
            return str(tree[name])
    for name in ("period", "performedPeriod"):
        if name in tree:
            return str(tree[name]["start"])
    return ""


def _targets(kept: list[Tree], part: Part) -> dict[str, str]:
    """Full URL in the Synthea bundle → literal reference here."""
    out = {}
    for tree in kept:
        kind = tree["resourceType"]
        out["urn:uuid:" + tree["id"]] = f"{kind}/{part.id if kind == 'Patient' else tree['id']}"
    return out


def _clean(value: Any, targets: dict[str, str]) -> Any:
    """References rewritten or dropped, times moved into office hours, empties dropped."""
    if isinstance(value, dict):
        if "reference" in value:
            target = targets.get(value["reference"])
            return {**value, "reference": target} if target else None
        items = {k: _clean(v, targets) for k, v in value.items() if k not in ("text", "meta")}
        if isinstance(value.get("text"), str):
            items["text"] = value["text"]
        return {k: v for k, v in items.items() if v not in (None, [], {})} or None
    if isinstance(value, list):
        return [v for v in (_clean(item, targets) for item in value) if v not in (None, {}, [])]
    if isinstance(value, str):
        return _TIME.sub(_office_hours, value.replace("\u200b", ""))
    return value


def _office_hours(match: re.Match[str]) -> str:
    """Squeeze the day into 08:00-17:00, order kept; Synthea's people visit at night."""
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4])
    minutes = 8 * 60 + seconds * 9 // (24 * 60)
    return f"{match[1]}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds * 9 // 24 % 60:02d}"


def _finish(tree: Tree, part: Part, number: int) -> Tree:
    finish = {"Patient": _patient, "Observation": _observation, "Encounter": _encounter}
    kind = tree["resourceType"]
    if kind in finish:
        tree = finish[kind](tree, part, number)
    return mend(tree)


def _patient(tree: Tree, part: Part, number: int) -> Tree:
    for name in ("extension", "multipleBirthBoolean", "multipleBirthInteger", "maritalStatus"):
        tree.pop(name, None)
    tree["meta"] = {
        "security": [
            {"system": HL7 + "v3-ActReason", "code": "HTEST", "display": "test health data"}
        ]
    }
    tree["identifier"] = [
        {
            "use": "official",
            "type": {
                "coding": [
                    {"system": HL7 + "v2-0203", "code": "MR", "display": "Medical record number"}
                ]
            },
            "system": MRN_SYSTEM,
            "value": f"DEMO-{number:04d}",
        }
    ]
    tree["active"] = "deceasedDateTime" not in tree
    if part.names:
        tree["name"] = list(part.names)
    if part.language:
        language = {"system": "urn:ietf:bcp:47", "code": part.language}
        tree["communication"] = [{"language": {"coding": [language]}, "preferred": True}]
    for address in tree.get("address", []):
        address.pop("extension", None)
    tree["managingOrganization"] = ref("Organization", HOSPITAL, "Demo Hospital")
    return tree


def _encounter(tree: Tree, part: Part, number: int) -> Tree:
    tree["serviceProvider"] = ref("Organization", HOSPITAL, "Demo Hospital")
    doctor = "demo-paediatrician" if part.role == "child" else "demo-family-doctor"
    tree["participant"] = [{"individual": ref("Practitioner", doctor)}]
    return tree


def _observation(tree: Tree, part: Part, number: int) -> Tree:
    for piece in (tree, *tree.get("component", ())):
        code = piece["code"]["coding"][0]["code"]
        if "valueQuantity" in piece:
            exact = Decimal(piece["valueQuantity"]["value"])
            piece["valueQuantity"]["value"] = round(exact, digits(code))
            if part.role != "child":
                judge(piece, code)
    if part.role != "child" and "valueQuantity" in tree:
        judge(tree, tree["code"]["coding"][0]["code"])
    return tree
