"""The way to one participant: a bounded queue that one task empties."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

_MOST = 512
SLOW = 1013


class Queued:
    """A `room.Line`. `write` sends a message; it may wait, and whatever it raises ends the line."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self._queue: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._closing = False

    def send(self, message: bytes) -> None:
        """Queue a message; with too many the participant is too slow and closes."""
        if self._closing:
            return
        if self._queue.qsize() >= _MOST:
            self.close(SLOW)
        else:
            self._queue.put_nowait(message)

    def close(self, code: int) -> None:
        """After what is queued."""
        if not self._closing:
            self._closing = True
            self._queue.put_nowait(code)

    async def run(self) -> int:
        """Until it is closed: the code to close with; 0 where it cannot be written to."""
        with suppress(OSError, RuntimeError, EOFError):
            while True:
                item = await self._queue.get()
                if isinstance(item, int):
                    return item
                await self._write(item)
        return 0
