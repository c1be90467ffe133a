"""Services that run beside the requests, on one process of an installation at a time.

Every serving process asks for the lease; the one that holds it runs the services and renews it, and
another takes over when it has not been renewed for a while. A service must bear to be ended at any
moment and begun again elsewhere: what it has done it notes in the StateStore.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec
import structlog

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.kernel.ids import new_id
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

Service = Callable[[], Awaitable[None]]
"""Runs until it is cancelled; what it raises is logged, and it is begun again."""

_NOBODY = Tenant(0)
_SPACE, _KEY = "lease", "background"
LEASE = (_SPACE, _NOBODY, _KEY)
"""Where the lease stands in a StateStore."""
_HELD_MICROSECONDS = 15_000_000
_RENEWED_SECONDS = 5.0
_AGAIN_SECONDS = 2.0
_log = structlog.get_logger("careplane.background")


class _Lease(msgspec.Struct, array_like=True):
    """Who holds it, and until when (microseconds since 1970)."""

    holder: str
    until: int


def is_held(value: bytes, now: int) -> bool:
    """Whether a lease that stands there has not run out."""
    return msgspec.msgpack.decode(value, type=_Lease).until > now


class Background:
    """The services of one process, and its share of the lease."""

    def __init__(self, state: StateStore, clock: Clock, services: Sequence[Service]) -> None:
        self._state = state
        self._clock = clock
        self._services = services
        self._me = new_id()
        self._keeping: asyncio.Task[None] | None = None
        self._running: list[asyncio.Task[None]] = []

    @property
    def leads(self) -> bool:
        """Whether this process runs the services now."""
        return bool(self._running)

    def start(self) -> None:
        """Ask for the lease from now on."""
        if self._services:
            self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the services, and leave the lease to others."""
        if self._keeping is None:
            return
        await _ended([self._keeping])
        await self._rest()
        with suppress(CareplaneError):
            await self._give_back()

    async def _keep(self) -> None:
        while True:
            try:
                holds = await self._take()
            except CareplaneError:
                holds = False  # nobody can tell who leads: rest until it is known
            if holds and not self._running:
                self._running = [asyncio.create_task(_endless(one)) for one in self._services]
            elif not holds:
                await self._rest()
            await asyncio.sleep(_RENEWED_SECONDS)

    async def _take(self) -> bool:
        entry = await self._state.get(_NOBODY, _SPACE, _KEY)
        now = self._clock()
        if entry is not None:
            lease = msgspec.msgpack.decode(entry.value, type=_Lease)
            if lease.holder != self._me and lease.until > now:
                return False
        value = msgspec.msgpack.encode(_Lease(self._me, now + _HELD_MICROSECONDS))
        expect = entry.revision if entry else 0
        return await self._state.put(_NOBODY, _SPACE, _KEY, value, expect) is not None

    async def _give_back(self) -> None:
        entry = await self._state.get(_NOBODY, _SPACE, _KEY)
        if entry and msgspec.msgpack.decode(entry.value, type=_Lease).holder == self._me:
            await self._state.drop(_NOBODY, _SPACE, _KEY, entry.revision)

    async def _rest(self) -> None:
        running, self._running = self._running, []
        await _ended(running)


async def _endless(service: Service) -> None:
    while True:
        try:
            await service()
        except Exception as error:
            _log.error("A service has failed and is begun again", error=type(error).__name__)
        await asyncio.sleep(_AGAIN_SECONDS)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
