"""`Library` of the code systems that were loaded into the store, with implicit value sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from careplane.fhir.tree import Tree
from careplane.storage.ports.terminology import Held, TerminologyStore
from careplane.terminology.concepts import Concepts, Filter
from careplane.terminology.ecl.filters import of_snomed
from careplane.terminology.implicit import SNOMED, system_of, value_set, versions_for
from careplane.terminology.library import Kind
from careplane.terminology.resource import about
from careplane.terminology.stored.concepts import StoredConcepts
from careplane.terminology.stored.layout import Head
from careplane.terminology.stored.selecting import Special
from careplane.terminology.stored.shelf import Shelf

FRESH = 2.0
"""Seconds for which a library may not know yet what was loaded or removed elsewhere."""
_head = msgspec.msgpack.Decoder(Head)


class Releases:
    """`open_store` is called when somebody first asks; `seconds` is a clock that never goes
    back."""

    def __init__(
        self, open_store: Callable[[], TerminologyStore], seconds: Callable[[], float]
    ) -> None:
        self._open_store = open_store
        self._seconds = seconds
        self._store: TerminologyStore | None = None
        self._read = -FRESH
        self._held: dict[str, dict[str, Held]] = {}
        self._concepts: dict[int, StoredConcepts] = {}

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        held = await self._now()
        if kind == "CodeSystem":
            return list(held.get(url, ()))
        system = system_of(url) if kind == "ValueSet" else ""
        if system:
            return versions_for(url, list(held.get(system, ())))
        return []

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        if kind == "CodeSystem":
            found = await self.concepts(url, version)
            return None if found is None else found.about.header
        if kind == "ValueSet" and version in await self.versions(kind, url):
            return value_set(url, version)
        return None

    async def concepts(self, url: str, version: str) -> StoredConcepts | None:
        held = (await self._now()).get(url, {}).get(version)
        if held is None or self._store is None:
            return None
        found = self._concepts.get(held.number)
        if found is None:
            head = _head.decode(held.head)
            header = {**msgspec.json.decode(head.header), "count": held.count}
            special = _SPECIAL.get(url, _none)
            found = StoredConcepts(self._store, held, head, about(header), special)
            self._concepts[held.number] = found
        return found

    async def supplements(self, url: str) -> Sequence[Concepts]:
        return [one for one in await self._all() if one.about.supplements.split("|")[0] == url]

    async def maps(self, system: str) -> Sequence[Tree]:
        return []

    async def systems(self) -> Sequence[tuple[str, str]]:
        found = [one.about for one in await self._all()]
        return sorted((a.url, a.version) for a in found if a.content != "supplement")

    async def named(self, text: str) -> Sequence[tuple[str, str]]:
        """System and code of everything that has a display or designation which begins with a
        text, without regard to case, accents and punctuation. Raises TooLarge where there are too
        many."""
        found: list[tuple[str, str]] = []
        for one in await self._all():
            url = one.about.supplements.partition("|")[0] or one.about.url
            found += [(url, code) for code in await one.named(text)]
        return list(dict.fromkeys(found))

    async def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            await self._store.close()

    async def _all(self) -> list[StoredConcepts]:
        places = [(url, version) for url, all in (await self._now()).items() for version in all]
        found = [await self.concepts(*place) for place in places]
        return [one for one in found if one is not None]

    async def _now(self) -> Mapping[str, Mapping[str, Held]]:
        """What there is: looked up anew every few seconds."""
        if self._store is None:
            self._store = self._open_store()
        now = self._seconds()
        if now - self._read >= FRESH / 2:
            found: dict[str, dict[str, Held]] = {}
            for held in await self._store.held():
                found.setdefault(held.url, {})[held.version] = held
            numbers = {held.number for versions in found.values() for held in versions.values()}
            self._concepts = {n: c for n, c in self._concepts.items() if n in numbers}
            self._held, self._read = found, now
        return self._held


async def _none(shelf: Shelf, filter: Filter) -> bytes | None:
    return None


_SPECIAL: Mapping[str, Special] = {SNOMED: of_snomed}
"""By code system: what it can be filtered by beside its properties."""
