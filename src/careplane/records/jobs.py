"""Work that goes on after its request was answered: begun, looked at, cancelled, and kept a while.

What is known of a job stands in the StateStore, so that any process answers for it; the work is a
task of the process that took it, which says now and then that it lives. Only its owner knows of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError, NotFound
from careplane.kernel.ids import NewId
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry, StateStore

_SPACE, _RESULTS = "job", "job-result"
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_SECOND = 1_000_000
_BEAT_SECONDS = 2.0
_LOST = 30 * _SECOND
_KEPT = 3600 * _SECOND
_MOST_STORED = 500


class Stage(StrEnum):
    """How far a job is. LOST: the process that worked on it is gone."""

    RUNNING = "running"
    DONE = "done"
    LOST = "lost"


class Job(Struct, frozen=True, array_like=True):
    """What is known of one. Times are microseconds since 1970."""

    owner: str
    about: str
    begun: int
    beat: int
    stage: Stage = Stage.RUNNING
    ends: int = 0


Work = Callable[[], Awaitable[bytes]]
_encode = msgspec.msgpack.encode


class Jobs:
    """Those of this process, and a look at all others. `most` run here at once, and `most_each` of
    one owner."""

    def __init__(
        self,
        state: StateStore,
        clock: Clock,
        new_id: NewId,
        *,
        most: int = 16,
        most_each: int = 4,
        largest: int = 16_000_000,
    ) -> None:
        self._state = state
        self._clock = clock
        self._new_id = new_id
        self._most = most
        self._most_each = most_each
        self._largest = largest
        self._tasks: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def check(self, owner: str) -> None:
        """Raises Busy where no more can be taken."""
        mine = sum(1 for other, _ in self._tasks.values() if other == owner)
        if len(self._tasks) >= self._most or mine >= self._most_each:
            raise Busy("Too many requests are carried out later; wait for one of them to end.")

    async def start(self, tenant: Tenant, owner: str, about: str, work: Work) -> str:
        """Begin; the id. `work` must turn its errors into an answer. Raises Busy."""
        self.check(owner)
        await self._clean(tenant)
        id, now = self._new_id(), self._clock()
        await self._state.put(tenant, _SPACE, id, _encode(Job(owner, about, now, now)), 0)
        task = asyncio.create_task(self._run(tenant, id, work))
        self._tasks[id] = (owner, task)
        task.add_done_callback(lambda _: self._tasks.pop(id, None))
        return id

    async def look(self, tenant: Tenant, owner: str, id: str) -> Job:
        """The job as it stands. Raises NotFound for one of somebody else, too."""
        _, job = await self._find(tenant, owner, id)
        if job.stage is Stage.RUNNING and job.beat < self._clock() - _LOST:
            return msgspec.structs.replace(job, stage=Stage.LOST)
        return job

    async def result(self, tenant: Tenant, id: str) -> bytes:
        """What the work made."""
        entry = await self._state.get(tenant, _RESULTS, id)
        if entry is None:
            raise _no_such()
        return entry.value

    async def cancel(self, tenant: Tenant, owner: str, id: str) -> None:
        """End it and forget it; whoever works on it finds it gone."""
        await self._find(tenant, owner, id)
        await self._forget(tenant, id)
        running = self._tasks.get(id)
        if running is not None:
            running[1].cancel()

    async def close(self) -> None:
        """End what runs here; it is told as lost."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _find(self, tenant: Tenant, owner: str, id: str) -> tuple[Entry, Job]:
        entry = await self._state.get(tenant, _SPACE, id) if _ID.fullmatch(id) else None
        if entry is None:
            raise _no_such()
        job = msgspec.msgpack.decode(entry.value, type=Job)
        if job.owner != owner or (job.ends and job.ends <= self._clock()):
            raise _no_such()
        return entry, job

    async def _run(self, tenant: Tenant, id: str, work: Work) -> None:
        working = asyncio.ensure_future(work())
        try:
            while not (await asyncio.wait({working}, timeout=_BEAT_SECONDS))[0]:
                if not await self._beat(tenant, id):
                    return
            await self._finish(tenant, id, working.result())
        except CareplaneError:
            return  # the state cannot be kept: it will be told as lost
        finally:
            working.cancel()

    async def _beat(self, tenant: Tenant, id: str, **changes: object) -> bool:
        """Say that it lives; False where it was cancelled meanwhile."""
        entry = await self._state.get(tenant, _SPACE, id)
        if entry is None:
            return False
        job = msgspec.msgpack.decode(entry.value, type=Job)
        changed = msgspec.structs.replace(job, beat=self._clock(), **changes)
        put = await self._state.put(tenant, _SPACE, id, _encode(changed), entry.revision)
        return put is not None

    async def _finish(self, tenant: Tenant, id: str, result: bytes) -> None:
        if len(result) > self._largest:
            return  # nothing that could be kept: it is told as lost
        await self._state.put(tenant, _RESULTS, id, result)
        if not await self._beat(tenant, id, stage=Stage.DONE, ends=self._clock() + _KEPT):
            await self._forget(tenant, id)

    async def _clean(self, tenant: Tenant) -> None:
        """Forget what is over, and refuse where too much is kept."""
        found = await self._state.scan(tenant, _SPACE, "", _MOST_STORED)
        left = 0
        for _, entry in found:
            job = msgspec.msgpack.decode(entry.value, type=Job)
            ends = job.ends or job.beat + _KEPT
            if ends <= self._clock():
                await self._forget(tenant, entry.key)
            else:
                left += 1
        if left >= _MOST_STORED:
            raise Busy("Too many results are kept; delete those that are not needed any more.")

    async def _forget(self, tenant: Tenant, id: str) -> None:
        await self._state.drop(tenant, _RESULTS, id)
        await self._state.drop(tenant, _SPACE, id)


def _no_such() -> NotFound:
    return NotFound("There is no such request, or it is kept no longer.")
