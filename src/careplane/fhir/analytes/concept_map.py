"""The built-in molar masses as a ConceptMap, for whoever translates, reads or extends them."""

from __future__ import annotations

from typing import Any, Final

from careplane.fhir.analytes.table import ANALYTES
from careplane.fhir.tree import Tree

_OURS: Final = "https://github.com/careplane/careplane"
URL: Final = f"{_OURS}/ConceptMap/molar-masses"
TARGET: Final = f"{_OURS}/ValueSet/molar-masses"
"""What a ConceptMap names as its `target` (targetUri or targetCanonical) to be one of these."""
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"


def concept_map() -> Tree:
    """A new tree of the ConceptMap."""
    return {
        "resourceType": "ConceptMap",
        "id": "molar-masses",
        "url": URL,
        "name": "MolarMasses",
        "title": "What a mole of common analytes weighs",
        "status": "active",
        "copyright": "This material contains content from LOINC (http://loinc.org).",
        "targetUri": TARGET,
        "group": [{"source": LOINC, "target": UCUM, "element": _elements()}],
    }


def _elements() -> list[Any]:
    return [
        {
            "code": code,
            "target": [
                {
                    "code": f"{mass}.mg/mol",
                    "display": f"{mass / 1000:g} g/mol",
                    "equivalence": "relatedto",
                    "comment": name,
                }
            ],
        }
        for name, mass, codes in ANALYTES
        for code in codes.split()
    ]
