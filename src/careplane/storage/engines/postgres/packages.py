"""PackageStore (storage.ports.packages) on PostgreSQL. A change is one transaction, which holds the
row of `package_head`, so that changes of two processes come one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from careplane.storage.engines.postgres.migrate import migrate, require_whole
from careplane.storage.engines.postgres.sessions import QUICK, Connection, Sessions
from careplane.storage.ports.packages import Artifact, Filed, Package

_EPOCH = "SELECT epoch FROM package_head"
_HELD = f"{_EPOCH} FOR UPDATE"
_CHANGED = "UPDATE package_head SET epoch = epoch + 1"
_ALL = """SELECT name, version, asked, added, manifest, pins FROM package
ORDER BY name COLLATE "C", version COLLATE "C" """
_ID = "SELECT id FROM package WHERE name = $1 AND version = $2"
_ADD = """INSERT INTO package (name, version, asked, added, manifest, pins)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"""
_FILE = """INSERT INTO package_artifact (package, header)
SELECT $1, header FROM unnest($2::bytea[]) WITH ORDINALITY u(header, n) ORDER BY n
RETURNING number"""
_BODIES = "INSERT INTO package_body SELECT * FROM unnest($1::bigint[], $2::bytea[])"
_USAGES = """INSERT INTO package_usage
SELECT url, number, $3 FROM unnest($1::text[], $2::bigint[]) u(url, number)
ON CONFLICT DO NOTHING"""
_MARK = "UPDATE package SET asked = $2, pins = $3 WHERE id = $1"
_HEADERS = """SELECT a.number, p.name, p.version, a.header
FROM package_artifact a JOIN package p ON p.id = a.package
WHERE a.number > $1 ORDER BY a.number LIMIT $2"""
_BODY = "SELECT data FROM package_body WHERE number = $1"
_USERS = "SELECT number FROM package_usage WHERE url = $1 ORDER BY number"
_REMOVE = (
    "DELETE FROM package_usage WHERE package = $1",
    """DELETE FROM package_body
    WHERE number IN (SELECT number FROM package_artifact WHERE package = $1)""",
    "DELETE FROM package_artifact WHERE package = $1",
    "DELETE FROM package WHERE id = $1",
)


class PostgresPackages:
    """The packages of one database. `half`: which is being filled from elsewhere."""

    def __init__(self, url: str, *, half: bool = False) -> None:
        self._sessions = Sessions(url, 2, QUICK, migrate if half else _prepare)

    async def epoch(self) -> int:
        return int(await self._sessions.retried(None, lambda c: c.fetchval(_EPOCH)))

    async def packages(self) -> Sequence[Package]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_ALL))
        return [Package(*row) for row in rows]

    async def add(self, package: Package, batches: Iterable[Sequence[Artifact]]) -> bool:
        async def work(connection: Connection) -> bool:
            if await connection.fetchval(_ID, package.name, package.version) is not None:
                return False
            row = (package.name, package.version, package.asked, package.added)
            id = await connection.fetchval(_ADD, *row, package.manifest, package.pins)
            drawn = iter(batches)
            while (batch := await asyncio.to_thread(_next, drawn)) is not None:
                await _put(connection, id, batch)
            return True

        return await self._change(work)

    async def mark(self, name: str, version: str, *, asked: bool, pins: bytes) -> bool:
        async def work(connection: Connection) -> bool:
            id = await connection.fetchval(_ID, name, version)
            if id is not None:
                await connection.execute(_MARK, id, asked, pins)
            return id is not None

        return await self._change(work)

    async def remove(self, name: str, version: str) -> bool:
        async def work(connection: Connection) -> bool:
            id = await connection.fetchval(_ID, name, version)
            for sql in _REMOVE if id is not None else ():
                await connection.execute(sql, id)
            return id is not None

        return await self._change(work)

    async def headers(self, after: int = 0, count: int = 1000) -> Sequence[Filed]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_HEADERS, after, count))
        return [Filed(*row) for row in rows]

    async def body(self, number: int) -> bytes | None:
        found: bytes | None = await self._sessions.retried(
            None, lambda c: c.fetchval(_BODY, number)
        )
        return found

    async def users(self, url: str) -> Sequence[int]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_USERS, url))
        return [row[0] for row in rows]

    async def close(self) -> None:
        await self._sessions.close()

    async def _change(self, work: Callable[[Connection], Awaitable[bool]]) -> bool:
        async def whole(connection: Connection) -> bool:
            async with connection.transaction():
                await connection.execute(_HELD)
                done = await work(connection)
                if done:
                    await connection.execute(_CHANGED)
                return done

        return await self._sessions.run(None, whole)


async def _put(connection: Connection, package: int, batch: Sequence[Artifact]) -> None:
    if not batch:
        return
    rows = await connection.fetch(_FILE, package, [artifact.header for artifact in batch])
    numbers = [row[0] for row in rows]
    await connection.execute(_BODIES, numbers, [artifact.body for artifact in batch])
    pairs = [(url, n) for n, artifact in zip(numbers, batch, strict=True) for url in artifact.uses]
    if pairs:
        await connection.execute(_USAGES, *map(list, zip(*pairs, strict=True)), package)


def _next(batches: Iterator[Sequence[Artifact]]) -> Sequence[Artifact] | None:
    return next(batches, None)


async def _prepare(connection: Connection) -> None:
    await migrate(connection)
    await require_whole(connection)
