"""What a summary says beside what is recorded, in the language of its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from careplane.fhir import lines
from careplane.fhir.lines import Line
from careplane.fhir.tree import Tree
from careplane.words import codes
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

_CRITICALITY: Final = {
    "low": mark("Low risk"),
    "high": mark("High risk"),
    "unable-to-assess": mark("Risk cannot be assessed"),
}


def allergy(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an AllergyIntolerance."""
    risk = tree.get("criticality")
    whole = lines.allergy(reference, {**tree, "criticality": None}, names)
    told = _(_CRITICALITY.get(str(risk), ""))
    return replace(whole, detail="; ".join(filter(None, (told, whole.detail))))


def immunization(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an Immunization."""
    given = [
        one.get("doseNumberPositiveInt") or one.get("doseNumberString")
        for one in tree.get("protocolApplied", ())
    ]
    dose = next(filter(None, given), None)
    lot = tree.get("lotNumber")
    told = (
        sentence(mark("Dose %(number)s"), number=str(dose)) if dose else "",
        sentence(mark("Lot %(number)s"), number=str(lot)) if lot else "",
    )
    line = lines.immunization(reference, {**tree, "protocolApplied": [], "lotNumber": None}, names)
    return replace(line, detail="; ".join(filter(None, told)))


def sentence(text: str, **values: str) -> str:
    """A sentence with values as they are: narratives have no signs that isolate them."""
    return _(text) % values


def status(text: str) -> str:
    """The codes of a status, each in words; what is no code is left as it is."""
    return " ".join(codes.said(one.lower()) or one for one in text.split(" "))
