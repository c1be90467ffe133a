"""One version of a code system in the store, by place: what selections and ECL are made of."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TypeVar

from careplane.kernel.errors import Busy
from careplane.storage.ports.terminology import Held, TerminologyStore
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.layout import Body, Head, Links
from careplane.terminology.stored.recent import Recent

V = TypeVar("V")
_MASKS = 32 << 20
_BODIES = 16 << 20
_LINKS = 4 << 20
_PAGE = 1_000
_NAMES = 10_000


class Shelf:
    """What is read is kept for a while, up to some megabytes."""

    def __init__(self, store: TerminologyStore, held: Held, head: Head, *, exact: bool) -> None:
        self.size = held.count
        self.head = head
        self.masks: Recent[object, bytes] = Recent(_MASKS, len)
        self._store = store
        self._number = held.number
        self._exact = exact
        self._places: Recent[str, int] = Recent(20_000)
        self._bodies: Recent[int, bytes] = Recent(_BODIES, len)
        self._links: Recent[int, bytes] = Recent(_LINKS, len)

    async def place(self, code: str) -> int | None:
        """Where a concept stands."""
        key = layout.key(code, case_sensitive=self._exact)
        place = self._places.get(key)
        if place is None:
            place = (await self._store.places(self._number, (key,))).get(key)
            if place is not None:
                self._places.put(key, place)
        return place

    async def places(self, codes: Iterable[str]) -> dict[str, int]:
        """Where concepts stand, by the code that was asked for; of those that there are."""
        keys = {code: layout.key(code, case_sensitive=self._exact) for code in codes}
        found = await self._store.places(self._number, set(keys.values()))
        return {code: found[key] for code, key in keys.items() if key in found}

    async def bodies(self, places: list[int]) -> list[bytes]:
        """What concepts are, in the order asked for."""
        kept = {place: self._bodies.get(place) for place in places}
        missing = [place for place, raw in kept.items() if raw is None]
        if missing:
            found = _whole(await self._store.bodies(self._number, missing), missing)
            for place in missing:
                kept[place] = found[place]
                self._bodies.put(place, found[place])
        return [raw for place in places if (raw := kept[place]) is not None]

    async def codes(self, places: list[int]) -> list[str]:
        """The codes of concepts, in the order asked for."""
        if self._exact:
            keys = _whole(await self._store.keys(self._number, places), places)
            return [keys[place] for place in places]
        return [layout.body(raw).code for raw in await self.bodies(places)]

    async def links(self, place: int) -> Links:
        """What a concept stands beside."""
        raw = self._links.get(place)
        if raw is None:
            raw = _whole(await self._store.links(self._number, (place,)), [place])[place]
            self._links.put(place, raw)
        return layout.links(raw)

    async def runs(self, place: int) -> array[int]:
        """What is below a concept."""
        return layout.unpacked((await self.links(place)).runs)

    async def above(self, places: Iterable[int]) -> list[int]:
        """All places above some, each once, nearer ones first."""
        found: dict[int, None] = {}
        level = list(places)
        while level:
            rings = [layout.unpacked(links.parents) async for _, links in self.all_links(level)]
            level = list(dict.fromkeys(at for ring in rings for at in ring if at not in found))
            found.update(dict.fromkeys(level))
        return list(found)

    async def all_links(self, places: list[int]) -> AsyncIterator[tuple[int, Links]]:
        """What some concepts stand beside, one after the other; none of it is kept."""
        for at in range(0, len(places), _PAGE):
            some = places[at : at + _PAGE]
            raws = _whole(await self._store.links(self._number, some), some)
            for place in some:
                yield place, layout.links(raws[place])

    async def posted(self, names: Iterable[str]) -> bytes:
        """The places of any of the postings."""
        found = await self._store.postings(self._number, names)
        return masks.of_places(self.size, _all(found))

    async def postings(self, names: Iterable[str]) -> Mapping[str, array[int]]:
        """The places of each of the postings that there are."""
        found = await self._store.postings(self._number, names)
        return {name: layout.unpacked(raw) for name, raw in found.items()}

    async def names(self, prefix: str) -> AsyncIterator[list[str]]:
        """All names of postings that begin so, some thousand at a time."""
        after = ""
        while True:
            some = await self._store.names(self._number, prefix, after, _NAMES)
            if some:
                yield list(some)
            if len(some) < _NAMES:
                return
            after = some[-1]

    async def all_bodies(self, mask: bytes) -> AsyncIterator[tuple[int, Body]]:
        """The concepts of some places, one after the other; none of them is kept."""
        places = list(masks.places(mask))
        for at in range(0, len(places), _PAGE):
            some = places[at : at + _PAGE]
            raws = _whole(await self._store.bodies(self._number, some), some)
            for place in some:
                yield place, layout.body(raws[place])


def _whole(found: Mapping[int, V], wanted: list[int]) -> Mapping[int, V]:
    """Every place has a concept, as long as somebody keeps it."""
    if any(place not in found for place in wanted):
        raise Busy("The code system was replaced meanwhile: try again.")
    return found


def _all(found: Mapping[str, bytes]) -> Iterable[int]:
    for raw in found.values():
        yield from layout.unpacked(raw)
