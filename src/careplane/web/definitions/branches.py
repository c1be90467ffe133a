"""The hierarchy of a code system, as far as somebody has opened it.

A page shows a bounded part, however large the code system is: children are asked for where a node
is open, and shown up to a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.terminology.concepts import Concept, Concepts, Filter, Selection

MOST_OPEN = 30
CHILDREN = 100
_NODES = 1_000
_ROOTS = (Filter("parent", "exists", "false"),)


@dataclass(frozen=True, slots=True)
class Branch:
    """A concept in the tree. `place` names it on the page, and stays as long as those around it do;
    `more` are the children that are not shown."""

    place: str
    concept: Concept
    below: int = 0
    is_open: bool = False
    branches: tuple[Branch, ...] = ()

    @property
    def more(self) -> int:
        return self.below - len(self.branches) if self.is_open else 0


async def roots(concepts: Concepts, after: str, limit: int, *, inactive: bool) -> Sequence[Concept]:
    """Concepts without a parent, some at a time. Inactive ones only where they are asked for: in
    SNOMED CT each of these stands by itself."""
    selection = Selection(_ROOTS, active_only=not inactive)
    return await concepts.select(selection, after=after, limit=limit)


async def branches(
    concepts: Concepts, listed: Sequence[Concept], opened: frozenset[str]
) -> tuple[Branch, ...]:
    """The tree below some concepts, where it is open."""
    return await _Growing(concepts, opened).grow(listed, "t", frozenset())


class _Growing:
    def __init__(self, concepts: Concepts, opened: frozenset[str]) -> None:
        self._concepts = concepts
        self._opened = opened
        self._left = _NODES

    async def grow(
        self, listed: Sequence[Concept], place: str, above: frozenset[str]
    ) -> tuple[Branch, ...]:
        shown = listed[: self._left]
        self._left -= len(shown)
        found = [
            await self._branch(concept, f"{place}-{number}", above)
            for number, concept in enumerate(shown, 1)
        ]
        return tuple(found)

    async def _branch(self, concept: Concept, place: str, above: frozenset[str]) -> Branch:
        code = concept.code
        children = await self._concepts.children(code)
        if code not in self._opened or code in above or not children:
            return Branch(place, concept, len(children))
        shown = children[: min(CHILDREN, self._left)]
        known = await self._concepts.many(shown)
        listed = [known[child] for child in shown if child in known]
        branches = await self.grow(listed, place, above | {code})
        return Branch(place, concept, len(children), True, branches)
