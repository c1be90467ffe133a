"""Reindex jobs: what one is, and where they are kept so that a kill loses none of them.

A job is a value in the StateStore. Whoever carries it on writes it back after every step, on
condition that nobody else has: of two that believe to lead, one gives up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry, StateStore

State = Literal["waiting", "walking", "looking", "done", "failed"]
_SPACE = "reindex"
_MOST_WAITING = 20
_KEPT = 100
"""Jobs that have ended and are still shown."""


class Job(Struct, frozen=True, kw_only=True):
    """One reindex of all current resources of `types`; of R4's rows, too, if `everything`.

    `defined` is the epoch of the definitions when the walk began. The walk is in `types[at]` behind
    the id `after`. `since` is the newest `t` when it began; the last look is at `looked`.
    The walk has `visited` resources: `changed` had other rows, `same` had theirs, `skipped` were
    deleted in between, `failed` cannot be indexed. The last look has `rechecked` what was written
    meanwhile and put `late` right in this round. `words`: with those of full-text search. Moments
    are in microseconds since 1970.
    """

    id: str
    types: tuple[str, ...]
    everything: bool
    asked: int
    state: State = "waiting"
    started: int = 0
    ended: int = 0
    defined: int = 0
    since: int = 0
    at: int = 0
    after: str | None = None
    looked: int = 0
    rounds: int = 0
    rechecked: int = 0
    late: int = 0
    visited: int = 0
    changed: int = 0
    same: int = 0
    skipped: int = 0
    failed: int = 0
    failing: tuple[str, ...] = ()
    words: bool = False

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")


class Held(Struct, frozen=True):
    """A job as it stands, and at which revision."""

    tenant: Tenant
    job: Job
    revision: int


class ReindexJobs:
    """The jobs of an installation."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self.clock = clock

    async def add(self, tenant: Tenant, id: str, types: Sequence[str], everything: bool) -> Job:
        """A new one, to be carried out after those that wait. Raises Busy where they are many."""
        waiting = [held for held in await self.all(tenant) if not held.job.is_over]
        if len(waiting) >= _MOST_WAITING:
            raise Busy(f"{len(waiting)} reindex jobs wait already: come again when some are done.")
        job = Job(id=id, types=tuple(types), everything=everything, asked=self.clock())
        await self._state.put(tenant, _SPACE, id, _encode(job), 0)
        return job

    async def get(self, tenant: Tenant, id: str) -> Job:
        entry = await self._state.get(tenant, _SPACE, id)
        if entry is None:
            raise NotFound("There is no reindex job of this id.")
        return _held(tenant, entry).job

    async def all(self, tenant: Tenant | None) -> list[Held]:
        """Those of a tenant, or of every tenant, in the order in which they were asked for."""
        found = [_held(owner, e) for owner, e in await self._state.scan(tenant, _SPACE)]
        return sorted(found, key=lambda held: (held.job.asked, held.job.id))

    async def progress(self, tenant: Tenant) -> dict[str, tuple[int, str]]:
        """By type, the epoch of the oldest job over it (0: not begun), and how far it has come."""
        found: dict[str, tuple[int, str]] = {}
        for held in await self.all(tenant):
            job = held.job
            if not job.is_over:
                said = f"the reindex job {job.id} is {job.state}, {job.visited} resources visited"
                for type in job.types:
                    found.setdefault(type, (job.defined, said))
        return found

    async def put(self, held: Held, job: Job) -> Held | None:
        """The job after a step; None where somebody else carries it on."""
        revision = await self._state.put(
            held.tenant, _SPACE, job.id, _encode(job), expect=held.revision
        )
        return None if revision is None else Held(held.tenant, job, revision)

    async def prune(self, tenant: Tenant) -> None:
        """Forget the oldest that are over."""
        over = [held for held in await self.all(tenant) if held.job.is_over]
        for held in over[:-_KEPT]:
            await self._state.drop(tenant, _SPACE, held.job.id, held.revision)


def _encode(job: Job) -> bytes:
    return msgspec.msgpack.encode(job)


def _held(tenant: Tenant, entry: Entry) -> Held:
    return Held(tenant, msgspec.msgpack.decode(entry.value, type=Job), entry.revision)
