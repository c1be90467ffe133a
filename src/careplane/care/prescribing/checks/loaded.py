"""Interactions that an institution has loaded: MedicinalProductInteraction (R4 18.9).

Its `subject` names the Medications that act on each other, or one of them while `interactant` names
the other by code. A Medication stands for every medicine that has its code, or a code below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from careplane.care import asking
from careplane.care.prescribing.checks.port import (
    Asked,
    Finding,
    Kind,
    medication_of,
    named,
    place,
)
from careplane.fhir.tree import Tree
from careplane.records.door import Door

SAYS: Final = "Acts together with %(medicine)s: %(effect)s"
_MOST: Final = 200
_SEVERITIES: Final = {"high": "high", "severe": "high", "major": "high", "contraindicated": "high",
                      "moderate": "moderate", "low": "low", "minor": "low"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loaded:
    """Over the door: what is loaded is read as the caller."""

    door: Door

    async def __call__(self, asked: Asked) -> Sequence[Finding]:
        """One finding for each pair of an interaction and a medicine in use."""
        theirs = [(tree, medication_of(tree)) for tree in asked.medicines]
        codes = list(dict.fromkeys(_codes([asked.medication, *(c for _, c in theirs)])))
        if not codes or not theirs:
            return []
        pairs = [("subject:Medication.code", ",".join(codes[:_MOST])), ("_count", str(_MOST))]
        (found,) = await asking.several(
            self.door, asked.caller, ("MedicinalProductInteraction", pairs)
        )
        parties = await self._parties(asked, found)
        return [finding for tree in found for finding in
                await _findings(asked, tree, parties[tree["id"]], theirs)]  # fmt: skip

    async def _parties(self, asked: Asked, found: Sequence[Tree]) -> dict[str, list[Tree]]:
        """The concepts that each interaction is between."""
        references = {
            str(reference.get("reference", ""))
            for tree in found
            for reference in (*tree.get("subject", ()), *_items(tree))
        }
        ids = sorted(r.partition("/")[2] for r in references if r.startswith("Medication/"))
        (read,) = await asking.several(self.door, asked.caller, (
            "Medication", [("_id", ",".join(ids[:_MOST])), ("_count", str(_MOST))],
        )) if ids else ([],)  # fmt: skip
        codes = {f"Medication/{tree['id']}": tree.get("code", {}) for tree in read}
        return {
            tree["id"]: [
                *(codes.get(str(r.get("reference", "")), {})
                  for r in (*tree.get("subject", ()), *_items(tree))),
                *(i["itemCodeableConcept"] for i in tree.get("interactant", ())
                  if "itemCodeableConcept" in i),
            ]
            for tree in found
        }  # fmt: skip


async def _findings(
    asked: Asked, tree: Tree, parties: Sequence[Tree], theirs: Sequence[tuple[Tree, Tree]]
) -> list[Finding]:
    concepts = [asked.medication, *(concept for _, concept in theirs)]
    pairs = [(concept, party) for concept in concepts for party in parties]
    told = await asked.meaning.within(pairs)
    size = len(parties)
    rows = [{i for i in range(size) if told[at * size + i]} for at in range(len(concepts))]
    mine, found = rows[0], []
    for (other, concept), others in zip(theirs, rows[1:], strict=True):
        if any(a != b for a in mine for b in others):
            facts = {"medicine": named(concept), "effect": _effect(tree)}
            key = f"loaded-{tree['id']}-{other['id']}"
            found.append(
                Finding(Kind.INTERACTION, _severity(tree), key, SAYS, facts,
                        f"MedicinalProductInteraction/{tree['id']}", (place(other),),
                        (f"MedicinalProductInteraction/{tree['id']}",))
            )  # fmt: skip
    return found


def _items(tree: Tree) -> list[Tree]:
    return [i["itemReference"] for i in tree.get("interactant", ()) if "itemReference" in i]


def _effect(tree: Tree) -> str:
    said = (str(tree.get("description", "")), named(tree.get("effect", {})),
            named(tree.get("management", {})))  # fmt: skip
    return " ".join(text for text in said if text)[:600]


def _severity(tree: Tree) -> str:
    """By the words of its type or incidence; moderate where they do not say."""
    said = f"{named(tree.get('type', {}))} {named(tree.get('incidence', {}))}".casefold()
    return next((level for word, level in _SEVERITIES.items() if word in said), "moderate")


def _codes(concepts: Sequence[Tree]) -> Iterator[str]:
    for concept in concepts:
        for coding in concept.get("coding", ()):
            code, system = str(coding.get("code", "")), str(coding.get("system", ""))
            if code and not set(code + system) & set("|,$\\"):
                yield f"{system}|{code}"
