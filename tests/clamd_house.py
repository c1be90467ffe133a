"""A clamd that finds what it is told to find, and speaks INSTREAM as clamd(8) has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

MALWARE = b"malware for tests"
NAME = "Test.Malware-1"


@dataclass
class Daemon:
    """`files` are those that it has looked through, whole; `answer` says what of one, without the
    NUL at its end."""

    files: list[bytes] = field(default_factory=list)
    largest: int = 1 << 20
    answer: Callable[[bytes], bytes] = lambda file: (
        f"stream: {NAME} FOUND".encode() if MALWARE in file else b"stream: OK"
    )

    _served: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        try:
            await self.talk(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command."""
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        file = b""
        while size := int.from_bytes(await reader.readexactly(4)):
            file += await reader.readexactly(size)
            if len(file) > self.largest:
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                await writer.drain()
                await reader.read()  # or what was said is lost with the connection
                return
        self.files.append(file)
        writer.write(self.answer(file) + b"\0")
        await writer.drain()

    async def ended(self) -> None:
        """All connections are."""
        await asyncio.gather(*self._served, return_exceptions=True)


@asynccontextmanager
async def listening(daemon: Daemon, socket: str = "") -> AsyncIterator[str]:
    """Its address: of the Unix socket, or of a port of this machine."""
    if socket:
        server = await asyncio.start_unix_server(daemon.serve, socket)
        address = socket
    else:
        server = await asyncio.start_server(daemon.serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        address = f"{host}:{port}"
    async with server:
        yield address
    await daemon.ended()
