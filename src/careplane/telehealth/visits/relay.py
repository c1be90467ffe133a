"""Between the process that has a participant's socket and the one that has the room.

A Unix socket in a folder that only this user may enter; frames are a length and bytes. First goes
the seat, sealed; the answer is `+` where the room is here, and nothing where it is not. Then each
frame is a message, from the room one that begins with `!` is the code to close with.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.line import Queued
from careplane.telehealth.visits.tokens import Entering, Pass, Seals

_HEAD = struct.Struct("!I")
_LARGEST = m.LONGEST + 1_000
_HERE = b"+"
_CODE = b"!"
_SECONDS = 5.0
_FRESH = 10_000_000

Heard = Callable[[bytes], None]
Left = Callable[[], None]
Enter = Callable[[Pass, Queued], Awaitable[tuple[Heard, Left] | None]]
"""Takes a seat; None where the room is not here."""


async def write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    """One frame."""
    writer.write(_HEAD.pack(len(frame)) + frame)
    await writer.drain()


async def read(reader: asyncio.StreamReader) -> bytes:
    """One frame; raises EOFError (IncompleteReadError) at the end."""
    (length,) = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if length > _LARGEST:
        raise EOFError
    return await reader.readexactly(length)


class Relay:
    """The end of a process that has rooms."""

    def __init__(self, seals: Seals, clock: Clock, enter: Enter) -> None:
        self._seals = seals
        self._clock = clock
        self._enter = enter
        self._folder: Path | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()

    async def place(self) -> str:
        """Where others reach this process; it listens from now on."""
        async with self._opening:
            if self._folder is None:
                folder = Path(tempfile.mkdtemp(prefix="careplane-visits-"))
                self._server = await asyncio.start_unix_server(self._connected, folder / "rooms")
                self._folder = folder
            return str(self._folder / "rooms")

    async def close(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, Incorrect, TimeoutError, asyncio.CancelledError):
            pass  # the other process is gone, or nobody of ours
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_SECONDS):
            entering = self._seals.open((await read(reader)).decode("ascii", "replace"), Entering)
        if abs(self._clock() - entering.at) > _FRESH:
            return
        line = Queued(lambda frame: write(writer, frame))
        entered = await self._enter(entering.held, line)
        if entered is None:
            return
        heard, left = entered
        await write(writer, _HERE)
        writing = asyncio.create_task(line.run())
        reading = asyncio.create_task(_each(reader, heard))
        try:
            await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
            if writing.done() and (code := writing.result()):
                await write(writer, _CODE + str(code).encode())
        finally:
            left()
            for one in (writing, reading):
                one.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)


async def _each(reader: asyncio.StreamReader, heard: Heard) -> None:
    while True:
        heard(await read(reader))


class Remote:
    """A seat in a room of another process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._line = Queued(lambda frame: write(writer, frame))
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, line: Queued, lost: int) -> None:
        """Hand what the room says to `line`, which closes with `lost` where the process ends."""
        self._tasks = [
            asyncio.create_task(self._line.run()),
            asyncio.create_task(self._listen(line, lost)),
        ]

    def heard(self, message: m.Heard) -> None:
        """What the participant says."""
        self._line.send(m.told(message))

    def left(self) -> None:
        """The participant's socket is gone."""
        for task in self._tasks:
            task.cancel()
        self._writer.close()

    async def _listen(self, line: Queued, lost: int) -> None:
        code = lost
        with suppress(OSError, EOFError):
            while True:
                frame = await read(self._reader)
                if frame.startswith(_CODE):
                    code = int(frame[1:])
                    break
                line.send(frame)
        line.close(code)


async def reach(place: str, seals: Seals, held: Pass, at: int) -> Remote | None:
    """A seat in the room of the process there; None where it is not there any more. Raises OSError
    where nobody listens."""
    async with asyncio.timeout(_SECONDS):
        reader, writer = await asyncio.open_unix_connection(place)
        await write(writer, seals.seal(Entering(held, at)).encode())
        try:
            if await read(reader) == _HERE:
                return Remote(reader, writer)
        except EOFError:
            pass
        writer.close()
        return None
