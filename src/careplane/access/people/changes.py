"""What every process must forget soon: sessions that have ended, users who are not what they were.

One small value counts the changes and names the last ones, so a process that looks once a second
forgets those and no others, and everything where it has missed too many. One that could not look
for some seconds lets nobody in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError
from careplane.kernel.observe import describe
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_NOBODY = Tenant(0)
_SPACE, _KEY = "people-changed", "last"
_LOOKED_SECONDS, _LOOKING_SECONDS = 1.0, 2.0
_BLIND_MICROSECONDS = 5_000_000
_NAMED = 256
_encode = msgspec.msgpack.encode
_log = logging.getLogger(__name__)

Forget = Callable[[Sequence[str] | None], None]
"""Hears the names that have changed; None where it may be all of them."""


class _Told(Struct, frozen=True, array_like=True):
    count: int
    names: tuple[str, ...]


_told = msgspec.msgpack.Decoder(_Told).decode


class Changes:
    """What one process knows of them."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._known = -1
        self._looked = 0
        self._watching: asyncio.Task[None] | None = None
        self.forget: Forget = lambda names: None

    def require_sight(self) -> None:
        """Raises Busy where this process has been blind for too long."""
        if self._watching is not None and self._clock() - self._looked > _BLIND_MICROSECONDS:
            raise Busy("It is not known now whether the session has ended; come again.")

    async def tell(self, name: str) -> None:
        """Something of this name has changed: here at once, elsewhere within seconds."""
        while True:
            entry = await self._state.get(_NOBODY, _SPACE, _KEY)
            now = _told(entry.value) if entry else _Told(0, ())
            then = _Told(now.count + 1, (*now.names, name)[-_NAMED:])
            expect = entry.revision if entry else 0
            if await self._state.put(_NOBODY, _SPACE, _KEY, _encode(then), expect):
                break
        await self.look()

    async def look(self) -> None:
        """Learn what has changed."""
        began = self._clock()
        entry = await self._state.get(_NOBODY, _SPACE, _KEY)
        now = _told(entry.value) if entry else _Told(0, ())
        missed = now.count - self._known
        if missed:
            known = self._known >= 0 and 0 < missed <= len(now.names)
            self.forget(now.names[-missed:] if known else None)
            self._known = now.count
        self._looked = began

    async def watch(self) -> None:
        """Look now and every second, and from now on let nobody in while nothing can be seen."""
        if self._watching is None:
            await self._look_again()
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOKED_SECONDS)
            await self._look_again()

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(_LOOKING_SECONDS):
                await self.look()
        except (CareplaneError, OSError) as error:  # a TimeoutError is an OSError
            _log.warning("Ended sessions cannot be looked up: %s", describe(error))
