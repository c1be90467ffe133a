"""What code systems with a grammar have in common: a code is read, not looked up, and there is no
hierarchy. What can be listed are the codes of a value set that R4 has for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from careplane.fhir.definitions import core
from careplane.fhir.tree import Tree
from careplane.terminology.concepts import About, Concept, Filter, Selection
from careplane.terminology.filters import Test, test_of
from careplane.terminology.words import asked, found_in

Read = Callable[[str, Tree], Concept | None]
"""A concept from its code, and from how the value set lists it (empty where it does not)."""
_LONGEST = 1000
"""Characters of a code."""


class Grammar:
    """`Concepts` of a code system with a grammar; `filters` makes tests of filters that only it
    has."""

    def __init__(
        self, about: About, read: Read, filters: Callable[[Filter], Test | None] | None = None
    ) -> None:
        self._about = about
        self._read = read
        self._filters = filters

    @property
    def about(self) -> About:
        return self._about

    async def find(self, code: str) -> Concept | None:
        return self._find(code)

    async def many(self, codes: Sequence[str]) -> dict[str, Concept]:
        found = ((code, self._find(code)) for code in codes)
        return {code: concept for code, concept in found if concept is not None}

    async def children(self, code: str) -> Sequence[str]:
        return ()

    async def ancestors(self, code: str) -> Sequence[str]:
        return ()

    async def is_a(self, code: str, of: str) -> bool:
        return code == of and self._find(code) is not None

    async def meets(self, code: str, filters: Sequence[Filter]) -> bool:
        concept = self._find(code)
        tests = [self._test(one) for one in filters]
        return concept is not None and all(test(concept) for test in tests)

    async def select(
        self, selection: Selection, *, after: str = "", skip: int = 0, limit: int = 1000
    ) -> Sequence[Concept]:
        found = list(self._selected(selection))
        places = {concept.code: place for place, concept in enumerate(found)}
        begin = places.get(after, -1) + 1 + skip
        return found[begin : begin + limit]

    async def count(self, selection: Selection) -> int:
        return sum(1 for _ in self._selected(selection))

    def above(self, code: str) -> frozenset[str]:
        """As `filters.Hierarchy`: there is none."""
        return frozenset()

    def below(self, code: str) -> frozenset[str]:
        """As `filters.Hierarchy`."""
        return frozenset()

    def right_below(self, code: str) -> tuple[str, ...]:
        """As `filters.Hierarchy`."""
        return ()

    def has_property(self, code: str) -> bool:
        """As `filters.Hierarchy`."""
        return code in ("display", "definition", "inactive")

    def _find(self, code: str) -> Concept | None:
        return self._read(code, self._listed.get(code, {})) if len(code) <= _LONGEST else None

    def _test(self, filter: Filter) -> Test:
        made = self._filters(filter) if self._filters else None
        return made or test_of(filter, self)

    def _selected(self, selection: Selection) -> Iterator[Concept]:
        tests = [self._test(one) for one in selection.filters]
        wanted = asked(selection.text)
        for code in self._listed:
            concept = self._find(code)
            if concept is None or not all(test(concept) for test in tests):
                continue
            names = (concept.display, *(d.value for d in concept.designations))
            if not wanted or found_in(wanted, names):
                yield concept

    @cached_property
    def _listed(self) -> dict[str, Tree]:
        tree = core.artifact("ValueSet", self.about.listed_by) or {}
        return {
            concept["code"]: concept
            for include in tree.get("compose", {}).get("include", ())
            for concept in include.get("concept", ())
        }
