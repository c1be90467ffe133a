"""StateStore (storage.ports.state) on PostgreSQL: each change is one statement on one row.

A revision comes of a sequence, so it is never given twice; a change on condition waits for whoever
is changing the same row, and then looks at what that one has left.
"""

from __future__ import annotations

from collections.abc import Sequence

from careplane.storage.engines.postgres.lock import SessionLock
from careplane.storage.engines.postgres.migrate import migrate, require_whole
from careplane.storage.engines.postgres.sessions import QUICK, Connection, Sessions
from careplane.storage.engines.postgres.wall import enter
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry

_GET = "SELECT key, value, revision FROM state WHERE space = $1 AND tenant = $2 AND key = $3"
_SCAN_ALL = "SELECT tenant, key, value, revision FROM state_of_all($1, $2)"
_SCAN = """SELECT tenant, key, value, revision FROM state
WHERE space = $1 AND tenant = $2 AND key > $3 ORDER BY key LIMIT $4"""
_SET = "SET revision = excluded.revision, value = excluded.value"
_NEW = """INSERT INTO state (tenant, space, key, revision, value)
VALUES ($1, $2, $3, nextval('revision'), $4) ON CONFLICT (space, tenant, key)"""
_PUT = f"{_NEW} DO UPDATE {_SET} RETURNING revision"
_ADD = f"{_NEW} DO NOTHING RETURNING revision"
_CHANGE = """UPDATE state SET revision = nextval('revision'), value = $4
WHERE tenant = $1 AND space = $2 AND key = $3 AND revision = $5 RETURNING revision"""
_DROP = """DELETE FROM state WHERE tenant = $1 AND space = $2 AND key = $3
AND ($4::bigint IS NULL OR revision = $4) RETURNING 1"""


class PostgresState:
    """What services remember."""

    def __init__(self, url: str) -> None:
        self._sessions = Sessions(url, 2, QUICK, _prepare)

    async def get(self, tenant: Tenant, space: str, key: str) -> Entry | None:
        row = await self._sessions.retried(tenant, lambda c: c.fetchrow(_GET, space, tenant, key))
        return Entry(*row) if row else None

    async def scan(
        self, tenant: Tenant | None, space: str, after: str = "", count: int = 1000
    ) -> Sequence[tuple[Tenant, Entry]]:
        if tenant is None:
            rows = await self._sessions.retried(None, lambda c: c.fetch(_SCAN_ALL, space, count))
        else:
            rows = await self._sessions.retried(
                tenant, lambda c: c.fetch(_SCAN, space, tenant, after, count)
            )
        return [(Tenant(row[0]), Entry(*row[1:])) for row in rows]

    async def put(
        self, tenant: Tenant, space: str, key: str, value: bytes, expect: int | None = None
    ) -> int | None:
        args: tuple[object, ...] = (tenant, space, key, value)
        text = _PUT if expect is None else _ADD
        if expect:
            text, args = _CHANGE, (*args, expect)
        revision: int | None = await self._sessions.run(tenant, lambda c: c.fetchval(text, *args))
        return revision

    async def drop(self, tenant: Tenant, space: str, key: str, expect: int | None = None) -> bool:
        if expect == 0:
            return False
        done = await self._sessions.run(
            tenant, lambda c: c.fetchval(_DROP, tenant, space, key, expect)
        )
        return done is not None

    def lock(self, name: str) -> SessionLock:
        return SessionLock(self._sessions, name)

    async def close(self) -> None:
        await self._sessions.close()


async def _prepare(connection: Connection) -> None:
    await migrate(connection)
    await require_whole(connection)
    await enter(connection)
