"""RecordStore and AuditStore on SQLite: who does what on which thread and connection.

- the event loop reads inline, on a connection of its own, for at most a few milliseconds;
- what takes longer starts again on one of two search threads, until its deadline;
- one thread, or one process of its own, writes (see writing);
- one thread moves audit records and checkpoints (see trail).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from sqlcipher3 import dbapi2

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Full
from careplane.search.plan import Query
from careplane.storage.engines.sqlite.connection import connect, damages, key_for
from careplane.storage.engines.sqlite.faults import complaints, translated
from careplane.storage.engines.sqlite.keeping import SqliteKeeper
from careplane.storage.engines.sqlite.keys import SqliteKeys
from careplane.storage.engines.sqlite.known import Known
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.engines.sqlite.packing import Packing
from careplane.storage.engines.sqlite.pool import ReaderPool
from careplane.storage.engines.sqlite.reader import Reader
from careplane.storage.engines.sqlite.room import Room
from careplane.storage.engines.sqlite.state import STATE
from careplane.storage.engines.sqlite.trail import Trail
from careplane.storage.engines.sqlite.writing.commit import Committer
from careplane.storage.engines.sqlite.writing.job import Writer
from careplane.storage.engines.sqlite.writing.process import ProcessWriter
from careplane.storage.engines.sqlite.writing.thread import ThreadWriter
from careplane.storage.keys.bodies import SealedBodies
from careplane.storage.ports.audit import AuditQuery, Filing, Found, Together
from careplane.storage.ports.records import (
    Erasure,
    HistoryQuery,
    Key,
    Page,
    Receipt,
    Reindex,
    Reindexed,
    Slice,
    SnapshotQuery,
    Tenant,
    Unit,
    Version,
)
from careplane.storage.ports.sizes import Sizes
from careplane.storage.ports.vitals import Vitals
from careplane.storage.relational.cursors import Answers, Cursors

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
RECORDS = "records.sqlite"
_BESIDE = ("keys", "ledger", "packages", "state", "terminology")
"""Purposes of the keys of other files of a folder, which have their names."""
_FORGET_SIZES_AFTER = 2_000
"""Puts after which it is counted anew how many rows a criterion has."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be tuned; the defaults were measured (docs/store.md)."""

    inline_seconds: float = 0.004
    search_seconds: float = 30.0
    writer_cache_kib: int = 49_152
    reader_cache_kib: int = 32_768
    thread_cache_kib: int = 16_384
    audit_sync: Literal["FULL", "NORMAL"] = "NORMAL"
    writer: Literal["thread", "process"] = "thread"
    reserve_bytes: int = 0
    """What is kept free for audit records (see room)."""
    forgiving: bool = False
    """Read under keys of the list of erasures, to apply it."""


class SqliteStore:
    """One data folder. Use it from one event loop."""

    def __init__(self, folder: Path, key: bytes, clock: Clock, limits: Limits) -> None:
        self._folder = folder
        self._records_key = key_for("records", key)
        self._limits = limits
        self._held = False
        self._written = 0
        self._known = Known()
        self._cursors = Cursors(key_for("cursors", key))
        self._answers = Answers()
        with closing(made(folder / RECORDS, self._open_records, "records")) as records:
            has_bodies = records.execute("SELECT EXISTS (SELECT 1 FROM version)").fetchone()[0]
        self._keys = SqliteKeys(folder, key, plain=has_bodies, enforced=not limits.forgiving)
        self._beside = {purpose: key_for(purpose, key) for purpose in _BESIDE}
        self.keeper = SqliteKeeper(self._keys, self._for_records, self._for_state)
        self._room = Room(folder, limits.reserve_bytes)
        self._trail = Trail(
            folder,
            key_for("audit", key),
            limits.audit_sync,
            lambda: self._open_records(folder / RECORDS),
            self._room.relieve,
        )
        self.append = self._trail.append
        self._writer = self._new_writer(clock)
        self._reader = self._open_reader(limits.reader_cache_kib)
        self._pool = ReaderPool(
            lambda: self._open_reader(limits.thread_cache_kib), limits.search_seconds
        )

    async def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        return self._inline(lambda reader: reader.read(tenant, type, id))

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        return self._inline(lambda reader: reader.vread(tenant, type, id, version))

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        return self._inline(lambda reader: reader.read_many(tenant, keys))

    async def search(self, tenant: Tenant, query: Query) -> Page:
        return await self._ask(lambda reader: reader.search(tenant, query))

    async def count(self, tenant: Tenant, query: Query) -> int:
        return await self._ask(lambda reader: reader.count(tenant, query))

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        return await self._ask(lambda reader: reader.history(tenant, query))

    async def commit(self, tenant: Tenant, unit: Unit) -> Receipt:
        self._room.require()
        try:
            return await self._writer.put(tenant, unit)
        except Full:
            self._room.exhausted()
            raise

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        await self._writer.erase(tenant, erasure)

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        self._room.require()
        try:
            return await self._writer.reindex(tenant, items, defined)
        except Full:
            self._room.exhausted()
            raise

    async def current(
        self, tenant: Tenant, type: str, after: str | None = None, count: int = 1000
    ) -> list[Version]:
        return self._inline(lambda reader: reader.current(tenant, type, after, count))

    async def newest(self, tenant: Tenant, type: str) -> int:
        return self._inline(lambda reader: reader.newest(tenant, type))

    async def changes(self, tenant: Tenant, after: int, count: int = 1000) -> list[Version]:
        return await self._ask(lambda reader: reader.changes(tenant, after, count))

    async def horizon(self, tenant: Tenant) -> tuple[int, int]:
        return self._inline(lambda reader: reader.horizon())

    async def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        return await self._pool.ask(lambda reader: reader.snapshot(tenant, query))

    async def counts(self, tenant: Tenant) -> dict[str, int]:
        return self._inline(lambda reader: reader.counts(tenant))

    async def sizes(self, tenant: Tenant) -> Sizes:
        return await self._pool.ask(lambda reader: reader.sizes(tenant))

    async def tail(
        self, tenant: Tenant, after: int = 0, count: int = 1000
    ) -> Sequence[tuple[int, bytes]]:
        return await self._trail.tail(tenant, after, count)

    async def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        return await self._trail.together(tenant, after, count)

    async def file(self, filing: Filing, count: int = 500) -> int:
        return await self._trail.file(filing, count)

    async def find(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        return await self._trail.find(query, filing)

    async def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        return await self._trail.forget(tenant, query, filing)

    async def vitals(self) -> Vitals:
        waiting = await self._trail.waiting()
        return Vitals(self._writer.waiting, waiting, self._pool.stopped, self._room.full)

    async def room(self) -> None:
        """Raises Full where nothing can be stored now."""
        self._room.require()

    async def warm(self) -> None:
        """Start what writes, before it is needed."""
        await self._writer.warm()

    async def close(self) -> None:
        self._release()  # before another thread closes the connection under it
        await self._writer.close()
        await asyncio.to_thread(self._close)

    async def check(self) -> list[str]:
        """Looks through all files for damage (minutes on a large one); what it finds, in words."""
        return await asyncio.to_thread(self._check)

    def _inline(self, question: Callable[[Reader], T]) -> T:
        try:
            self._hold()
            return question(self._reader)
        except dbapi2.Error as error:
            raise translated(error) from error

    async def _ask(self, question: Callable[[Reader], T]) -> T:
        try:
            self._hold()
            with self._reader.within(self._limits.inline_seconds):
                return question(self._reader)
        except dbapi2.Error as error:
            if "interrupted" not in str(error):
                raise translated(error) from error
        return await self._pool.ask(question)

    def _hold(self) -> None:
        """One read transaction for all questions of this turn of the event loop: taking and giving
        back SQLite's locks costs as much as a read. What is acknowledged in a later turn is seen
        then, since the turn's end was scheduled before its acknowledgement."""
        if not self._held:
            if not self._keys.ring.fresh:
                self._keys.compare()
            self._reader.connection.execute("BEGIN")
            self._held = True
            asyncio.get_running_loop().call_soon(self._release)

    def _release(self) -> None:
        if self._held:
            self._held = False
            connection = self._reader.connection
            if connection.in_transaction:  # unless an error has ended it
                connection.execute("COMMIT")

    def _new_writer(self, clock: Clock) -> Writer:
        path, key, cache = self._folder / RECORDS, self._records_key, self._limits.writer_cache_kib
        packing = Packing(self._keys)
        if self._limits.writer == "process":
            return ProcessWriter(path, key, cache, packing, clock, self._after_write)
        return ThreadWriter(Committer(path, key, cache), packing, clock, self._after_write)

    def _after_write(self, weight: int) -> None:
        self._trail.wake()
        self._written += weight
        if self._written > _FORGET_SIZES_AFTER:
            self._written = 0
            self._known.sizes.clear()

    def _open_records(self, path: Path) -> Connection:
        return connect(path, self._records_key, cache_kib=1_024)

    def _open_reader(self, cache_kib: int) -> Reader:
        path = self._folder / RECORDS
        connection = connect(path, self._records_key, cache_kib=cache_kib, read_only=True)
        unpack = SealedBodies(self._keys.ring, self._keys.find).unpack
        return Reader(connection, self._known, self._cursors, self._answers, unpack)

    def _for_records(self) -> Connection:
        return self._open_records(self._folder / RECORDS)

    def _for_state(self) -> Connection | None:
        path = self._folder / STATE
        return connect(path, self._beside["state"], cache_kib=1_024) if path.exists() else None

    def _check(self) -> list[str]:
        found = damages(self._folder / RECORDS, self._open_records) + self._trail.check()
        for purpose, key in self._beside.items():
            path = self._folder / f"{purpose}.sqlite"
            if path.exists():
                found += damages(path, partial(connect, key=key, cache_kib=1_024))
        return found

    def _close(self) -> None:
        self._trail.close()
        self._pool.close()
        self._keys.close()
        with complaints():
            self._reader.connection.close()
