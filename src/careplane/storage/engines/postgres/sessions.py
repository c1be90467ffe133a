"""Connections to the database: a few of each kind, kept open with their statements prepared.

A connection that was lost is replaced at the next use. What may be done twice is then tried again;
where there is no database at all the answer is `Busy`, and the next request tries again.

Whoever takes a connection says for which tenant, and the session is told before anything else, for
the policies of the database (`wall`). It stays told, and the next one for the same tenant is given
that connection: work for one tenant, one after the other, costs no further round trip.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import asyncpg

from careplane.kernel.errors import Busy
from careplane.storage.engines.postgres.faults import DRIVER_ERRORS, translated
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

T = TypeVar("T")
TENANT = "careplane.tenant"
_GIVE = f"SELECT set_config('{TENANT}', $1, false)"
_UNTOLD = object()
_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_WAIT_SECONDS = 30.0
"""How long a request may wait for a free connection."""
_STATEMENTS = 500
_PLAIN = {
    "jit": "off",
    "idle_in_transaction_session_timeout": "60000",  # nobody keeps the others from writing
}

QUICK = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",  # a few rows each time, by their keys
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""For statements that have one good plan: it is made once."""
CAREFUL = {"plan_cache_mode": "force_custom_plan"}
"""For searches whose best way depends on what is asked."""


class Sessions:
    """Connections of one kind, for one event loop."""

    def __init__(
        self,
        url: str,
        size: int,
        settings: Mapping[str, str],
        prepare: Callable[[Connection], Awaitable[None]],
    ) -> None:
        self._url = url
        self._settings = {**_PLAIN, **settings}
        if "application_name=" not in url:
            self._settings["application_name"] = "careplane"
        self._prepare = prepare
        self._free: list[tuple[Connection, object]] = []
        self._room = asyncio.Semaphore(size)
        self._closed = False

    async def retried(self, tenant: Tenant | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        """As `run`, for what may be done twice: once more where the connection had gone."""
        try:
            return await self.run(tenant, work)
        except _Lost:
            return await self.run(tenant, work)

    async def run(self, tenant: Tenant | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What the work answers on a connection of its own; its errors in our words. The work sees
        rows of the tenant, of none where that is None."""
        if self._closed:
            raise Busy("The store is closing: try again")
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            raise Busy("Too many wait for the database: try again in a moment") from None
        try:
            return await self._with_one(tenant, work)
        finally:
            self._room.release()

    async def close(self) -> None:
        """Let go of the connections that are free; the others are closed when they become so."""
        self._closed = True
        free, self._free = self._free, []
        await asyncio.gather(*[_close(connection) for connection, _ in free])

    async def _with_one(
        self, tenant: Tenant | None, work: Callable[[Connection], Awaitable[T]]
    ) -> T:
        connection, told = self._taken(tenant)
        try:
            if connection is None or connection.is_closed():
                connection, told = None, _UNTOLD
                connection = await self.opened()
            if told != tenant:
                told = _UNTOLD
                await connection.execute(_GIVE, "" if tenant is None else str(int(tenant)))
                told = tenant
            answer = await work(connection)
        except BaseException as error:
            await self._after(connection, told, error)
            raise
        await self._give_back(connection, told)
        return answer

    def _taken(self, tenant: Tenant | None) -> tuple[Connection | None, object]:
        """A free connection, and the tenant that it was told: this one, if there is one."""
        free = self._free
        for n in range(len(free) - 1, -1, -1):
            if free[n][1] == tenant:
                return free.pop(n)
        return free.pop() if free else (None, _UNTOLD)

    async def _after(
        self, connection: Connection | None, told: object, error: BaseException
    ) -> None:
        """Raises in our words; what was in the middle of something is not used again."""
        lost = connection is not None and (connection.is_closed() or _ends(error))
        usable = connection is not None and not lost and isinstance(error, Exception)
        if connection is not None and usable and not connection.is_in_transaction():
            await self._give_back(connection, told)
        elif connection is not None:
            connection.terminate()
        if lost and isinstance(error, DRIVER_ERRORS):
            raise _Lost(translated(error, lost=True).text) from error
        if isinstance(error, DRIVER_ERRORS):
            raise translated(error) from error

    async def _give_back(self, connection: Connection, told: object) -> None:
        if self._closed:
            await _close(connection)
        else:
            self._free.append((connection, told))

    async def opened(self) -> Connection:
        """A new connection, which is the caller's alone to close. Raises what the driver does."""
        connection: Connection = await asyncpg.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            statement_cache_size=_STATEMENTS,
            max_cached_statement_lifetime=0,
            server_settings=self._settings,
        )
        try:
            await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


class _Lost(Busy):
    """The connection has gone."""


def _ends(error: BaseException) -> bool:
    """Whether the connection is of no more use, though it may not know it yet."""
    kinds = (asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.InternalClientError)
    return isinstance(error, kinds)


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (*DRIVER_ERRORS, asyncio.CancelledError):
        connection.terminate()
