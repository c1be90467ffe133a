"""Molar masses as a value: read from ConceptMaps, checked, one set laid over another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from careplane.fhir import ucum
from careplane.fhir.analytes.concept_map import TARGET, UCUM, concept_map
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue

MAX_ELEMENTS: Final = 20_000
"""Codes of one ConceptMap."""
_GRAMS: Final = (("g", 1),)  # a mole is a number to UCUM
_LEAST, _MOST = ucum.parse("mg/mol").factor, ucum.parse("10*9.g/mol").factor
_NONE: Final = ("unmatched", "disjoint")

Code = tuple[str, str]


class Masses(Struct, frozen=True):
    """By system and code, how many grams one molecule weighs; None where it shall not be known."""

    grams: Mapping[Code, float | None] = {}

    def over(self, others: Masses) -> Masses:
        """These, and those of `others` for all other codes."""
        return Masses({**others.grams, **self.grams}) if self.grams else others


@lru_cache(maxsize=1)
def built_in() -> Masses:
    """What comes with Careplane."""
    return masses_in(concept_map())


def masses_in(tree: Tree) -> Masses:
    """What a ConceptMap says: nothing unless it is active and has the target of these. Raises
    Invalid with every element that is no molar mass."""
    if tree.get("status") != "active" or TARGET not in (
        tree.get("targetUri"),
        tree.get("targetCanonical"),
    ):
        return Masses()
    found: dict[Code, float | None] = {}
    issues: list[Issue] = []
    for where, system, target, element in _elements(tree):
        if len(found) >= MAX_ELEMENTS:
            text = f"A map of molar masses has {MAX_ELEMENTS} codes at most."
            raise Invalid(text, issues=(Issue("error", "too-long", text, "ConceptMap.group"),))
        code = element.get("code")
        mass = _mass(element, target)
        if not system or not code or isinstance(mass, str):
            text = mass if isinstance(mass, str) else "A molar mass needs a system and a code."
            issues.append(Issue("error", "value", text, where))
        else:
            found[system, code] = mass
    if issues:
        raise Invalid("This is no map of molar masses", issues=tuple(issues[:100]))
    return Masses(found)


def _elements(tree: Any) -> Iterator[tuple[str, str | None, str | None, Any]]:
    for n, group in enumerate(tree.get("group") or ()):
        for m, element in enumerate(group.get("element") or ()):
            where = f"ConceptMap.group[{n}].element[{m}]"
            yield where, group.get("source"), group.get("target"), element


def _mass(element: Any, system: str | None) -> float | str | None:
    """Grams of one molecule, or what is wrong."""
    targets = element.get("target") or []
    if len(targets) != 1:
        return "A molar mass is one target: a mass a mole, such as 180156.mg/mol."
    code = targets[0].get("code")
    if targets[0].get("equivalence") in _NONE and not code:
        return None
    if system != UCUM or not code:
        return f"The target of a molar mass is a unit of {UCUM}, such as 180156.mg/mol."
    try:
        unit = ucum.parse(code)
    except ucum.NotAUnit as error:
        return error.text
    if unit.special or unit.dimension != _GRAMS or not _LEAST <= unit.factor <= _MOST:
        return "This unit is not a mass a mole, such as 180156.mg/mol."
    return float(unit.factor)
