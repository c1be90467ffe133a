"""Does for the media server of one room what the room itself may not wait for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from careplane.kernel.observe import describe
from careplane.telehealth.visits.media.port import Media, Unreachable
from careplane.telehealth.visits.room import Room

_log = logging.getLogger(__name__)
_EVERY = 5.0
"""Seconds after which it is looked who is on the server, if nothing happens before."""


class Minder:
    """One task, as long as the room is in this process."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._answers = True

    def stir(self) -> None:
        """There is something to do."""
        self._stirred.set()

    def start(self, room: Room) -> None:
        """From now on."""
        self._task = asyncio.create_task(self._mind(room))

    async def stop(self) -> None:
        """Another process has the room now."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def end(self, room: Room) -> None:
        """Nobody is in it any more."""
        await self.stop()
        if room.growth.is_large:
            await self._try(self._media.close)

    async def _mind(self, room: Room) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._stirred.wait()
            self._stirred.clear()
            if room.over:
                return
            if room.growth.opening:
                if await self._try(self._media.open):
                    room.grown()
                else:
                    room.not_grown()
            elif room.growth.is_large:
                await self._try(lambda: self._media.hold(room.stays))

    async def _try(self, what: Callable[[], Awaitable[None]]) -> bool:
        """Whether it was done; that it was not is in the log once."""
        try:
            await what()
        except Unreachable as error:
            if self._answers:
                _log.warning("Larger groups cannot meet: %s", describe(error))
            self._answers = False
        else:
            self._answers = True
        return self._answers
