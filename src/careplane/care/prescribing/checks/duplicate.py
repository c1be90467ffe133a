"""Duplicate therapy: the same medicine, its ingredient, or its group, in use already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from careplane.care.prescribing.checks import ingredients as known
from careplane.care.prescribing.checks.port import (
    Asked,
    Finding,
    Kind,
    medication_of,
    named,
    place,
)
from careplane.fhir.tree import Tree

SAME: Final = "The patient already takes this: %(medicine)s."
GROUP: Final = "The patient already takes a medicine of the same group (%(group)s): %(medicine)s."
_SUBGROUP: Final = 5
"""Characters of an ATC code that name a chemical subgroup."""


async def duplicate(asked: Asked) -> Sequence[Finding]:
    """One finding for each medicine in use that is the same, or of the same group."""
    concepts = [medication_of(tree) for tree in asked.medicines]
    ups = await asked.meaning.within([(asked.medication, concept) for concept in concepts])
    downs = await asked.meaning.within([(concept, asked.medication) for concept in concepts])
    rows = zip(asked.medicines, concepts, ups, downs, strict=True)
    found = (_one(asked.medication, tree, concept, up or down) for tree, concept, up, down in rows)
    return [finding for finding in found if finding]


def _one(medication: Tree, tree: Tree, concept: Tree, is_related: bool) -> Finding | None:
    facts = {"medicine": named(concept), "group": ""}
    shared = known.ingredients(medication) & known.ingredients(concept)
    both = known.salient(medication), known.salient(concept)
    if is_related or shared or (both[0] and both[0] == both[1]):
        return _finding(tree, SAME, facts, "moderate")
    groups = known.therapeutic(known.ingredients(medication)) & known.therapeutic(
        known.ingredients(concept)
    )
    codes = {code[:_SUBGROUP] for code in known.atc(medication)}
    groups |= codes & {code[:_SUBGROUP] for code in known.atc(concept)}
    if groups:
        return _finding(tree, GROUP, {**facts, "group": min(groups)}, "moderate")
    return None


def _finding(tree: Tree, says: str, facts: dict[str, str], severity: str) -> Finding:
    key = f"duplicate-{tree['id']}"
    return Finding(Kind.DUPLICATE, severity, key, says, facts, "record", (place(tree),))
