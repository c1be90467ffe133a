"""Source and Target (storage.ports.moving) in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from careplane.kernel.errors import Conflict
from careplane.search.rows import Rows
from careplane.storage.engines.memory.state import MemoryState
from careplane.storage.engines.memory.store import MemoryStore
from careplane.storage.engines.memory.world import Record
from careplane.storage.ports.moving import Audited, Kept, Marks, NoteAt, Noted, Place, Reached
from careplane.storage.ports.state import Entry

T = TypeVar("T")
_TOGETHER = 100


class MemoryMove:
    """Reads and writes a store and its state."""

    def __init__(self, store: MemoryStore, state: MemoryState) -> None:
        self._store = store
        self._state = state
        self._origin: bytes | None = None

    async def marks(self) -> Marks:
        store = self._store
        return Marks(
            store.places.last, store.t, store.last_updated, len(store.trail), self._state.revision
        )

    async def places(self, after: int = 0) -> AsyncIterator[Sequence[Place]]:
        found = [
            Place(record.place, tenant, *key, record.born)
            for tenant, shelf in self._store.shelves.items()
            for key, record in shelf.records.items()
            if record.place > after
        ]
        for batch in _batches(sorted(found, key=lambda place: place.number)):
            yield batch

    async def versions(
        self, after: int = 0, type: str | None = None
    ) -> AsyncIterator[Sequence[Kept]]:
        found = [
            Kept(tenant, version, shelf.records[version.type, version.id].current is version)
            for tenant, shelf in self._store.shelves.items()
            for version in shelf.log
            if version.t > after and type in (None, version.type)
        ]
        for batch in _batches(sorted(found, key=lambda kept: kept.version.t)):
            yield batch

    async def audited(self, after: int = 0) -> AsyncIterator[Sequence[Audited]]:
        found = [Audited(n, *one) for n, one in enumerate(self._store.trail, 1) if n > after]
        for batch in _batches(found):
            yield batch

    async def noted(self, after: NoteAt | None = None) -> AsyncIterator[Sequence[Noted]]:
        found = [
            Noted(space, tenant, entry) for (tenant, space, _), entry in self._state.entries.items()
        ]
        behind = sorted((n for n in found if after is None or n.at > after), key=lambda n: n.at)
        for batch in _batches(behind):
            yield batch

    async def begin(self, origin: bytes) -> Reached:
        marks = await self.marks()
        if self._origin is None and marks != Marks(0, 0, 0, 0, 0):
            raise Conflict("This store holds records already")
        if self._origin not in (None, origin):
            raise Conflict("This store holds a part of another one")
        self._origin = origin
        notes = [note.at async for batch in self.noted() for note in batch]
        return Reached(marks.place, marks.t, marks.seq, notes[-1] if notes else None)

    async def put_places(self, places: Sequence[Place]) -> None:
        for place in places:
            shelf = self._store.shelves[place.tenant]
            shelf.records[place.type, place.id] = Record(place.number, place.born)
            self._store.places.last = place.number

    async def put_versions(
        self, versions: Sequence[Kept], rows: Sequence[Rows], patients: Sequence[str]
    ) -> None:
        for kept, found in zip(versions, rows, strict=True):
            self._store.shelves[kept.tenant].write(kept.version, found)
            self._store.t = kept.version.t
            self._store.last_updated = kept.version.last_updated

    async def put_audited(self, records: Sequence[Audited]) -> None:
        self._store.trail += [(one.tenant, one.record) for one in records]

    async def put_noted(self, notes: Sequence[Noted]) -> None:
        for note in notes:
            key = note.entry.key
            entry = Entry(key, note.entry.value, note.entry.revision)
            self._state.entries[note.tenant, note.space, key] = entry

    async def settle(self, marks: Marks) -> None:
        store = self._store
        store.t, store.last_updated = marks.t, marks.last_updated
        store.places.last = max(store.places.last, marks.place)
        self._state.revision = marks.revision

    async def finish(self) -> None:
        self._origin = None

    async def close(self) -> None:
        """Nobody was kept away."""


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[n : n + _TOGETHER] for n in range(0, len(items), _TOGETHER)]
