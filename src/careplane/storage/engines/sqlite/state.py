"""StateStore (storage.ports.state) on SQLite, in a file of its own: what services note down never
waits for a long unit of work, nor holds one up. One thread does it all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.lock import FileLock
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry

T = TypeVar("T")
STATE = "state.sqlite"
_CACHE_KIB = 2_048
_GET = "SELECT key, value, revision FROM state WHERE tenant = ? AND space = ? AND key = ?"
_SCAN = """SELECT tenant, key, value, revision FROM state WHERE space = ? AND tenant = ?
AND key > ? ORDER BY key LIMIT ?"""
_SCAN_ALL = """SELECT tenant, key, value, revision FROM state WHERE space = ?
ORDER BY tenant, key LIMIT ?"""
_PUT = """INSERT INTO state (tenant, space, key, revision, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET revision = excluded.revision, value = excluded.value"""
_NEXT = "UPDATE revision SET last = last + 1 RETURNING last"
_DROP = "DELETE FROM state WHERE tenant = ? AND space = ? AND key = ?"


class SqliteState:
    """The state of one data folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        own = key_for("state", key)
        self._folder = folder
        self._connection = made(
            folder / STATE, lambda path: connect(path, own, cache_kib=_CACHE_KIB), "state"
        )
        self._connection.execute("PRAGMA secure_delete = ON")  # it holds answers that were kept
        self._thread = ThreadPoolExecutor(1, "careplane-state")

    async def get(self, tenant: Tenant, space: str, key: str) -> Entry | None:
        return await self._do(lambda: self._get(tenant, space, key))

    async def scan(
        self, tenant: Tenant | None, space: str, after: str = "", count: int = 1000
    ) -> Sequence[tuple[Tenant, Entry]]:
        return await self._do(lambda: self._scan(tenant, space, after, count))

    async def put(
        self, tenant: Tenant, space: str, key: str, value: bytes, expect: int | None = None
    ) -> int | None:
        return await self._do(lambda: self._put(tenant, space, key, value, expect))

    async def drop(self, tenant: Tenant, space: str, key: str, expect: int | None = None) -> bool:
        return await self._do(lambda: self._drop(tenant, space, key, expect))

    def lock(self, name: str) -> FileLock:
        return FileLock(self._folder / f"{name}.lock")

    async def close(self) -> None:
        await self._do(self._connection.close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        with complaints():
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _get(self, tenant: Tenant, space: str, key: str) -> Entry | None:
        row = self._connection.execute(_GET, (tenant, space, key)).fetchone()
        return Entry(*row) if row else None

    def _scan(
        self, tenant: Tenant | None, space: str, after: str, count: int
    ) -> list[tuple[Tenant, Entry]]:
        if tenant is None:
            rows = self._connection.execute(_SCAN_ALL, (space, count))
        else:
            rows = self._connection.execute(_SCAN, (space, tenant, after, count))
        return [(Tenant(owner), Entry(*entry)) for owner, *entry in rows]

    def _put(
        self, tenant: Tenant, space: str, key: str, value: bytes, expect: int | None
    ) -> int | None:
        with self._changing():
            if expect is not None and self._at(tenant, space, key) != expect:
                return None
            revision = int(self._connection.execute(_NEXT).fetchone()[0])
            self._connection.execute(_PUT, (tenant, space, key, revision, value))
            return revision

    def _drop(self, tenant: Tenant, space: str, key: str, expect: int | None) -> bool:
        with self._changing():
            at = self._at(tenant, space, key)
            if not at or expect not in (None, at):
                return False
            self._connection.execute(_DROP, (tenant, space, key))
            return True

    def _at(self, tenant: Tenant, space: str, key: str) -> int:
        found = self._get(tenant, space, key)
        return found.revision if found else 0

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
