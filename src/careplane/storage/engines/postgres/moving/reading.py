"""What a database holds, in order, on one connection; its errors in our words.

There is no index over `t` or `seq` of all tenants together, so ranges of them are asked for, tenant
by tenant, in one statement; both leave few gaps. Places are sorted once, by the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from careplane.kernel.errors import Incorrect
from careplane.storage.engines.postgres.faults import DRIVER_ERRORS, translated
from careplane.storage.engines.postgres.keys import PostgresKeys
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.versions import COLUMNS, to_version
from careplane.storage.ports.moving import Audited, Kept, Marks, NoteAt, Noted, Place
from careplane.storage.ports.records import Tenant, Version
from careplane.storage.ports.state import Entry

T = TypeVar("T")
TOGETHER = 500
_BYTES = 1 << 22
"""Compressed, of the bodies of one batch."""
_CONNECT_SECONDS = 5.0
_SETTINGS = {
    "application_name": "careplane",
    "jit": "off",
    "lock_timeout": "5000",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
_MARKS = """SELECT coalesce(max(rid), 0), coalesce(max(t), 0), coalesce(max(updated), 0),
(SELECT coalesce(max(coalesce(a.last, 0) + coalesce(o.waiting, 0)), 0) FROM audit_sequence a
  FULL JOIN (SELECT tenant, count(*) AS waiting FROM outbox GROUP BY tenant) o USING (tenant)),
(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM revision)
FROM sequence"""
_PLACES = "SELECT rid, tenant, type, id, born FROM resource WHERE rid > {} ORDER BY rid, tenant"
_SIZES = """SELECT tenant, t, octet_length(body) FROM version
WHERE tenant = ANY($1::integer[]) AND t > $2 AND t <= $3 ORDER BY t, tenant"""
_SIZES_OF_TYPE = """SELECT tenant, t, octet_length(body) FROM version
WHERE tenant = ANY($1::integer[]) AND type = $2 AND t > $3 ORDER BY t LIMIT $4"""
_VERSIONS = f"""SELECT {COLUMNS}, v.tenant, v.version = r.version
FROM unnest($1::integer[], $2::bigint[]) k(tenant, t)
JOIN version v ON v.tenant = k.tenant AND v.t = k.t
JOIN resource r ON r.tenant = v.tenant AND r.ident = v.ident ORDER BY v.t, v.tenant"""
_AUDIT = """SELECT seq, tenant, record FROM audit
WHERE tenant = ANY($1::integer[]) AND seq > $2 AND seq <= $3 ORDER BY seq, tenant"""
_WAITING = """SELECT
coalesce(last, 0) + row_number() OVER (PARTITION BY o.tenant ORDER BY id) AS seq, o.tenant, record
FROM outbox o LEFT JOIN audit_sequence a ON a.tenant = o.tenant
ORDER BY seq, o.tenant"""
_STATE = """SELECT space, tenant, key, value, revision FROM state
WHERE (space, tenant, key) > ($1, $2, $3) ORDER BY space, tenant, key LIMIT $4"""
_BEFORE_ALL = ("", -1, "")


async def connected(url: str) -> Connection:
    """A connection for one long work. Raises Busy or Fault, and Incorrect for what is no address;
    its text never has the address, which may hold a password."""
    try:
        with complaints():
            connection: Connection = await asyncpg.connect(
                url, timeout=_CONNECT_SECONDS, server_settings=_SETTINGS
            )
            return connection
    except ValueError:
        raise Incorrect(
            "The address of the database cannot be understood: it looks like "
            "postgresql://user@host:5432/name."
        ) from None


@contextmanager
def complaints(connection: Connection | None = None) -> Iterator[None]:
    """Turns the driver's errors into ours."""
    try:
        yield
    except asyncpg.ClientConfigurationError:
        raise  # of the address, see `connected`
    except DRIVER_ERRORS as error:
        lost = connection is not None and connection.is_closed()
        raise translated(error, lost=lost) from error


class Reading:
    """The reading half of a move."""

    connection: Connection

    def __init__(self, root: bytes, folder: Path | None = None) -> None:
        self._keys = PostgresKeys(self._on, root, folder, enforced=True)
        self._cursors = 0

    async def marks(self) -> Marks:
        with complaints(self.connection):
            row = await self.connection.fetchrow(_MARKS)
        assert row is not None
        return Marks(row[0], row[1], row[2] * 1000, row[3], row[4])

    async def places(self, after: int = 0) -> AsyncIterator[Sequence[Place]]:
        async for rows in self._sorted(_PLACES.format(after)):
            yield [Place(*row) for row in rows]

    async def versions(
        self, after: int = 0, type: str | None = None
    ) -> AsyncIterator[Sequence[Kept]]:
        sizes = self._ranges("version", "t", _SIZES, after)
        if type is not None:
            sizes = self._of_type(type, after)
        async for rows in sizes:
            for some in _cut(rows):
                yield await self._kept(some)

    async def audited(self, after: int = 0) -> AsyncIterator[Sequence[Audited]]:
        async for rows in self._ranges("audit", "seq", _AUDIT, after):
            yield [Audited(*row) for row in rows]
        async for rows in self._sorted(_WAITING):
            if found := [Audited(*row) for row in rows if row[0] > after]:
                yield found

    async def noted(self, after: NoteAt | None = None) -> AsyncIterator[Sequence[Noted]]:
        at: Sequence[Any] = after or _BEFORE_ALL
        while rows := await self._fetch(_STATE, *at, TOGETHER):
            yield [Noted(row[0], row[1], Entry(*row[2:])) for row in rows]
            at = rows[-1][:3]

    async def _kept(self, places: Sequence[Any]) -> list[Kept]:
        rows = await self._fetch(_VERSIONS, [p[0] for p in places], [p[1] for p in places])
        for tenant in {row[7] for row in rows}:
            await self._keys.ready(tenant, [row for row in rows if row[7] == tenant])
        return [Kept(row[7], self._version(row), row[8]) for row in rows]

    def _version(self, row: Sequence[Any]) -> Version:
        return to_version(row, self._keys.bodies, row[7])

    async def _on(self, tenant: Tenant | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        with complaints(self.connection):
            return await work(self.connection)

    async def _ranges(
        self, table: str, column: str, text: str, after: int
    ) -> AsyncIterator[Sequence[Any]]:
        tenants = await self._tenants(table)
        newest = f"SELECT max({column}) FROM {table} WHERE tenant = $1"
        last = max([await self._value(newest, tenant) for tenant in tenants], default=0)
        while after < last:
            if rows := await self._fetch(text, tenants, after, after + TOGETHER):
                yield rows
            after += TOGETHER

    async def _tenants(self, table: str) -> list[int]:
        """By jumps in an index that begins with the tenant."""
        rows = await self._fetch(
            f"WITH RECURSIVE found(tenant) AS ((SELECT min(tenant) FROM {table}) UNION ALL SELECT "
            f"(SELECT min(tenant) FROM {table} x WHERE x.tenant > found.tenant) FROM found "
            "WHERE tenant IS NOT NULL) SELECT tenant FROM found WHERE tenant IS NOT NULL"
        )
        return [row[0] for row in rows]

    async def _of_type(self, type: str, after: int) -> AsyncIterator[Sequence[Any]]:
        tenants = await self._tenants("version")
        while rows := await self._fetch(_SIZES_OF_TYPE, tenants, type, after, TOGETHER):
            yield rows
            after = rows[-1][1]

    async def _sorted(self, text: str) -> AsyncIterator[Sequence[Any]]:
        """Sorted once, kept by the database, and fetched in parts."""
        self._cursors += 1
        name = f"sorted_{self._cursors}"
        with complaints(self.connection):
            await self.connection.execute(f"DECLARE {name} CURSOR WITH HOLD FOR {text}")
        while rows := await self._fetch(f"FETCH {TOGETHER} FROM {name}"):
            yield rows
        with complaints(self.connection):
            await self.connection.execute(f"CLOSE {name}")

    async def _fetch(self, text: str, *args: Any) -> list[Any]:
        with complaints(self.connection):
            found: list[Any] = await self.connection.fetch(text, *args)
            return found

    async def _value(self, text: str, *args: Any) -> Any:
        with complaints(self.connection):
            return await self.connection.fetchval(text, *args)


def _cut(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """In parts whose bodies are not too large together."""
    start = size = 0
    for n, row in enumerate(rows):
        if n > start and size + row[2] > _BYTES:
            yield rows[start:n]
            start, size = n, 0
        size += row[2]
    yield rows[start:]
