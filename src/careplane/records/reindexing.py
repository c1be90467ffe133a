"""The work of a reindex job, in small steps that each leave their place behind.

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

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, Outdated
from careplane.kernel.observe import describe
from careplane.records.bodies import rows_of
from careplane.records.definitions import Definitions, Edition, Mark
from careplane.records.jobs.kind import Kind
from careplane.records.jobs.work import Work
from careplane.records.walk import LANE, NAME, Walk, pack, unpack
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
_KEPT = 7 * 86_400_000_000
_log = logging.getLogger(__name__)


class Reindexer:
    """Does reindex jobs."""

    def __init__(self, store: RecordStore, definitions: Definitions, clock: Clock) -> None:
        self._store = store
        self._definitions = definitions
        self._clock = clock

    @property
    def kind(self) -> Kind:
        """The kind of job that it does."""
        return Kind(NAME, LANE, _KEPT, self.run)

    async def run(self, work: Work) -> None:
        """All of a job, from where it was left."""
        walk = unpack(work.job.place)
        while not walk.is_over:
            walk = await self.step(work.job.tenant, walk)
            await work.save(pack(walk))
            await asyncio.sleep(0)
        _log.info("A reindex is %s: %d resources visited", walk.state, walk.visited)

    async def step(self, tenant: Tenant, walk: Walk) -> Walk:
        """The next few resources."""
        if walk.state == "waiting":
            return await self._begin(tenant, walk)
        if walk.state == "walking":
            return await self._walk(tenant, walk)
        return await self._look(tenant, walk)

    async def _begin(self, tenant: Tenant, walk: Walk) -> Walk:
        edition = await self._definitions.edition(tenant)
        since, _ = await self._store.horizon(tenant)
        return replace(
            walk,
            state="walking",
            started=self._clock(),
            defined=edition.t,
            since=since,
            looked=since,
            words=walk.everything and edition.registry.full_text,
        )

    async def _walk(self, tenant: Tenant, walk: Walk) -> Walk:
        if walk.at == len(walk.types):
            return replace(walk, state="looking")
        page = await self._store.current(tenant, walk.types[walk.at], walk.after, STEP)
        if not page:
            return replace(walk, at=walk.at + 1, after=None)
        return replace(await self._visit(tenant, walk, page), after=page[-1].id)

    async def _look(self, tenant: Tenant, walk: Walk) -> Walk:
        """At what was written since the walk began; over again while something was put right."""
        page = await self._store.changes(tenant, walk.looked, STEP)
        if not page:
            return await self._round(tenant, walk)
        mine = {(v.type, v.id): v for v in page if v.type in walk.types}
        now = await self._store.read_many(tenant, list(mine))
        still = [v for v in now if v is not None and not v.deleted and v.t <= page[-1].t]
        seen = await self._visit(tenant, walk, still)
        return replace(
            walk,
            looked=page[-1].t,
            rechecked=walk.rechecked + seen.visited - walk.visited,
            late=walk.late + seen.changed - walk.changed,
            failed=seen.failed,
            failing=seen.failing,
            words=seen.words,
        )

    async def _round(self, tenant: Tenant, walk: Walk) -> Walk:
        if walk.late and walk.rounds < _MOST_ROUNDS:
            return replace(walk, looked=walk.since, late=0, rounds=walk.rounds + 1)
        if not walk.late:
            await self._mark(tenant, walk)
        state = "failed" if walk.failed or walk.late else "done"
        return replace(walk, state=state, ended=self._clock())

    async def _visit(self, tenant: Tenant, walk: Walk, page: Sequence[Version]) -> Walk:
        """Make the rows of these anew, and count."""
        left: list[Version] = list(page)
        walk = replace(walk, visited=walk.visited + len(page))
        for _ in range(_TRIES):
            if not left:
                return walk
            edition = await self._definitions.latest(tenant)
            walk = replace(walk, words=walk.words and edition.registry.full_text)
            items, wrong = self._items(walk, edition, left)
            try:
                outcomes = await self._store.reindex(tenant, items, edition.t)
            except Outdated:
                self._definitions.forget(tenant)
                continue
            walk = _counted(walk, outcomes, wrong)
            moved = [i for i, o in zip(items, outcomes, strict=True) if o == "moved"]
            now = await self._store.read_many(tenant, [(i.type, i.id) for i in moved])
            left = [version for version in now if version is not None and not version.deleted]
            walk = replace(walk, skipped=walk.skipped + len(moved) - len(left))
        raise Busy("The same resources keep being changed: the step is made anew later")

    def _items(
        self, walk: Walk, edition: Edition, page: Iterable[Version]
    ) -> tuple[list[Reindex], list[str]]:
        wanted = extracting_alone(edition.customs)
        gone = extracting_alone(custom for custom, _ in edition.leaving.values())
        items: list[Reindex] = []
        wrong: list[str] = []
        for version in page:
            try:
                rows = rows_of(edition.extract if walk.everything else wanted, version)
                mine = _without_groups(rows) if walk.everything else rows
                old = rows_of(gone, version)
                items.append(Reindex(version.type, version.id, version.version, mine, old))
            except Exception as error:
                _log.error("A resource cannot be indexed: %s", describe(error))
                wrong.append(version.type)
        return items, wrong

    async def _mark(self, tenant: Tenant, walk: Walk) -> None:
        """What was defined before the walk began is complete now; what had ended is removed."""
        edition = await self._definitions.edition(tenant)
        whole = set(walk.types) - set(walk.failing)
        if walk.words and not walk.failing:
            await self._definitions.mark(tenant, OTHER, Mark(built=1))
        for param, (custom, since) in edition.active.items():
            if custom.base in whole and since <= walk.defined:
                await self._definitions.mark(tenant, param, Mark(built=since))
        for param, (custom, until) in edition.leaving.items():
            if custom.base in whole and until <= walk.defined:
                await self._definitions.mark(tenant, param, Mark(swept=walk.defined))


def _counted(walk: Walk, outcomes: Sequence[str], wrong: Sequence[str]) -> Walk:
    failing = tuple(sorted({*walk.failing, *wrong}))
    return replace(
        walk,
        changed=walk.changed + outcomes.count("changed"),
        same=walk.same + outcomes.count("same"),
        failed=walk.failed + len(wrong),
        failing=failing,
    )


def _without_groups(rows: Rows) -> Rows:
    """Groups of composite parameters are numbered, and only a write knows the numbers in use."""
    return replace(rows, composites=[])
