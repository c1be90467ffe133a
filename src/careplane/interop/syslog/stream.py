"""One connection to a receiver: TLS, frames with their length (RFC 5425)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress

from careplane.interop.syslog.message import frame

_OPEN_SECONDS = 10.0
_SEND_SECONDS = 30.0
LOST = (OSError, TimeoutError, EOFError, asyncio.IncompleteReadError)
"""What says that the connection is gone."""


class Stream:
    """Made by `opened`. Whoever receives says nothing, so anything that comes, and an end of the
    connection, ends it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._ended = asyncio.ensure_future(reader.read(1))

    @classmethod
    async def opened(cls, host: str, port: int, context: ssl.SSLContext) -> Stream:
        """A connection. Raises one of LOST."""
        async with asyncio.timeout(_OPEN_SECONDS):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=host
            )
        return cls(reader, writer)

    async def send(self, messages: Iterable[bytes]) -> None:
        """Returns when they are on their way; a receiver that takes none keeps it waiting, at
        most half a minute. Raises one of LOST."""
        self.require()
        async with asyncio.timeout(_SEND_SECONDS):
            for one in messages:
                self._writer.write(frame(one))
                await self._writer.drain()
        self.require()

    def require(self) -> None:
        """Raises EOFError where the other side has ended it."""
        if self._ended.done():
            raise EOFError("The receiver has closed the connection")

    async def close(self) -> None:
        """Let go."""
        self._ended.cancel()
        self._writer.close()
        with suppress(*LOST):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()


def context(authority: str = "", certificate: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer, with the receiver's certificate checked against `authority` (a PEM file;
    empty: those of the system); `certificate` is a PEM file with our own and its key."""
    made = ssl.create_default_context(cafile=authority or None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        made.load_cert_chain(certificate)
    return made
