"""A writer in a process of its own, which all processes on the data folder share: looked for with
the first unit, started where there is none, and again should it die."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError, Fault
from careplane.storage.engines.sqlite.packing import Packing
from careplane.storage.engines.sqlite.writing import meeting, wire
from careplane.storage.engines.sqlite.writing.job import NO_UNIT, Done, Job, Waiting, receipt
from careplane.storage.ports.records import Erasure, Receipt, Reindex, Reindexed, Tenant, Unit

_COMMAND = [sys.executable, "-m", "careplane.storage.engines.sqlite.writing.child"]
_TRIES = 3


class _Link(asyncio.Protocol):
    """One connection to it: what it was asked, and what it answers."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.asked: dict[int, asyncio.Future[Done]] = {}
        self.greeted: asyncio.Future[wire.Word] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.was_last = False
        self._frames = wire.Frames()

    def data_received(self, data: bytes) -> None:
        self._frames.feed(data)
        while (found := self._frames.next()) is not None:
            number, answer = wire.read_reply(found)
            if isinstance(answer, wire.Word):
                self._hear(answer)
                continue
            future = self.asked.pop(number)
            if future.done():
                continue
            if isinstance(answer, CareplaneError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in self.asked.values():
            if not future.done():
                future.set_exception(
                    Fault("The process that writes has ended: whether this was stored is not known")
                )
        self.asked.clear()
        if not self.greeted.done():
            self.greeted.set_result(wire.Word.BYE)
        self.ended.set_result(None)

    def _hear(self, word: wire.Word) -> None:
        if word is wire.Word.BYE:
            self.was_last = True
        else:
            self.greeted.set_result(word)

    @property
    def takes(self) -> bool:
        """Whether it listens, as far as is known here."""
        return self.greeted.done() and not self.ended.done()


class ProcessWriter:
    """Sends units to the process that writes, which commits what waits together. `after` is told
    the weight of what has become durable, on the event loop."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        cache_kib: int,
        packing: Packing,
        clock: Clock,
        after: Callable[[int], None],
    ) -> None:
        self._folder = path.parent.absolute()
        self._opening = wire.opening(str(self._folder / path.name), key, cache_kib)
        self._clock = clock
        self._after = after
        self._packing = packing
        self._waiting = Waiting()
        self._number = 0
        self._starting = asyncio.Lock()
        self._child = 0
        self._link: _Link | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def waiting(self) -> int:
        return self._waiting.puts

    async def put(self, tenant: Tenant, unit: Unit) -> Receipt:
        weight = len(unit.puts) + 1
        self._waiting.enter(weight)
        try:
            packed = await self._packing.pack(tenant, unit.puts)
        finally:
            self._waiting.leave(weight)
        done = await self._enter(Job(tenant, unit, packed, self._clock()), accepted=True)
        return receipt(unit.puts, done)

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        await self._enter(Job(tenant, NO_UNIT, [], self._clock(), erasure))

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        unit = Unit((), defined=defined)
        done = await self._enter(Job(tenant, unit, [], self._clock(), items=tuple(items)))
        return list(done.reindexed)

    async def _enter(self, job: Job, *, accepted: bool = False) -> Done:
        self._waiting.enter(job.weight, accepted=accepted)
        try:
            return await self._send(job)
        finally:
            self._waiting.leave(job.weight)

    async def warm(self) -> None:
        async with self._starting:
            await self._look()

    async def _look(self) -> _Link:
        if self._link is None or self._link.ended.done():
            await self._start()
        assert self._link is not None
        return self._link

    async def _open(self) -> None:
        """One that says hello takes what it is sent. One that is about to die may still be met, and
        says nothing."""
        async with self._starting:
            for _ in range(_TRIES):
                link = await self._look()
                word = await asyncio.shield(link.greeted)
                if word is wire.Word.REFUSED:
                    raise Fault("The data folder is open under another key")
                if link.takes:
                    return
        raise Busy("The process that writes ended as it was met: nothing was stored")

    async def _send(self, job: Job) -> Done:
        if self._link is None or not self._link.takes:
            await self._open()
        assert self._link is not None
        assert self._transport is not None
        self._number += 1
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._link.asked[self._number] = future
        self._transport.write(wire.ask(self._number, job))
        done = await future
        self._after(job.weight)
        return done

    async def _start(self) -> None:
        self._reap(os.WNOHANG)
        try:
            connection = await asyncio.to_thread(meeting.meet, self._folder, self._spawn)
        except OSError as error:
            raise Busy("No process can be started to write: nothing was stored") from error
        loop = asyncio.get_running_loop()
        transport, link = await loop.create_connection(_Link, sock=connection)
        self._transport, self._link = transport, link
        self._transport.write(self._opening)

    def _spawn(self, listener: socket.socket) -> None:
        """It may outlive this process, where others use it too."""
        quiet = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
        listen = (os.POSIX_SPAWN_DUP2, listener.fileno(), 0)
        command = [*_COMMAND, str(self._folder)]
        self._child = os.posix_spawn(command[0], command, os.environ, file_actions=[listen, quiet])

    async def close(self) -> None:
        self._waiting.close()
        await self._packing.rest()
        async with self._starting:  # those that wait for the start were accepted before
            pass
        ends = self._link is None or self._link.ended.done()
        if self._link is not None and self._transport is not None:
            self._transport.write_eof()
            await self._link.ended
            self._transport.close()
            ends = ends or self._link.was_last
        await asyncio.to_thread(self._reap, 0 if ends else os.WNOHANG)

    def _reap(self, options: int) -> None:
        if self._child:
            with suppress(ChildProcessError):
                if os.waitpid(self._child, options) == (0, 0):
                    return  # it goes on, for others
            self._child = 0
