"""What each institution has used: requests, and processor time, noted in the StateStore.

The time that a process has spent since the last note is shared out among the institutions by how
long their requests took, so it is an estimate: what a request waits for counts as what it computes.
Time of helper processes, and of a database, is not in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_SPACE, _KEY = "tenant-use", "all"
_NOTED_SECONDS = 10.0
_encode = msgspec.msgpack.encode
Counted = Callable[[], Mapping[int, tuple[int, float]]]
"""Requests and seconds by the number of a tenant, since the start of the process."""


class Use(Struct, frozen=True):
    """Since a moment, in microseconds since 1970; `seconds` are of processor time."""

    since: int
    requests: int = 0
    seconds: float = 0.0


_decode = msgspec.msgpack.Decoder(Use).decode


async def used(state: StateStore, tenant: Tenant) -> Use | None:
    """All that is noted of a tenant."""
    entry = await state.get(tenant, _SPACE, _KEY)
    return _decode(entry.value) if entry else None


class Usage:
    """Of one process."""

    def __init__(
        self,
        counted: Counted,
        state: StateStore,
        clock: Clock,
        spent: Callable[[], float] = time.process_time,
    ) -> None:
        self._counted = counted
        self._state = state
        self._clock = clock
        self._spent = spent
        self._noted: dict[int, tuple[int, float]] = {}
        self._at = spent()
        self._since = clock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Note it from now on."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Note what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            with suppress(CareplaneError):
                await self.note()

    async def note(self) -> None:
        """Add what came since the last note."""
        now, spent = dict(self._counted()), self._spent()
        before = self._noted
        news = {
            tenant: (
                requests - before.get(tenant, (0, 0.0))[0],
                s - before.get(tenant, (0, 0.0))[1],
            )
            for tenant, (requests, s) in now.items()
        }
        whole = sum(seconds for _, seconds in news.values())
        share = (spent - self._at) / whole if whole else 0.0
        self._noted, self._at = now, spent
        for tenant, (requests, seconds) in news.items():
            if requests:
                await self._add(Tenant(tenant), requests, seconds * share)

    async def _add(self, tenant: Tenant, requests: int, seconds: float) -> None:
        while True:
            entry = await self._state.get(tenant, _SPACE, _KEY)
            old = _decode(entry.value) if entry else Use(self._since)
            new = Use(old.since, old.requests + requests, old.seconds + seconds)
            revision = entry.revision if entry else 0
            if await self._state.put(tenant, _SPACE, _KEY, _encode(new), revision):
                return

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_NOTED_SECONDS)
            with suppress(CareplaneError):  # some of it is lost then
                await self.note()
