"""RecordStore and AuditStore on PostgreSQL, for any number of processes and nodes.

Each process has a few connections, opened when they are needed and kept: for what has one good
plan, for searches that are planned by their values, for commits of tenants side by side, and for
the audit trail.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.search.plan import Query
from careplane.storage.engines.postgres import filing as index
from careplane.storage.engines.postgres.audit import Audit
from careplane.storage.engines.postgres.erasing import Eraser
from careplane.storage.engines.postgres.keeping import PostgresKeeper
from careplane.storage.engines.postgres.keys import PostgresKeys
from careplane.storage.engines.postgres.migrate import claim, migrate
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.reader import Reader
from careplane.storage.engines.postgres.sessions import CAREFUL, QUICK, Connection, Sessions
from careplane.storage.engines.postgres.wall import enter
from careplane.storage.engines.postgres.writer import Writer
from careplane.storage.ports.audit import AuditQuery, Filing, Found, Together
from careplane.storage.ports.records import (
    Erasure,
    Guard,
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
from careplane.storage.relational.cursors import Cursors

_log = logging.getLogger(__name__)
_GUARD_MILLISECONDS = 5_000
"""How long one guard may keep all writers waiting."""
_LOCK_MILLISECONDS = 20_000
_FILED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be tuned."""

    quick: int = 4
    careful: int = 3
    writing: int = 2
    search_seconds: float = 30.0
    audit_sync: Literal["on", "off"] = "off"
    folder: Path | None = None
    """Where the list of erasures is; None where none is kept."""
    forgiving: bool = False
    """Read under keys of that list, to apply it."""


class PostgresStore:
    """One process's view of a database. Use it from one event loop."""

    def __init__(self, url: str, key: bytes, clock: Clock, limits: Limits) -> None:
        mark = mark_of(key)

        async def prepare(connection: Connection) -> None:
            await migrate(connection)
            await claim(connection, mark)
            await self._keys.permit_plain(connection)
            self._low = await enter(connection)

        self._low = ""
        search = {"statement_timeout": str(round(limits.search_seconds * 1000))}
        writes = {
            "statement_timeout": "60000",
            "lock_timeout": str(_LOCK_MILLISECONDS),
        }
        self._quick = Sessions(url, limits.quick, {**QUICK, **search}, prepare)
        self._careful = Sessions(url, limits.careful, {**CAREFUL, **search}, prepare)
        self._writing = Sessions(url, limits.writing, {**QUICK, **writes}, prepare)
        trail = {**QUICK, "synchronous_commit": limits.audit_sync}
        self._auditing = Sessions(url, 1, trail, prepare)
        names = self._names = names_of(key)
        self._keys: PostgresKeys = PostgresKeys(
            self._quick.retried, bodies_root(key), limits.folder, enforced=not limits.forgiving
        )
        self.keeper = PostgresKeeper(self._keys, names, self._writing.run)
        cursors = Cursors(_derived("cursors", key))
        self._reader = Reader(self._quick, self._careful, names, cursors, self._keys)
        self._writer = Writer(self._writing, names, self._find, clock, self._keys)
        self._audit = Audit(self._auditing)

    async def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        return await self._reader.read(tenant, type, id)

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        return await self._reader.vread(tenant, type, id, version)

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        return await self._reader.read_many(tenant, keys)

    async def search(self, tenant: Tenant, query: Query) -> Page:
        return await self._reader.search(tenant, query)

    async def count(self, tenant: Tenant, query: Query) -> int:
        return await self._reader.count(tenant, query)

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        return await self._reader.history(tenant, query)

    async def commit(self, tenant: Tenant, unit: Unit) -> Receipt:
        return await self._writer.put(tenant, unit)

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        await self._writing.run(tenant, Eraser(self._names, tenant, erasure).run)

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        return await self._writer.reindex(tenant, items, defined)

    async def current(
        self, tenant: Tenant, type: str, after: str | None = None, count: int = 1000
    ) -> list[Version]:
        return await self._reader.walk(tenant, type, after, count)

    async def newest(self, tenant: Tenant, type: str) -> int:
        return await self._reader.newest(tenant, type)

    async def changes(self, tenant: Tenant, after: int, count: int = 1000) -> list[Version]:
        return await self._reader.changes(tenant, after, count)

    async def horizon(self, tenant: Tenant) -> tuple[int, int]:
        return await self._reader.horizon(tenant)

    async def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        return await self._reader.snapshot(tenant, query)

    async def counts(self, tenant: Tenant) -> dict[str, int]:
        return await self._reader.counts(tenant)

    async def sizes(self, tenant: Tenant) -> Sizes:
        return await self._reader.sizes(tenant)

    async def append(self, tenant: Tenant, record: bytes) -> None:
        await self._audit.append(tenant, record)

    async def tail(
        self, tenant: Tenant, after: int = 0, count: int = 1000
    ) -> Sequence[tuple[int, bytes]]:
        return await self._audit.tail(tenant, after, count)

    async def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        return await self._audit.together(tenant, after, count)

    async def file(self, filing: Filing, count: int = 500) -> int:
        done = 0
        for tenant in await self._auditing.retried(None, index.tenants):
            done += await self._file(tenant, filing, count)
        return done

    async def find(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        while await self._file(tenant, filing, _FILED_AT_ONCE):
            pass
        return await self._careful.retried(tenant, lambda c: index.find(c, tenant, query))

    async def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        while await self._file(tenant, filing, _FILED_AT_ONCE):
            pass
        return await self._writing.run(tenant, lambda c: index.forget(c, tenant, query, filing))

    async def _file(self, tenant: Tenant, filing: Filing, count: int) -> int:
        await self._audit.gather(tenant)
        return await self._writing.run(tenant, lambda c: index.file(c, tenant, filing, count))

    async def vitals(self) -> Vitals:
        return Vitals(self._writer.waiting, await self._audit.waiting())

    async def room(self) -> None:
        """The disk is the database server's own matter; a write that finds no room says Full."""

    async def warm(self) -> None:
        """Open connections and bring the schema up to date, before it is needed. A database that
        cannot be reached yet is no error: every request tries anew."""
        for sessions in (self._writing, self._quick, self._careful, self._auditing):
            try:
                await sessions.retried(None, _nothing)
            except CareplaneError:
                return
        if self._low:
            _log.warning("Row-level security is not in force: %s", self._low)

    async def check(self) -> list[str]:
        """What is wrong with the database, in words."""
        try:
            await self._writing.retried(None, _nothing)
        except CareplaneError as error:
            return [error.text]
        return []

    async def close(self) -> None:
        await self._writer.close()
        await self._audit.close()
        kinds = (self._quick, self._careful, self._writing, self._auditing)
        await asyncio.gather(*[sessions.close() for sessions in kinds])

    async def _find(self, connection: Connection, tenant: Tenant, guard: Guard) -> set[Key]:
        await connection.execute(f"SET LOCAL statement_timeout = {_GUARD_MILLISECONDS}")
        try:
            return await self._reader.keys(connection, tenant, guard.query)
        finally:
            if not connection.is_closed():
                await connection.execute("SET LOCAL statement_timeout = 60000")


def mark_of(key: bytes) -> bytes:
    """What a database keeps of the key, to know it again."""
    return _derived("mark", key)


def names_of(key: bytes) -> Names:
    """The numbers of an installation."""
    return Names(_derived("names", key))


def bodies_root(key: bytes) -> bytes:
    """What keys of bodies are wrapped under."""
    return _derived("bodies", key)


async def _nothing(connection: Connection) -> None:
    """Only that there is a connection."""


def _derived(purpose: str, key: bytes) -> bytes:
    return hashlib.blake2b(purpose.encode(), key=key, digest_size=32).digest()
