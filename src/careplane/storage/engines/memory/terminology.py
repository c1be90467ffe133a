"""TerminologyStore in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from careplane.kernel.errors import Stale
from careplane.storage.ports.terminology import Held, Posting, Row

_GONE = "Somebody else began to load the same code system."


class _System:
    """One version of a code system."""

    def __init__(self, number: int, url: str, version: str) -> None:
        self.held = Held(number, url, version, b"", 0)
        self.whole = 0
        self.gone = False
        self.rows: dict[int, Row] = {}
        self.places: dict[str, int] = {}
        self.postings: dict[tuple[str, int], bytes] = {}


class MemoryTerminology:
    """Everything in dictionaries."""

    def __init__(self) -> None:
        self._systems: dict[int, _System] = {}
        self._last = 0
        self._wholes = 0

    async def held(self) -> Sequence[Held]:
        found = [s for s in self._systems.values() if s.whole and not s.gone]
        return [system.held for system in sorted(found, key=lambda system: system.whole)]

    async def begin(self, url: str, version: str) -> int:
        for other in self._systems.values():
            if not other.whole and (other.held.url, other.held.version) == (url, version):
                other.gone = True
        self._last += 1
        self._systems[self._last] = _System(self._last, url, version)
        return self._last

    async def put(self, number: int, rows: Sequence[Row], postings: Sequence[Posting]) -> None:
        system = self._filled(number)
        for row in rows:
            system.rows[row.place] = row
            system.places[row.key] = row.place
        for posting in postings:
            system.postings[posting.name, posting.part] = posting.places

    async def finish(self, number: int, head: bytes) -> None:
        system = self._filled(number)
        same = system.held.url, system.held.version
        for other in await self.held():
            if (other.url, other.version) == same:
                self._systems[other.number].gone = True
        self._wholes += 1
        system.whole = self._wholes
        system.held = msgspec.structs.replace(system.held, head=head, count=len(system.rows))

    async def drop(self, number: int) -> bool:
        system = self._systems.get(number)
        if system is None or system.gone:
            return False
        system.gone = True
        return True

    async def sweep(self) -> None:
        self._systems = {n: system for n, system in self._systems.items() if not system.gone}

    async def places(self, number: int, keys: Iterable[str]) -> Mapping[str, int]:
        places = self._of(number).places
        return {key: places[key] for key in keys if key in places}

    async def keys(self, number: int, places: Iterable[int]) -> Mapping[int, str]:
        rows = self._of(number).rows
        return {place: rows[place].key for place in places if place in rows}

    async def bodies(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        rows = self._of(number).rows
        return {place: rows[place].body for place in places if place in rows}

    async def links(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        rows = self._of(number).rows
        return {place: rows[place].links for place in places if place in rows}

    async def rows(self, number: int, start: int, count: int) -> Sequence[Row]:
        rows = self._of(number).rows
        return [rows[place] for place in sorted(p for p in rows if p >= start)[:count]]

    async def postings(self, number: int, names: Iterable[str]) -> Mapping[str, bytes]:
        wanted = set(names)
        found: dict[str, bytes] = {}
        for (name, _), places in sorted(self._of(number).postings.items()):
            if name in wanted:
                found[name] = found.get(name, b"") + places
        return found

    async def names(self, number: int, prefix: str, after: str, limit: int) -> Sequence[str]:
        names = {name for name, _ in self._of(number).postings}
        found = [name for name in names if name.startswith(prefix) and name > after]
        return sorted(found)[:limit]

    async def close(self) -> None:
        self._systems.clear()

    def _of(self, number: int) -> _System:
        return self._systems.get(number) or _System(number, "", "")

    def _filled(self, number: int) -> _System:
        system = self._systems.get(number)
        if system is None or system.whole or system.gone:
            raise Stale(_GONE)
        return system
