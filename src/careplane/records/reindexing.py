"""The service that carries out reindex jobs, in small steps that each leave their place behind.

A step reads resources in the order of their ids, makes their rows anew and hands them to the
engine, which writes them where the resource is still at the version that was read, and where no
newer definition is stored; else the step is made anew. A resource that is created meanwhile has all
of its rows by itself (see `definitions`); one that is changed before the walk meets it is met as it
is then, and one that is changed behind the walk keeps what it was given. A last look at all that
was written meanwhile, repeated until it finds nothing to put right, makes sure. Only then are
parameters ready, and only on types where no resource has failed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from careplane.kernel.errors import Busy, Outdated
from careplane.kernel.observe import describe
from careplane.records.bodies import rows_of
from careplane.records.definitions import Definitions, Edition, Mark
from careplane.records.reindex_jobs import Held, Job, ReindexJobs
from careplane.search.custom import extracting_alone
from careplane.search.rows import OTHER, Rows
from careplane.storage.ports.records import (
    RecordStore,
    Reindex,
    Tenant,
    Version,
)

STEP = 100
_MOST_ROUNDS = 50
_TRIES = 100
_IDLE_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Reindexer:
    """Runs on one process of an installation; `run` is a service of `app.background`."""

    def __init__(self, store: RecordStore, definitions: Definitions, jobs: ReindexJobs) -> None:
        self._store = store
        self._definitions = definitions
        self._jobs = jobs

    async def run(self) -> None:
        """For ever: the oldest job, then the next."""
        while True:
            if not await self.work():
                await asyncio.sleep(_IDLE_SECONDS)

    async def work(self) -> bool:
        """Carry the oldest job to its end, or until somebody else has taken it; whether there was
        one."""
        waiting = [held for held in await self._jobs.all(None) if not held.job.is_over]
        if not waiting:
            return False
        held: Held | None = waiting[0]
        while held is not None and not held.job.is_over:
            held = await self._jobs.put(held, await self._step(held.tenant, held.job))
            await asyncio.sleep(0)
        if held is not None:
            _log.info("A reindex is %s: %d resources visited", held.job.state, held.job.visited)
            await self._jobs.prune(held.tenant)
        return True

    async def _step(self, tenant: Tenant, job: Job) -> Job:
        if job.state == "waiting":
            return await self._begin(tenant, job)
        if job.state == "walking":
            return await self._walk(tenant, job)
        return await self._look(tenant, job)

    async def _begin(self, tenant: Tenant, job: Job) -> Job:
        edition = await self._definitions.edition(tenant)
        since, _ = await self._store.horizon(tenant)
        return replace(
            job,
            state="walking",
            started=self._jobs.clock(),
            defined=edition.t,
            since=since,
            looked=since,
            words=job.everything and edition.registry.full_text,
        )

    async def _walk(self, tenant: Tenant, job: Job) -> Job:
        if job.at == len(job.types):
            return replace(job, state="looking")
        page = await self._store.current(tenant, job.types[job.at], job.after, STEP)
        if not page:
            return replace(job, at=job.at + 1, after=None)
        return replace(await self._visit(tenant, job, page), after=page[-1].id)

    async def _look(self, tenant: Tenant, job: Job) -> Job:
        """At what was written since the walk began; over again while something was put right."""
        page = await self._store.changes(tenant, job.looked, STEP)
        if not page:
            return await self._round(tenant, job)
        mine = {(v.type, v.id): v for v in page if v.type in job.types}
        now = await self._store.read_many(tenant, list(mine))
        still = [v for v in now if v is not None and not v.deleted and v.t <= page[-1].t]
        seen = await self._visit(tenant, job, still)
        return replace(
            job,
            looked=page[-1].t,
            rechecked=job.rechecked + seen.visited - job.visited,
            late=job.late + seen.changed - job.changed,
            failed=seen.failed,
            failing=seen.failing,
            words=seen.words,
        )

    async def _round(self, tenant: Tenant, job: Job) -> Job:
        if job.late and job.rounds < _MOST_ROUNDS:
            return replace(job, looked=job.since, late=0, rounds=job.rounds + 1)
        if not job.late:
            await self._mark(tenant, job)
        state = "failed" if job.failed or job.late else "done"
        return replace(job, state=state, ended=self._jobs.clock())

    async def _visit(self, tenant: Tenant, job: Job, page: Sequence[Version]) -> Job:
        """Make the rows of these anew, and count."""
        left: list[Version] = list(page)
        job = replace(job, visited=job.visited + len(page))
        for _ in range(_TRIES):
            if not left:
                return job
            edition = await self._definitions.latest(tenant)
            job = replace(job, words=job.words and edition.registry.full_text)
            items, wrong = self._items(job, edition, left)
            try:
                outcomes = await self._store.reindex(tenant, items, edition.t)
            except Outdated:
                self._definitions.forget(tenant)
                continue
            job = _counted(job, outcomes, wrong)
            moved = [i for i, o in zip(items, outcomes, strict=True) if o == "moved"]
            now = await self._store.read_many(tenant, [(i.type, i.id) for i in moved])
            left = [version for version in now if version is not None and not version.deleted]
            job = replace(job, skipped=job.skipped + len(moved) - len(left))
        raise Busy("The same resources keep being changed: the step is made anew later")

    def _items(
        self, job: Job, edition: Edition, page: Iterable[Version]
    ) -> tuple[list[Reindex], list[str]]:
        wanted = extracting_alone(edition.customs)
        gone = extracting_alone(custom for custom, _ in edition.leaving.values())
        items: list[Reindex] = []
        wrong: list[str] = []
        for version in page:
            try:
                rows = rows_of(edition.extract if job.everything else wanted, version)
                mine = _without_groups(rows) if job.everything else rows
                old = rows_of(gone, version)
                items.append(Reindex(version.type, version.id, version.version, mine, old))
            except Exception as error:
                _log.error("A resource cannot be indexed: %s", describe(error))
                wrong.append(version.type)
        return items, wrong

    async def _mark(self, tenant: Tenant, job: Job) -> None:
        """What was defined before the walk began is complete now; what had ended is removed."""
        edition = await self._definitions.edition(tenant)
        whole = set(job.types) - set(job.failing)
        if job.words and not job.failing:
            await self._definitions.mark(tenant, OTHER, Mark(built=1))
        for param, (custom, since) in edition.active.items():
            if custom.base in whole and since <= job.defined:
                await self._definitions.mark(tenant, param, Mark(built=since))
        for param, (custom, until) in edition.leaving.items():
            if custom.base in whole and until <= job.defined:
                await self._definitions.mark(tenant, param, Mark(swept=job.defined))


def _counted(job: Job, outcomes: Sequence[str], wrong: Sequence[str]) -> Job:
    failing = tuple(sorted({*job.failing, *wrong}))
    return replace(
        job,
        changed=job.changed + outcomes.count("changed"),
        same=job.same + outcomes.count("same"),
        failed=job.failed + len(wrong),
        failing=failing,
    )


def _without_groups(rows: Rows) -> Rows:
    """Groups of composite parameters are numbered, and only a write knows the numbers in use."""
    return replace(rows, composites=[])
