"""LedgerStore in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from careplane.kernel.errors import Stale
from careplane.storage.ports.ledger import Batch, Entry, Loss, Place, Run

_WIDTH = 256


class MemoryLedger:
    """Everything in dictionaries."""

    def __init__(self) -> None:
        self._size = 0
        self._entries: dict[int, Entry] = {}
        self._tiles: dict[Place, bytes] = {}
        self._marks: dict[str, int] = {}
        self._losses: list[Loss] = []
        self._notes: dict[str, bytes] = {}
        self._runs: list[Run] = []

    async def size(self) -> int:
        return self._size

    async def append(self, batch: Batch) -> None:
        if any(self._marks.get(source, 0) != at for source, at in batch.since.items()):
            raise Stale("Somebody else moved these leaves here.")
        if batch.loss:
            if self._size >= batch.start:
                raise Stale("The log has leaves at that place.")
            self._forget(batch.loss.kept)
            self._losses.append(batch.loss)
        elif self._size != batch.start:
            raise Stale("Somebody else appended to the log in between.")
        self._entries |= dict(enumerate(batch.entries, batch.start))
        self._tiles |= dict(batch.tiles)
        self._marks |= batch.marks
        self._notes |= batch.notes
        self._runs = sorted([*self._runs, *batch.runs], key=lambda run: (run.tenant, run.t))
        self._size = batch.start + len(batch.entries)

    async def tiles(self, places: Iterable[Place]) -> Mapping[Place, bytes]:
        return {place: self._tiles[place] for place in places if place in self._tiles}

    async def entries(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        numbers = sorted(number for number in self._entries if number >= start)[:count]
        return [(number, self._entries[number]) for number in numbers]

    async def erase(self, numbers: Iterable[int]) -> int:
        found = [n for n in set(numbers) if n in self._entries and self._entries[n].salt]
        for number in found:
            self._entries[number] = msgspec.structs.replace(self._entries[number], salt=b"")
        return len(found)

    async def mark(self, source: str) -> int:
        return self._marks.get(source, 0)

    async def places(self, tenant: int, times: Sequence[int]) -> Mapping[int, int]:
        runs = [run for run in self._runs if run.tenant == tenant]
        return {
            t: run.number + t - run.t
            for t in times
            for run in runs
            if run.t <= t < run.t + run.count
        }

    async def runs(self, tenant: int, after: int = 0, count: int = 1000) -> Sequence[Run]:
        return [run for run in self._runs if run.tenant == tenant and run.t > after][:count]

    async def losses(self) -> Sequence[Loss]:
        return list(self._losses)

    async def note(self, name: str) -> bytes:
        return self._notes.get(name, b"")

    async def put_note(self, name: str, data: bytes) -> None:
        self._notes[name] = data

    async def close(self) -> None:
        self._entries.clear()

    def _forget(self, kept: int) -> None:
        self._entries = {n: entry for n, entry in self._entries.items() if n < kept}
        self._tiles = {
            (level, number): row
            for (level, number), row in self._tiles.items()
            if number * _WIDTH < kept >> 8 * level
        }
