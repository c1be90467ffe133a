"""Services that run beside the requests, on one process of an installation at a time.

Every serving process asks for the lease; the one that holds it runs the services and renews it, and
another takes over when it has not been renewed for a while. Whoever leads also tries to hold a lock
that ends with its process, and says so in the lease: who then gets the lock knows that the other
has ended, and need not wait. A service must bear to be ended at any moment and begun again
elsewhere: what it has done it notes in the StateStore.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.kernel.ids import new_id
from careplane.kernel.observe import describe
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

Service = Callable[[], Awaitable[None]]
"""Runs until it is cancelled; what it raises is logged, and it is begun again."""

_NOBODY = Tenant(0)
_SPACE, _KEY = "lease", "background"
LEASE = (_SPACE, _NOBODY, _KEY)
"""Where the lease stands in a StateStore."""
_HELD_MICROSECONDS = 15_000_000
_RENEWED_SECONDS, _ASKED_SECONDS = 5.0, 1.0
_AGAIN_SECONDS = 2.0
_log = logging.getLogger(__name__)


class _Lease(msgspec.Struct, array_like=True):
    """Who holds it, and until when (microseconds since 1970); `locked`: he holds the lock, too, as
    long as he leads."""

    holder: str
    until: int
    locked: bool = False


def is_held(value: bytes, now: int) -> bool:
    """Whether a lease that stands there has not run out."""
    return msgspec.msgpack.decode(value, type=_Lease).until > now


async def release(state: StateStore) -> None:
    """Drop a lease that came with a copy: whoever held it does not serve the copy. Closes the
    store."""
    try:
        entry = await state.get(_NOBODY, _SPACE, _KEY)
        if entry is not None:
            await state.drop(_NOBODY, _SPACE, _KEY, entry.revision)
    finally:
        await state.close()


class Background:
    """The services of one process, and its share of the lease."""

    def __init__(self, state: StateStore, clock: Clock, services: Sequence[Service]) -> None:
        self._state = state
        self._clock = clock
        self._services = services
        self._me = new_id()
        self._lock = state.lock(_KEY)
        self._locked = False
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
        await self._lock.release()

    async def _keep(self) -> None:
        renewed = 0.0
        while True:
            held = await self._hold()
            if self._locked and not held:
                await self._rest()  # others may take it for our end
            if not self._running or time.monotonic() - renewed >= _RENEWED_SECONDS:
                renewed = time.monotonic()
                if not await self._asked(held):
                    await self._rest()
                    if held:
                        await self._lock.release()  # so that who leads can have it
                elif not self._running:
                    self._running = [asyncio.create_task(_endless(one)) for one in self._services]
            await asyncio.sleep(min(_ASKED_SECONDS, _RENEWED_SECONDS))

    async def _hold(self) -> bool:
        try:
            return await self._lock.hold()
        except (CareplaneError, OSError):
            return False

    async def _asked(self, held: bool) -> bool:
        """Whether this one leads from now on."""
        try:
            async with asyncio.timeout(_HELD_MICROSECONDS / 1_000_000 - _RENEWED_SECONDS):
                return await self._take(held)
        except (CareplaneError, TimeoutError):
            return False  # nobody can tell who leads: rest until it is known

    async def _take(self, held: bool) -> bool:
        entry = await self._state.get(_NOBODY, _SPACE, _KEY)
        now = self._clock()
        if entry is not None:
            lease = msgspec.msgpack.decode(entry.value, type=_Lease)
            ended = lease.locked and held
            if lease.holder != self._me and lease.until > now and not ended:
                return False
        value = msgspec.msgpack.encode(_Lease(self._me, now + _HELD_MICROSECONDS, held))
        expect = entry.revision if entry else 0
        taken = await self._state.put(_NOBODY, _SPACE, _KEY, value, expect) is not None
        self._locked = taken and held
        return taken

    async def _give_back(self) -> None:
        entry = await self._state.get(_NOBODY, _SPACE, _KEY)
        if entry and msgspec.msgpack.decode(entry.value, type=_Lease).holder == self._me:
            await self._state.drop(_NOBODY, _SPACE, _KEY, entry.revision)

    async def _rest(self) -> None:
        running, self._running, self._locked = self._running, [], False
        await _ended(running)


async def _endless(service: Service) -> None:
    while True:
        try:
            await service()
        except Exception as error:
            _log.error("A service has failed and is begun again: %s", describe(error))
        await asyncio.sleep(_AGAIN_SECONDS)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
