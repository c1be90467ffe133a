"""Jobs: what was asked for, by whom, and how far it is; kept in the StateStore.

A job that is not finished also stands in the queue. Each finished part of its output is an entry of
its own, which says where the work goes on: what was under way when a process died is done again
from there, and nothing is there twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import TypeAlias

import msgspec

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import TooMany
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_JOBS, _QUEUE, _PARTS, _MARKS = "bulk-job", "bulk-queue", "bulk-part", "bulk-mark"
_MOST_WAITING = 100
_PAGE = 1000


class State(StrEnum):
    """`open`: waiting or under way."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """Who asked for a job, with the rights of that moment: the work is done as this caller."""

    id: str
    name: str
    scopes: str
    patient: str | None
    roles: tuple[str, ...]
    address: str

    def caller(self, tenant: Tenant) -> Caller:
        """The caller again."""
        scopes = parse_scopes(self.scopes)
        roles = frozenset(self.roles)
        return Caller(tenant, self.id, self.name, scopes, self.patient, roles, self.address)


def owner(caller: Caller) -> Owner:
    """A caller, as it is kept."""
    scopes = " ".join(sorted(map(str, caller.scopes)))
    roles = tuple(sorted(caller.roles))
    return Owner(caller.id, caller.name, scopes, caller.patient, roles, caller.address)


class ExportAsk(msgspec.Struct, frozen=True, tag="export"):
    """What to export. `at` and `instant` are the moment that it shows; `filters` are pairs of type
    and criteria; `remarks` name parameters that were ignored."""

    at: int
    instant: int
    types: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    elements: tuple[str, ...] = ()
    by_patient: bool = False
    patients: tuple[str, ...] | None = None
    since: int | None = None
    before: int | None = None
    organized: bool = False
    remarks: tuple[str, ...] = ()


class ImportAsk(msgspec.Struct, frozen=True, tag="import"):
    """What to import: pairs of type and URL, in order."""

    instant: int
    source: str
    inputs: tuple[tuple[str, str], ...]


Ask: TypeAlias = ExportAsk | ImportAsk


class Job(msgspec.Struct, frozen=True):
    """One job. `request` is the address of the kick-off; times are microseconds since 1970; from
    `expires` on its output is gone. `problem` says why it failed."""

    id: str
    tenant: Tenant
    owner: Owner
    request: str
    begun: int
    ask: Ask
    state: State = State.OPEN
    expires: int | None = None
    problem: str = ""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where work goes on: in which of its steps, behind what of it."""

    step: int = 0
    group: int = 0
    after: int = 0


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A finished file of output. `kind` is its array in the manifest; `name` its object in the
    store; `plain` and `packed` are the sizes of its chunks; `then` is where the work goes on."""

    number: int
    kind: str
    type: str
    count: int
    name: str
    salt: bytes
    check: int
    plain: list[int]
    packed: list[int]
    then: Place
    about: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(self.plain)


_encode = msgspec.msgpack.encode
_job = msgspec.msgpack.Decoder(Job)
_part = msgspec.msgpack.Decoder(Part)


class Jobs:
    """All jobs of an installation."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def add(self, job: Job) -> None:
        """A new job. Raises TooMany where the tenant has many unfinished ones."""
        waiting = await self._state.scan(job.tenant, _QUEUE, count=_MOST_WAITING)
        if len(waiting) >= _MOST_WAITING:
            raise TooMany(f"{_MOST_WAITING} bulk jobs are waiting already; come back later.")
        await self._state.put(job.tenant, _QUEUE, job.id, b"%d" % job.begun)
        await self._state.put(job.tenant, _JOBS, job.id, _encode(job), expect=0)

    async def get(self, tenant: Tenant, id: str) -> Job | None:
        """A job, if there is one."""
        entry = await self._state.get(tenant, _JOBS, id)
        return _job.decode(entry.value) if entry else None

    async def change(self, job: Job, **changes: object) -> bool:
        """Change a job that is as it was when it was read; False where somebody else was first."""
        entry = await self._state.get(job.tenant, _JOBS, job.id)
        if entry is None or _job.decode(entry.value) != job:
            return False
        value = _encode(msgspec.structs.replace(job, **changes))
        return bool(await self._state.put(job.tenant, _JOBS, job.id, value, entry.revision))

    async def cancel(self, job: Job) -> None:
        """Nobody is to see it any more; its output goes with the next tidying."""
        await self._state.put(job.tenant, _QUEUE, job.id, b"%d" % job.begun)
        while job.state is not State.CANCELLED and not await self.change(
            job, state=State.CANCELLED, expires=0
        ):
            now = await self.get(job.tenant, job.id)
            if now is None:
                return
            job = now

    async def queue(self) -> list[tuple[Tenant, str, int]]:
        """Jobs that are to be looked at: tenant, id, and when each began; the oldest first."""
        found = await self._state.scan(None, _QUEUE, count=10_000)
        waiting = [(tenant, entry.key, int(entry.value)) for tenant, entry in found]
        return sorted(waiting, key=lambda one: one[2])

    async def unqueue(self, tenant: Tenant, id: str) -> None:
        """It needs no more work."""
        await self._state.drop(tenant, _QUEUE, id)

    async def ended(self, now: int) -> list[Job]:
        """Jobs whose output has expired."""
        found = await self._state.scan(None, _JOBS, count=100_000)
        jobs = (_job.decode(entry.value) for _, entry in found)
        return [job for job in jobs if job.expires is not None and job.expires <= now]

    async def forget(self, job: Job) -> None:
        """Drop all that is known of a job; its files are gone."""
        for space in (_PARTS, _MARKS):
            async for key, _ in self._below(job, space):
                await self._state.drop(job.tenant, space, key)
        await self._state.drop(job.tenant, _JOBS, job.id)
        await self.unqueue(job.tenant, job.id)

    async def note(self, job: Job, part: Part) -> bool:
        """A part is finished; False where somebody else has finished one of this number."""
        key = f"{job.id}/{part.number:06d}"
        return bool(await self._state.put(job.tenant, _PARTS, key, _encode(part), expect=0))

    async def parts(self, job: Job) -> list[Part]:
        """The finished parts, in their order."""
        return [_part.decode(value) async for _, value in self._below(job, _PARTS)]

    async def part(self, job: Job, number: int) -> Part | None:
        """One finished part."""
        entry = await self._state.get(job.tenant, _PARTS, f"{job.id}/{number:06d}")
        return _part.decode(entry.value) if entry else None

    async def mark(self, job: Job, name: str, value: bytes) -> None:
        """Remember something of a job's progress under a name."""
        await self._state.put(job.tenant, _MARKS, f"{job.id}/{name}", value)

    async def marked(self, job: Job, name: str) -> bytes | None:
        """What was remembered under a name."""
        entry = await self._state.get(job.tenant, _MARKS, f"{job.id}/{name}")
        return entry.value if entry else None

    async def marks(self, job: Job, start: str) -> AsyncIterator[tuple[str, bytes]]:
        """What was remembered under names that begin so, in the order of the names."""
        async for key, value in self._below(job, _MARKS, start):
            yield key.partition("/")[2], value

    async def _below(
        self, job: Job, space: str, start: str = ""
    ) -> AsyncIterator[tuple[str, bytes]]:
        prefix = after = f"{job.id}/{start}"
        while True:
            page = await self._state.scan(job.tenant, space, after, _PAGE)
            for _, entry in page:
                if not entry.key.startswith(prefix):
                    return
                yield entry.key, entry.value
            if len(page) < _PAGE:
                return
            after = page[-1][1].key
