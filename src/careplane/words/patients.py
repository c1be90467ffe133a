"""In which language a patient wants to be spoken to (R4 Patient.communication)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from careplane.words.languages import SOURCE, known


def language_of(patient: Mapping[str, Any]) -> str:
    """The first language that is spoken here, the preferred one first; else the source."""
    said = sorted(patient.get("communication", ()), key=lambda one: not one.get("preferred"))
    codes = (
        str(coding.get("code", ""))
        for one in said
        for coding in one.get("language", {}).get("coding", ())
    )
    return next(filter(None, map(known, codes)), SOURCE)
