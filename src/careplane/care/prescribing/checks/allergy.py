"""Allergies: by code, by what codes mean, by ingredient and class, and by name at last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from careplane.care.prescribing.checks import ingredients as known
from careplane.care.prescribing.checks.port import Asked, Finding, Kind, named, place
from careplane.fhir.tree import Tree

SAME: Final = "The patient is recorded as allergic to this: %(allergy)s."
CLASS: Final = (
    "The patient is recorded as allergic: %(allergy)s. This medicine is of that group: %(group)s."
)
CROSS: Final = (
    "The patient is recorded as allergic: %(allergy)s. Those who are may react to this group, too: "
    "%(group)s."
)


async def allergy(asked: Asked) -> Sequence[Finding]:
    """One finding for each allergy that bears on the medicine, by its strongest ground."""
    concepts = [(tree, concept) for tree in asked.allergies for concept in _concepts(tree)]
    below = await asked.meaning.within([(asked.medication, concept) for _, concept in concepts])
    found: dict[str, Finding] = {}
    for (tree, concept), is_below in zip(concepts, below, strict=True):
        finding = _one(asked.medication, tree, concept, is_below)
        if finding and finding.key not in found:
            found[finding.key] = finding
    return list(found.values())


def _one(medication: Tree, tree: Tree, concept: Tree, is_below: bool) -> Finding | None:
    names = known.ingredients(medication)
    against = known.ingredients(concept)
    groups, others = known.therapeutic(names), known.therapeutic(against)
    if is_below or names & against:
        return _finding(tree, SAME, "")
    # Somebody allergic to one penicillin is so to all; to aspirin alone, to all of its group.
    if shared := groups & others:
        return _finding(tree, CLASS, min(shared))
    crossing = frozenset().union(*map(known.crossing, others))
    if shared := groups & crossing:
        return _finding(tree, CROSS, min(shared), "moderate")
    if known.salient(medication) & known.salient(concept):
        return _finding(tree, SAME, "")
    return None


def _concepts(tree: Tree) -> list[Tree]:
    substances = (r["substance"] for r in tree.get("reaction", ()) if "substance" in r)
    return [concept for concept in (tree.get("code", {}), *substances) if concept]


def _finding(tree: Tree, says: str, group: str, severity: str = "high") -> Finding:
    facts = {"allergy": named(tree.get("code", {})), "group": group}
    key = f"allergy-{tree['id']}"
    return Finding(Kind.ALLERGY, severity, key, says, facts, "record", (place(tree),))
