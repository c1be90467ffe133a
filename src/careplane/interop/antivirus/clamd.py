"""ClamAV, over the INSTREAM command of its daemon (clamd(8)): one connection a file.

    zINSTREAM\\0 (length, four bytes big-endian, and so many bytes)* 00000000  ->  stream: OK\\0

A file in which something is found is answered with `stream: NAME FOUND`, what could not be looked
through with `... ERROR`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from careplane.kernel.errors import Busy, Incorrect, TooLarge

_log = logging.getLogger(__name__)
_COMMAND = b"zINSTREAM\0"
_PIECE = 1 << 16
_SECONDS = 60.0
_OPEN_SECONDS = 5.0
_AT_ONCE = 8
_LONGEST = 1_024
_TCP = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})", re.ASCII)
_FOUND = re.compile(rb"stream: ([\x20-\x7e]{1,200}) FOUND")
_LOST = (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError)
_Opened: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Opener: TypeAlias = Callable[[], Awaitable[_Opened]]


def opener(address: str) -> Opener:
    """How to reach clamd: `host:port`, or the path of a Unix socket. Raises Incorrect."""
    if address.startswith("/"):
        return lambda: asyncio.open_unix_connection(address, limit=_LONGEST)
    found = _TCP.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 65_536:
        raise Incorrect(
            f"CAREPLANE_CLAMD: {address[:100]!r} is no address; write 127.0.0.1:3310, or the path "
            "of a socket such as /run/clamav/clamd.ctl."
        )
    host, port = found[1].strip("[]"), int(found[2])
    return lambda: asyncio.open_connection(host, port, limit=_LONGEST)


class Clamd:
    """A records.scanning.Scanner. `required`: what nobody can look through is refused; else it
    passes, and the log says that it did."""

    def __init__(self, open: Opener, *, required: bool) -> None:
        self._open = open
        self._required = required
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def scan(self, file: bytes) -> str | None:
        """See Scanner. Raises TooLarge for a file that clamd takes none of this size of."""
        try:
            async with self._room, asyncio.timeout(_SECONDS):
                answer = await self._asked(file)
        except _LOST as error:
            self._unknown(type(error).__name__)
            return None
        if answer == b"stream: OK":
            return None
        if found := _FOUND.fullmatch(answer):
            return found[1].decode()
        if answer.endswith(b"size limit exceeded. ERROR"):
            raise TooLarge("The file is larger than those that are looked through for malware.")
        self._unknown("an answer that says neither OK nor FOUND")
        return None

    def _unknown(self, reason: str) -> None:
        if self._required:
            _log.warning("clamd could not look through a file, which was refused: %s", reason)
            raise Busy("Files cannot be looked through for malware now; send the file again.")
        _log.warning("clamd could not look through a file, which was stored: %s", reason)

    async def _asked(self, file: bytes) -> bytes:
        async with asyncio.timeout(_OPEN_SECONDS):
            reader, writer = await self._open()
        answer = asyncio.ensure_future(reader.readuntil(b"\0"))
        try:
            with suppress(ConnectionError):  # it may have said why before it closed
                await _sent(writer, file, answer)
            return (await answer)[:-1]
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _sent(writer: asyncio.StreamWriter, file: bytes, answer: asyncio.Future[bytes]) -> None:
    """As much of a file as is asked for: who has answered has seen enough."""
    writer.write(_COMMAND)
    for at in range(0, len(file), _PIECE):
        if answer.done():
            return
        piece = file[at : at + _PIECE]
        writer.write(len(piece).to_bytes(4) + piece)
        await writer.drain()
    writer.write(bytes(4))
    await writer.drain()
