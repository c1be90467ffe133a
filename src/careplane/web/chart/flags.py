"""Flags of results: what a code of ObservationInterpretation says, never by colour alone.

The value set is HL7 v3 ObservationInterpretation; where a result has none, its own reference range
speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.fhir.tree import Tree


@dataclass(frozen=True, slots=True)
class Flag:
    """A word, a sign and how grave it is: 0 normal, 1 abnormal, 2 critical."""

    code: str
    word: str
    sign: str
    gravity: int


NORMAL = Flag("N", "Normal", "", 0)
FLAGS: dict[str, Flag] = {
    flag.code: flag
    for flag in (
        NORMAL,
        Flag("L", "Low", "▼", 1),
        Flag("H", "High", "▲", 1),
        Flag("LL", "Critical low", "▼▼", 2),
        Flag("HH", "Critical high", "▲▲", 2),
        Flag("A", "Abnormal", "◆", 1),
        Flag("AA", "Critical", "◆◆", 2),
        Flag("<", "Below scale", "▼", 1),
        Flag(">", "Above scale", "▲", 1),
        Flag("LU", "Very low", "▼▼", 2),
        Flag("HU", "Very high", "▲▲", 2),
        Flag("POS", "Positive", "◆", 1),
        Flag("NEG", "Negative", "", 0),
        Flag("DET", "Detected", "◆", 1),
        Flag("ND", "Not detected", "", 0),
        Flag("R", "Resistant", "◆", 1),
        Flag("S", "Susceptible", "", 0),
        Flag("I", "Intermediate", "◆", 1),
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
