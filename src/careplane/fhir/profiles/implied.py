"""Profiles that R4 requires without being claimed: vital signs by their LOINC code (10.1.2)."""

from __future__ import annotations

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
    for one in coding if isinstance(coding, list) else ():
        if isinstance(one, dict) and one.get("system") == _LOINC:
            name = _VITAL_SIGNS.get(str(one.get("code")))
            if name is not None:
                return _CORE + name
    return None
