"""Interactions that are known without anything loaded: a short list of well-known ones."""

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

SAYS: Final = "Acts together with %(medicine)s: %(effect)s"
SOURCE: Final = "built-in"


async def interaction(asked: Asked) -> Sequence[Finding]:
    """The gravest for each medicine in use."""
    mine = _names(asked.medication)
    found = []
    for tree in asked.medicines:
        concept = medication_of(tree)
        theirs = _names(concept)
        hits = [pair for pair in known.pairs()
                if (pair.one in mine and pair.other in theirs)
                or (pair.other in mine and pair.one in theirs)]  # fmt: skip
        if hits:
            worst = min(hits, key=lambda pair: pair.severity != "high")
            facts = {"medicine": named(concept), "effect": worst.effect}
            key = f"interaction-{tree['id']}"
            found.append(
                Finding(Kind.INTERACTION, worst.severity, key, SAYS, facts, SOURCE, (place(tree),))
            )
    return found


def _names(concept: Tree) -> frozenset[str]:
    names = known.ingredients(concept)
    return names | known.classes(names)
