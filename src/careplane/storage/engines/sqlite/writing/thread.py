"""A writer on a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.storage.engines.sqlite.packing import Packing
from careplane.storage.engines.sqlite.writing.commit import Committer
from careplane.storage.engines.sqlite.writing.job import (
    GROUP_PUTS,
    NO_UNIT,
    Answer,
    Done,
    Job,
    Waiting,
    receipt,
)
from careplane.storage.ports.records import Erasure, Receipt, Reindex, Reindexed, Tenant, Unit


class _Asked(Struct, frozen=True):
    """A job, and whom to answer."""

    job: Job
    future: asyncio.Future[Done]
    loop: asyncio.AbstractEventLoop


class ThreadWriter:
    """Takes what waits, commits it together, and answers. `after` is told the weight of every
    group that is durable, on the writer's thread."""

    def __init__(
        self,
        committer: Committer,
        packing: Packing,
        clock: Clock,
        after: Callable[[int], None],
    ) -> None:
        self._committer = committer
        self._packing = packing
        self._clock = clock
        self._after = after
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._waiting = Waiting()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="careplane-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._waiting.puts

    async def put(self, tenant: Tenant, unit: Unit) -> Receipt:
        weight = len(unit.puts) + 1
        with self._lock:
            self._waiting.enter(weight)
        try:
            packed = await self._packing.pack(tenant, unit.puts)
        finally:
            with self._lock:
                self._waiting.leave(weight)
        job = Job(tenant, unit, packed, self._clock())
        return receipt(unit.puts, await self._enter(job, accepted=True))

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        await self._enter(Job(tenant, NO_UNIT, [], self._clock(), erasure))

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        unit = Unit((), defined=defined)
        done = await self._enter(Job(tenant, unit, [], self._clock(), items=tuple(items)))
        return list(done.reindexed)

    async def _enter(self, job: Job, *, accepted: bool = False) -> Done:
        loop = asyncio.get_running_loop()
        asked = _Asked(job, loop.create_future(), loop)
        with self._lock:
            self._waiting.enter(job.weight, accepted=accepted)
            self._queue.put(asked)
        return await asked.future

    async def warm(self) -> None:
        """The thread runs."""

    async def close(self) -> None:
        with self._lock:
            first = self._waiting.close()
        await self._packing.rest()
        if first:
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more = True
        while more and (first := self._queue.get()) is not None:
            group, more = self._group(first)
            jobs = [asked.job for asked in group]
            self._answer(group, self._committer.commit(jobs))
            self._after(sum(job.weight for job in jobs))
        self._committer.close()

    def _group(self, first: _Asked) -> tuple[list[_Asked], bool]:
        """What waits, up to a limit; False when the end was among it."""
        group, weight = [first], first.job.weight
        while weight < GROUP_PUTS and not self._queue.empty():
            asked = self._queue.get()
            if asked is None:
                return group, False
            group.append(asked)
            weight += asked.job.weight
        return group, True

    def _answer(self, group: Sequence[_Asked], answers: Sequence[Answer]) -> None:
        with self._lock:
            self._waiting.leave(sum(asked.job.weight for asked in group))
        loops: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Asked, Answer]]]
        loops = defaultdict(list)
        for asked, answer in zip(group, answers, strict=True):
            loops[asked.loop].append((asked, answer))
        for loop, pairs in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: Sequence[tuple[_Asked, Answer]]) -> None:
    for asked, answer in pairs:
        if asked.future.done():
            continue
        if isinstance(answer, CareplaneError):
            asked.future.set_exception(answer)
        else:
            asked.future.set_result(answer)
