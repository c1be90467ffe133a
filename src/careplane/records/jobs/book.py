"""The book of all jobs of an installation, in the StateStore.

A job that needs work also stands in the queue, and what it has noted stands beside it under names
of its own. The queue's entry comes first and goes last, so what a process leaves behind when it
dies is found again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import msgspec
from msgspec.structs import replace

from careplane.kernel.clock import Clock
from careplane.kernel.errors import NotFound
from careplane.kernel.ids import NewId
from careplane.records.jobs.job import Job, Overtaken, State, Waiting
from careplane.records.jobs.lane import Lane
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_JOBS, _QUEUE, _NOTES, _TERM = "job", "job-queue", "job-note", "job-term"
_NOBODY = Tenant(0)
CANCELLED = ""
"""The lane of what was cancelled."""
_LONGEST_ID = 64
_PAGE = 1000
_encode = msgspec.msgpack.encode
_job = msgspec.msgpack.Decoder(Job).decode
_waiting = msgspec.msgpack.Decoder(tuple[int, str]).decode


class Book:
    """`changed` is set where this process has added or cancelled a job."""

    def __init__(self, state: StateStore, clock: Clock, new_id: NewId) -> None:
        self._state = state
        self._clock = clock
        self._new_id = new_id
        self.changed = asyncio.Event()

    async def add(
        self,
        kind: str,
        lane: Lane,
        tenant: Tenant,
        owner: str,
        *,
        place: bytes = b"",
        told: str = "",
        notes: Mapping[str, bytes] | None = None,
        until: int = 0,
    ) -> Job:
        """A new job, sure to be done when this returns. Raises Busy, or what else the lane says,
        where the tenant has too many."""
        await self._check(kind, lane, tenant)
        job = Job(
            self._new_id(), tenant, kind, owner, self._clock(), place=place, told=told, until=until
        )
        await self._state.put(tenant, _QUEUE, job.id, _encode((job.begun, lane.name)))
        for name, value in (notes or {}).items():
            await self.note(job, name, value)
        await self._state.put(tenant, _JOBS, job.id, _encode(job), expect=0)
        self.changed.set()
        return job

    async def get(self, tenant: Tenant, id: str) -> Job | None:
        """A job, if there is one."""
        entry = await self._state.get(tenant, _JOBS, id)
        return _job(entry.value) if entry else None

    async def find(self, kinds: tuple[str, ...], tenant: Tenant, owner: str, id: str) -> Job:
        """A job for who began it. Raises NotFound for one of somebody else, of another kind, or
        that is cancelled or kept no longer."""
        job = await self.get(tenant, id) if len(id) <= _LONGEST_ID else None
        if job is None or job.owner != owner or job.kind not in kinds or self._is_gone(job):
            raise NotFound("There is no such job, or it is kept no longer.")
        return job

    async def all(self, tenant: Tenant) -> list[Job]:
        """Jobs of a tenant, whatever their state."""
        found = await self._state.scan(tenant, _JOBS, count=100_000)
        return [_job(entry.value) for _, entry in found]

    async def change(self, job: Job, **changes: object) -> Job:
        """Change a job that is open and has the term in which it was read; the job as it is then.
        Raises Overtaken."""
        while True:
            entry = await self._state.get(job.tenant, _JOBS, job.id)
            now = _job(entry.value) if entry else None
            if entry is None or now is None or (now.state, now.term) != (State.OPEN, job.term):
                raise Overtaken
            then = replace(now, **changes)
            if await self._state.put(job.tenant, _JOBS, job.id, _encode(then), entry.revision):
                return then

    async def cancel(self, job: Job) -> None:
        """From now on there is none; what is kept of it goes soon."""
        await self._state.put(job.tenant, _QUEUE, job.id, _encode((job.begun, CANCELLED)))
        while entry := await self._state.get(job.tenant, _JOBS, job.id):
            then = _encode(replace(_job(entry.value), state=State.CANCELLED))
            if await self._state.put(job.tenant, _JOBS, job.id, then, entry.revision):
                break
        self.changed.set()

    async def queue(self, tenant: Tenant | None = None) -> list[Waiting]:
        """Jobs that are to be looked at, of every tenant or of one; the oldest first."""
        found = await self._state.scan(tenant, _QUEUE, count=10_000)
        waiting = [Waiting(owner, e.key, *_waiting(e.value)) for owner, e in found]
        return sorted(waiting, key=lambda one: (one.begun, one.id))

    async def unqueue(self, tenant: Tenant, id: str) -> None:
        """It needs no more work."""
        await self._state.drop(tenant, _QUEUE, id)

    async def expired(self) -> list[Job]:
        """Jobs of every tenant that are kept no longer."""
        found = await self._state.scan(None, _JOBS, count=100_000)
        jobs = (_job(entry.value) for _, entry in found)
        return [job for job in jobs if job.expires and job.expires <= self._clock()]

    async def forget(self, tenant: Tenant, id: str) -> None:
        """Drop all that is known of a job."""
        async for key, _ in self._below(tenant, f"{id}/"):
            await self._state.drop(tenant, _NOTES, key)
        await self._state.drop(tenant, _JOBS, id)
        await self.unqueue(tenant, id)

    async def note(self, job: Job, name: str, value: bytes) -> None:
        """Keep something with a job, under a name, in place of what was there."""
        await self._state.put(job.tenant, _NOTES, f"{job.id}/{name}", value)

    async def note_new(self, job: Job, name: str, value: bytes) -> None:
        """The same, where there was nothing; else somebody else has done this: Overtaken."""
        if not await self._state.put(job.tenant, _NOTES, f"{job.id}/{name}", value, expect=0):
            raise Overtaken

    async def noted(self, job: Job, name: str) -> bytes | None:
        """What was kept under a name."""
        entry = await self._state.get(job.tenant, _NOTES, f"{job.id}/{name}")
        return entry.value if entry else None

    async def notes(self, job: Job, start: str) -> AsyncIterator[tuple[str, bytes]]:
        """What was kept under names that begin so, in the order of the names."""
        async for key, value in self._below(job.tenant, f"{job.id}/{start}"):
            yield key.partition("/")[2], value

    async def term(self) -> int:
        """A number above all that were given before."""
        return await self._state.put(_NOBODY, _TERM, "last", b"") or 0

    def _is_gone(self, job: Job) -> bool:
        return job.state is State.CANCELLED or 0 < job.expires <= self._clock()

    async def _check(self, kind: str, lane: Lane, tenant: Tenant) -> None:
        waiting = [one for one in await self.queue(tenant) if one.lane == lane.name]
        if len(waiting) >= lane.most_open:
            raise lane.full(f"{len(waiting)} jobs wait already: come again when some are done.")
        found = await self._state.scan(tenant, _JOBS, count=100_000)
        jobs = (_job(entry.value) for _, entry in found)
        if sum(job.kind == kind and not self._is_gone(job) for job in jobs) >= lane.most_kept:
            raise lane.full("Too many results are kept; delete those that are not needed any more.")

    async def _below(self, tenant: Tenant, prefix: str) -> AsyncIterator[tuple[str, bytes]]:
        after = prefix
        while True:
            page = await self._state.scan(tenant, _NOTES, after, _PAGE)
            for _, entry in page:
                if not entry.key.startswith(prefix):
                    return
                yield entry.key, entry.value
            if len(page) < _PAGE:
                return
            after = page[-1][1].key
