"""Flags of results: what a code of ObservationInterpretation says, never by colour alone.

The value set is HL7 v3 ObservationInterpretation; where a result has none, its own reference range
speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark


@dataclass(frozen=True, slots=True)
class Flag:
    """A word, a sign and how grave it is: 0 normal, 1 abnormal, 2 critical."""

    code: str
    word: str
    sign: str
    gravity: int


NORMAL = Flag("N", mark("Normal"), "", 0)
FLAGS: dict[str, Flag] = {
    flag.code: flag
    for flag in (
        NORMAL,
        Flag("L", mark("Low"), "▼", 1),
        Flag("H", mark("High"), "▲", 1),
        Flag("LL", mark("Critical low"), "▼▼", 2),
        Flag("HH", mark("Critical high"), "▲▲", 2),
        Flag("A", mark("Abnormal"), "◆", 1),
        Flag("AA", mark("Critical"), "◆◆", 2),
        Flag("<", mark("Below scale"), "▼", 1),
        Flag(">", mark("Above scale"), "▲", 1),
        Flag("LU", mark("Very low"), "▼▼", 2),
        Flag("HU", mark("Very high"), "▲▲", 2),
        Flag("POS", mark("Positive"), "◆", 1),
        Flag("NEG", mark("Negative"), "", 0),
        Flag("DET", mark("Detected"), "◆", 1),
        Flag("ND", mark("Not detected"), "", 0),
        Flag("R", mark("Resistant"), "◆", 1),
        Flag("S", mark("Susceptible"), "", 0),
        Flag("I", mark("Intermediate"), "◆", 1),
    )
}


def flag_of(tree: Tree, number: float | None, low: float | None, high: float | None) -> Flag | None:
    """The gravest flag that a result (or component) carries, else what its range says."""
    codes = (
        coding.get("code", "")
        for concept in tree.get("interpretation", ())
        for coding in concept.get("coding", ())
    )
    flags = [FLAGS[code] for code in codes if code in FLAGS]
    if flags:
        return max(flags, key=lambda flag: flag.gravity)
    if number is None or (low is None and high is None):
        return None
    if low is not None and number < low:
        return FLAGS["L"]
    return FLAGS["H"] if high is not None and number > high else NORMAL
