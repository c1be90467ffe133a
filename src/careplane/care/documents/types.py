"""What documents a person may put into a record: their types and classes in LOINC.

The classes are those of the value set `document-classcodes` of R4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careplane.fhir.tree import Tree

LOINC = "http://loinc.org"
_CLASSES = {
    "47049-2": "Communication",
    "34109-9": "Evaluation and management note",
    "26436-6": "Laboratory Studies (set)",
    "18748-4": "Diagnostic imaging study",
    "28634-4": "Miscellaneous studies (set)",
    "57133-1": "Referral note",
}


@dataclass(frozen=True, slots=True)
class Type:
    """`code` and `title` of LOINC, without a code where LOINC has none that fits; `of` is the
    class."""

    key: str
    code: str
    title: str
    of: str = ""

    def concept(self) -> Tree:
        """As DocumentReference.type."""
        if not self.code:
            return {"text": self.title}
        coding = {"system": LOINC, "code": self.code, "display": self.title}
        return {"coding": [coding], "text": self.title}

    def category(self) -> list[Any]:
        """As DocumentReference.category."""
        if not self.of:
            return []
        return [{"coding": [{"system": LOINC, "code": self.of, "display": _CLASSES[self.of]}]}]


TYPES: dict[str, Type] = {
    one.key: one
    for one in (
        Type("letter", "51852-2", "Letter", "47049-2"),
        Type("consultation", "11488-4", "Consult note", "34109-9"),
        Type("discharge", "18842-5", "Discharge summary", "34109-9"),
        Type("referral", "57133-1", "Referral note", "57133-1"),
        Type("laboratory", "11502-2", "Laboratory report", "26436-6"),
        Type("imaging", "18748-4", "Diagnostic imaging study", "18748-4"),
        Type("photograph", "72170-4", "Photographic image", "28634-4"),
        Type("recording", "", "Sound or film"),
        Type("consent", "59284-0", "Consent Document"),
        Type("directive", "42348-3", "Advance directive"),
        Type("insurance", "64290-0", "Health insurance card"),
        Type("other", "", "Other document"),
    )
}
