"""Profiles that R4 requires without being claimed: vital signs by their LOINC code (10.1.2)."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.fhir.fhirpath import Node

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_LOINC = "http://loinc.org"
_VITAL_SIGNS = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
    "8480-6": "bp",
    "8462-4": "bp",
}
"""LOINC code -> the profile that its observations conform to (the table of vital signs)."""


def implied(node: Node) -> str | None:
    """The profile that a resource has to conform to by what it is."""
    code = node.value.get("code") if node.type == "Observation" else None
    coding = code.get("coding") if isinstance(code, dict) else None
    rows = coding if isinstance(coding, list) else ()
    return vital_sign((c.get("system"), c.get("code")) for c in rows if isinstance(c, dict))


def vital_sign(codes: Iterable[tuple[object, object]]) -> str | None:
    """The profile of an observation with these systems and codes."""
    for system, code in codes:
        if system == _LOINC and isinstance(code, str) and code in _VITAL_SIGNS:
            return _CORE + _VITAL_SIGNS[code]
    return None
