"""LedgerStore (storage.ports.ledger) on SQLite, in a file of its own. One thread does it all; every
transaction is on the disk before the call returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from careplane.kernel.errors import Stale
from careplane.storage.engines.sqlite.audit import with_transaction
from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.ports.ledger import Batch, Entry, Loss, Place, Run

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
LEDGER = "ledger.sqlite"
_CACHE_KIB = 4_096
_LEVEL = 56
_WIDTH = 256
_LEVELS = 8
_TILE_END = "ON CONFLICT (place) DO UPDATE SET hashes = excluded.hashes"
_MARK_END = "ON CONFLICT (source) DO UPDATE SET at = excluded.at"
_NOTE_END = "ON CONFLICT (name) DO UPDATE SET data = excluded.data"
_PUT_NOTE = f"INSERT INTO note VALUES (?, ?) {_NOTE_END}"
_RUN = """SELECT number + ?2 - t FROM (
  SELECT t, number, count FROM run WHERE tenant = ?1 AND t <= ?2 ORDER BY t DESC LIMIT 1
) WHERE ?2 < t + count"""
_RUNS = """SELECT tenant, t, number, count FROM run WHERE tenant = ? AND t > ?
ORDER BY t LIMIT ?"""
_ERASE = "UPDATE entry SET salt = x'' WHERE number = ? AND salt <> x''"


class SqliteLedger:
    """The log of one data folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        own = key_for("ledger", key)
        self._connection = made(folder / LEDGER, lambda path: _open(path, own), "ledger")
        self._thread = ThreadPoolExecutor(1, "careplane-ledger")

    async def size(self) -> int:
        return int(await self._do(lambda: self._one("SELECT size FROM head", 0)))

    async def append(self, batch: Batch) -> None:
        def work() -> None:
            with_transaction(self._connection, lambda: self._append(batch))

        await self._do(work)

    async def tiles(self, places: Iterable[Place]) -> Mapping[Place, bytes]:
        wanted = list(places)
        sql = "SELECT hashes FROM tile WHERE place = ?"

        def work() -> dict[Place, bytes]:
            rows = {place: self._one(sql, b"", (_number(place),)) for place in wanted}
            return {place: row for place, row in rows.items() if row}

        return await self._do(work)

    async def entries(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        sql = "SELECT number, leaf, salt, said FROM entry WHERE number >= ? ORDER BY number LIMIT ?"
        rows = await self._do(lambda: self._connection.execute(sql, (start, count)).fetchall())
        return [(number, Entry(leaf, salt, said)) for number, leaf, salt, said in rows]

    async def erase(self, numbers: Iterable[int]) -> int:
        wanted = [(number,) for number in set(numbers)]

        def erase() -> None:
            self._connection.executemany(_ERASE, wanted)

        def work() -> int:
            before = self._connection.total_changes
            with_transaction(self._connection, erase)
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # pages with salts go too
            return self._connection.total_changes - before

        return await self._do(work)

    async def mark(self, source: str) -> int:
        return await self._do(lambda: self._mark(source))

    async def places(self, tenant: int, times: Sequence[int]) -> Mapping[int, int]:
        def work() -> dict[int, int]:
            none: int | None = None
            found = {t: self._one(_RUN, none, (tenant, t)) for t in times}
            return {t: number for t, number in found.items() if number is not None}

        return await self._do(work)

    async def runs(self, tenant: int, after: int = 0, count: int = 1000) -> Sequence[Run]:
        asked = (tenant, after, count)
        rows = await self._do(lambda: self._connection.execute(_RUNS, asked).fetchall())
        return [Run(*row) for row in rows]

    async def losses(self) -> Sequence[Loss]:
        sql = "SELECT kept, size, again, known, checkpoint FROM loss ORDER BY size"
        rows = await self._do(lambda: self._connection.execute(sql).fetchall())
        return [Loss(*row) for row in rows]

    async def note(self, name: str) -> bytes:
        sql = "SELECT data FROM note WHERE name = ?"
        return bytes(await self._do(lambda: self._one(sql, b"", (name,))))

    async def put_note(self, name: str, data: bytes) -> None:
        await self._do(lambda: self._connection.execute(_PUT_NOTE, (name, data)))

    async def close(self) -> None:
        await self._do(self._connection.close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        with complaints():
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _one(self, sql: str, default: T, values: tuple[object, ...] = ()) -> T:
        row = self._connection.execute(sql, values).fetchone()
        return row[0] if row else default

    def _mark(self, source: str) -> int:
        return int(self._one("SELECT at FROM mark WHERE source = ?", 0, (source,)))

    def _append(self, batch: Batch) -> None:
        if any(self._mark(source) != at for source, at in batch.since.items()):
            raise Stale("Somebody else moved these leaves here.")
        size = self._one("SELECT size FROM head", 0)
        if batch.loss:
            if size >= batch.start:
                raise Stale("The log has leaves at that place.")
            self._forget(batch.loss)
        elif size != batch.start:
            raise Stale("Somebody else appended to the log in between.")
        entries = [(n, e.leaf, e.salt, e.said) for n, e in enumerate(batch.entries, batch.start)]
        execute_many(self._connection, "INSERT INTO entry", entries)
        tiles = [(_number(place), row) for place, row in batch.tiles]
        execute_many(self._connection, "INSERT INTO tile", tiles, _TILE_END)
        execute_many(self._connection, "INSERT INTO mark", list(batch.marks.items()), _MARK_END)
        runs = [(run.tenant, run.t, run.number, run.count) for run in batch.runs]
        execute_many(self._connection, "INSERT INTO run", runs)
        execute_many(self._connection, "INSERT INTO note", list(batch.notes.items()), _NOTE_END)
        self._connection.execute("UPDATE head SET size = ?", (batch.start + len(entries),))

    def _forget(self, loss: Loss) -> None:
        self._connection.execute("DELETE FROM entry WHERE number >= ?", (loss.kept,))
        for level in range(_LEVELS):
            first = -(-(loss.kept >> 8 * level) // _WIDTH)
            bounds = _number((level, first)), _number((level + 1, 0))
            self._connection.execute("DELETE FROM tile WHERE place >= ? AND place < ?", bounds)
        row = (loss.size, loss.kept, loss.again, loss.known, loss.checkpoint)
        self._connection.execute("INSERT INTO loss VALUES (?, ?, ?, ?, ?)", row)


def _open(path: Path, key: bytes) -> Connection:
    connection = connect(path, key, cache_kib=_CACHE_KIB)
    connection.execute("PRAGMA secure_delete = ON")  # an erased salt is overwritten
    return connection


def _number(place: Place) -> int:
    level, number = place
    return (level << _LEVEL) + number
