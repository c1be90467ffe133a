"""`Concepts` (terminology.concepts) over the store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from careplane.kernel.errors import TooLarge
from careplane.search.fold import fold
from careplane.storage.ports.terminology import Held, TerminologyStore
from careplane.terminology.concepts import About, Concept, Filter, Selection
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.layout import Head
from careplane.terminology.stored.recent import Recent
from careplane.terminology.stored.selecting import Selecting, Special
from careplane.terminology.stored.shelf import Shelf

_CONCEPTS = 5_000
_NAMED = 100_000


class StoredConcepts:
    """The contents of one version of a large code system."""

    def __init__(
        self, store: TerminologyStore, held: Held, head: Head, about: About, special: Special
    ) -> None:
        self.about = about
        self._head = head
        self.shelf = Shelf(store, held, head, exact=about.case_sensitive)
        self._selecting = Selecting(self.shelf, frozenset(about.properties), special)
        self._recent: Recent[str, Concept] = Recent(_CONCEPTS)

    async def find(self, code: str) -> Concept | None:
        concept = self._recent.get(code)
        if concept is None:
            place = await self.shelf.place(code)
            if place is None:
                return None
            (concept,) = await self._concepts([place])
            self._recent.put(code, concept)
        return concept

    async def many(self, codes: Sequence[str]) -> dict[str, Concept]:
        places = await self.shelf.places(codes)
        concepts = await self._concepts(list(places.values()))
        return dict(zip(places, concepts, strict=True))

    async def children(self, code: str) -> Sequence[str]:
        place = await self.shelf.place(code)
        if place is None:
            return []
        links = await self.shelf.links(place)
        return await self.shelf.codes(list(layout.unpacked(links.children)))

    async def ancestors(self, code: str) -> Sequence[str]:
        place = await self.shelf.place(code)
        if place is None:
            return []
        return await self.shelf.codes(await self.shelf.above([place]))

    async def is_a(self, code: str, of: str) -> bool:
        place, above = await self.shelf.place(code), await self.shelf.place(of)
        if place is None or above is None:
            return False
        return place == above or layout.within(place, await self.shelf.runs(above))

    async def meets(self, code: str, filters: Sequence[Filter]) -> bool:
        place = await self.shelf.place(code)
        kept = [await self._selecting.filtered(filter) for filter in filters]
        return place is not None and all(mask[place] for mask in kept)

    async def select(
        self, selection: Selection, *, after: str = "", skip: int = 0, limit: int = 1000
    ) -> Sequence[Concept]:
        return await self._concepts(await self._page(selection, after, skip, limit))

    async def codes(
        self, selection: Selection, *, after: str = "", limit: int = 1000
    ) -> Sequence[str]:
        """As `select`, the codes alone."""
        return await self.shelf.codes(await self._page(selection, after, 0, limit))

    async def named(self, text: str) -> list[str]:
        """The codes that have a name which begins with a text. Raises TooLarge where more have such
        words than can be looked at."""
        wanted = fold(text)
        mask = await self._mask(Selection(text=text))
        if not wanted or masks.count(mask) > _NAMED:
            raise TooLarge("Too many codes have such a name: write more of it.")
        return [
            body.code
            async for _, body in self.shelf.all_bodies(mask)
            if any(fold(name).startswith(wanted) for name in layout.names(body))
        ]

    async def count(self, selection: Selection) -> int:
        return masks.count(await self._mask(selection))

    async def _page(self, selection: Selection, after: str, skip: int, limit: int) -> list[int]:
        mask = await self._mask(selection)
        start = 0
        if after:
            place = await self.shelf.place(after)
            start = self.shelf.size if place is None else place + 1
        return list(islice(masks.places(mask, start), skip, skip + limit))

    async def _mask(self, selection: Selection) -> bytes:
        mask = self.shelf.masks.get(selection)
        if mask is None:
            mask = await self._selecting.mask(selection)
            self.shelf.masks.put(selection, mask)
        return mask

    async def _concepts(self, places: list[int]) -> list[Concept]:
        return [layout.concept(raw, self._head) for raw in await self.shelf.bodies(places)]
