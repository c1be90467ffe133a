"""AuditStore (storage.ports.audit): records that wait are added together, in one
statement a tenant.

Those of units of work are durable with the unit, in `outbox`, and brought to the trail before what
is added or read next. The row lock in `add_audit` gives numbers in the order of commit, so a reader
who goes on behind a number misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from careplane.kernel.errors import Busy
from careplane.storage.engines.postgres.sessions import Sessions
from careplane.storage.ports.audit import Together
from careplane.storage.ports.records import Tenant

_ADD = "SELECT add_audit($1::integer, $2::bytea[])"
_TAIL = "SELECT seq, record FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"
_IN_ONE = f"""SELECT min(seq), max(seq), string_agg(record, '' ORDER BY seq)
FROM ({_TAIL}) found"""
_COUNT = "SELECT waiting_audit()"
_TOGETHER = 2_000
_WAITING = 50_000


class Audit:
    """One process's."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: list[tuple[Tenant, bytes, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, tenant: Tenant, record: bytes) -> None:
        if len(self._waiting) > _WAITING:
            raise Busy("Too many audit records wait to be stored: try again in a moment")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((tenant, record, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())
        await asyncio.shield(future)

    async def waiting(self) -> int:
        """Records that are durable, and not in the trail yet."""
        return int(await self._sessions.retried(None, lambda c: c.fetchval(_COUNT)))

    async def tail(self, tenant: Tenant, after: int, count: int) -> Sequence[tuple[int, bytes]]:
        await self.gather(tenant)
        rows = await self._sessions.retried(tenant, lambda c: c.fetch(_TAIL, tenant, after, count))
        return [(seq, record) for seq, record in rows]

    async def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        await self.gather(tenant)
        row = await self._sessions.retried(
            tenant, lambda c: c.fetchrow(_IN_ONE, tenant, after, count)
        )
        first, last, records = row
        return None if first is None else Together(first, last, records)

    async def gather(self, tenant: Tenant) -> None:
        """Bring what waits in the outbox to the trail."""
        while await self._sessions.run(tenant, lambda c: c.fetchval(_ADD, tenant, [])):
            pass

    async def close(self) -> None:
        """Store what was accepted."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            for tenant in sorted({one for one, _, _ in some}):
                mine = [(record, future) for one, record, future in some if one == tenant]
                await self._add(tenant, *zip(*mine, strict=True))

    async def _add(
        self, tenant: Tenant, records: Sequence[bytes], futures: Sequence[asyncio.Future[None]]
    ) -> None:
        try:
            await self._sessions.run(tenant, lambda c: c.fetchval(_ADD, tenant, records))
        except Exception as error:
            for future in futures:
                future.set_exception(error)
                future.exception()  # whoever asked may have gone
        else:
            for future in futures:
                future.set_result(None)
