"""PackageStore (storage.ports.packages) on SQLite, in a file of its own, which is made with the
first package. One thread does it all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from careplane.storage.engines.sqlite.audit import with_transaction
from careplane.storage.engines.sqlite.bulk import add_all
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.ports.packages import Artifact, Filed, Package

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
PACKAGES = "packages.sqlite"
_CACHE_KIB = 8_192
_ALL = "SELECT name, version, asked, added, manifest, pins FROM package ORDER BY name, version"
_ID = "SELECT id FROM package WHERE name = ? AND version = ?"
_ADD = """INSERT INTO package (name, version, asked, added, manifest, pins)
VALUES (?, ?, ?, ?, ?, ?) RETURNING id"""
_FILE = "INSERT INTO artifact (package, header) VALUES (?, ?) RETURNING number"
_MARK = "UPDATE package SET asked = ?, pins = ? WHERE id = ?"
_HEADERS = """SELECT number, name, version, header
FROM artifact JOIN package ON package.id = package WHERE number > ? ORDER BY number LIMIT ?"""
_USERS = "SELECT number FROM usage WHERE url = ? ORDER BY number"
_REMOVE = (
    "DELETE FROM usage WHERE package = ?",
    "DELETE FROM body WHERE number IN (SELECT number FROM artifact WHERE package = ?)",
    "DELETE FROM artifact WHERE package = ?",
    "DELETE FROM package WHERE id = ?",
)
_CHANGED = "UPDATE head SET epoch = epoch + 1"


class SqlitePackages:
    """The packages of one data folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._path = folder / PACKAGES
        self._key = key_for("packages", key)
        self._opened: Connection | None = None
        self._thread = ThreadPoolExecutor(1, "careplane-packages")

    async def epoch(self) -> int:
        def work(there: Connection) -> int:
            return int(there.execute("SELECT epoch FROM head").fetchone()[0])

        return await self._read(work, 0)

    async def packages(self) -> Sequence[Package]:
        def work(there: Connection) -> list[Package]:
            rows = there.execute(_ALL)
            return [Package(n, v, bool(asked), *rest) for n, v, asked, *rest in rows]

        return await self._read(work, [])

    async def add(self, package: Package, batches: Iterable[Sequence[Artifact]]) -> bool:
        def work(there: Connection) -> bool:
            if there.execute(_ID, (package.name, package.version)).fetchone():
                return False
            row = (package.name, package.version, package.asked, package.added)
            id = there.execute(_ADD, (*row, package.manifest, package.pins)).fetchone()[0]
            for batch in batches:
                _put(there, id, batch)
            return True

        return await self._change(work)

    async def mark(self, name: str, version: str, *, asked: bool, pins: bytes) -> bool:
        def work(there: Connection) -> bool:
            found = there.execute(_ID, (name, version)).fetchone()
            if found:
                there.execute(_MARK, (asked, pins, found[0]))
            return bool(found)

        return await self._change(work) if self._path.exists() else False

    async def remove(self, name: str, version: str) -> bool:
        def work(there: Connection) -> bool:
            found = there.execute(_ID, (name, version)).fetchone()
            for sql in _REMOVE if found else ():
                there.execute(sql, found)
            return bool(found)

        return await self._change(work) if self._path.exists() else False

    async def headers(self, after: int = 0, count: int = 1000) -> Sequence[Filed]:
        def work(there: Connection) -> list[Filed]:
            return [Filed(*row) for row in there.execute(_HEADERS, (after, count))]

        return await self._read(work, [])

    async def body(self, number: int) -> bytes | None:
        def work(there: Connection) -> bytes | None:
            row = there.execute("SELECT data FROM body WHERE number = ?", (number,)).fetchone()
            return bytes(row[0]) if row else None

        return await self._read(work, None)

    async def users(self, url: str) -> Sequence[int]:
        def work(there: Connection) -> list[int]:
            return [row[0] for row in there.execute(_USERS, (url,))]

        return await self._read(work, [])

    async def close(self) -> None:
        if self._opened is not None:
            await self._do(self._opened.close)
        self._thread.shutdown()

    async def _read(self, work: Callable[[Connection], T], none: T) -> T:
        """The answer of the file; where there is none, `none`."""
        if self._opened is None and not self._path.exists():
            return none
        return await self._do(lambda: work(self._file()))

    async def _change(self, work: Callable[[Connection], bool]) -> bool:
        def whole() -> bool:
            there, done = self._file(), [False]

            def change() -> None:
                done[0] = work(there)
                if done[0]:
                    there.execute(_CHANGED)

            with_transaction(there, change)
            return done[0]

        return await self._do(whole)

    async def _do(self, work: Callable[[], T]) -> T:
        with complaints():
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _file(self) -> Connection:
        if self._opened is None:
            self._opened = made(
                self._path, lambda path: connect(path, self._key, cache_kib=_CACHE_KIB), "packages"
            )
        return self._opened


def _put(there: Connection, package: int, batch: Sequence[Artifact]) -> None:
    for artifact in batch:
        number = there.execute(_FILE, (package, artifact.header)).fetchone()[0]
        there.execute("INSERT INTO body VALUES (?, ?)", (number, artifact.body))
        if artifact.uses:
            add_all(there, "usage", [(url, number, package) for url in artifact.uses])
