"""A lock that ends with its connection: an advisory lock of a session.

The server ends the session where the process has died. Where the connection is lost and the process
lives, it learns so with its next look, which is due once a second; so nobody is told that he holds
the lock before he has had it for a while.
"""

from __future__ import annotations

import asyncio
import time

from careplane.storage.engines.postgres.faults import DRIVER_ERRORS
from careplane.storage.engines.postgres.sessions import Connection, Sessions

_CLASS = 7_203_119
_TAKE = "SELECT pg_try_advisory_lock($1, hashtext(current_schema() || '/' || $2))"
_ALIVE = "SELECT 1"
_SECONDS = 2.0
"""How long an answer may take."""
_BEFORE_SECONDS = 4.0
"""Above the time in which who had it before must have heard that it is lost."""


class SessionLock:
    """Keeps a connection for itself."""

    def __init__(self, sessions: Sessions, name: str) -> None:
        self._sessions = sessions
        self._name = name
        self._connection: Connection | None = None
        self._since: float | None = None

    async def hold(self) -> bool:
        try:
            async with asyncio.timeout(_SECONDS):
                await self._look()
        except DRIVER_ERRORS:
            await self.release()
        return self._since is not None and time.monotonic() - self._since >= _BEFORE_SECONDS

    async def release(self) -> None:
        connection, self._connection, self._since = self._connection, None, None
        if connection is not None:
            connection.terminate()

    async def _look(self) -> None:
        if self._connection is None:
            self._connection = await self._sessions.opened()
        if self._since is not None:
            await self._connection.fetchval(_ALIVE)
        elif await self._connection.fetchval(_TAKE, _CLASS, self._name):
            self._since = time.monotonic()
