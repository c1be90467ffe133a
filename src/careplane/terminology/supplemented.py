"""A code system together with supplements: what these add stands beside what it says itself
(FHIR R4, 4.8.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from careplane.terminology.concepts import Concept, Concepts, Filter, Selection
from careplane.terminology.words import asked, found_in

_MOST = 5000
"""Concepts that are looked through for a text that only a supplement has."""


class Supplemented:
    """`Concepts` of a code system with supplements. Filters are those of the code system; a text is
    looked for in both."""

    def __init__(self, concepts: Concepts, supplements: Sequence[Concepts]) -> None:
        self._concepts = concepts
        self._supplements = tuple(supplements)
        declared = [supplement.about.properties for supplement in supplements]
        properties = dict(concepts.about.properties)
        for one in declared:
            properties = {**one, **properties}
        self.about = replace(concepts.about, properties=properties)

    async def find(self, code: str) -> Concept | None:
        found = await self._concepts.find(code)
        return None if found is None else await self._with(found)

    async def many(self, codes: Sequence[str]) -> dict[str, Concept]:
        found = await self._concepts.many(codes)
        return {code: await self._with(concept) for code, concept in found.items()}

    async def children(self, code: str) -> Sequence[str]:
        return await self._concepts.children(code)

    async def ancestors(self, code: str) -> Sequence[str]:
        return await self._concepts.ancestors(code)

    async def is_a(self, code: str, of: str) -> bool:
        return await self._concepts.is_a(code, of)

    async def meets(self, code: str, filters: Sequence[Filter]) -> bool:
        return await self._concepts.meets(code, filters)

    async def select(
        self, selection: Selection, *, after: str = "", skip: int = 0, limit: int = 1000
    ) -> Sequence[Concept]:
        if selection.text:
            found = await self._matching(selection, after)
            return found[skip : skip + limit]
        plain = await self._concepts.select(selection, after=after, skip=skip, limit=limit)
        return [await self._with(concept) for concept in plain]

    async def count(self, selection: Selection) -> int:
        if selection.text:
            return len(await self._matching(selection, ""))
        return await self._concepts.count(selection)

    async def _matching(self, selection: Selection, after: str) -> list[Concept]:
        wanted = asked(selection.text)
        without = replace(selection, text="")
        found = await self._concepts.select(without, after=after, limit=_MOST)
        both = [await self._with(concept) for concept in found]
        return [
            c for c in both if found_in(wanted, (c.display, *(d.value for d in c.designations)))
        ]

    async def _with(self, concept: Concept) -> Concept:
        for supplement in self._supplements:
            added = await supplement.find(concept.code)
            if added is not None:
                source = supplement.about.canonical
                concept = replace(
                    concept,
                    designations=(
                        *concept.designations,
                        *(replace(d, source=source) for d in added.designations),
                    ),
                    properties=(*concept.properties, *added.properties),
                    extension=(*concept.extension, *added.extension),
                )
        return concept
