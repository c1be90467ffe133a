"""One transaction of the writer: units of work of a tenant, checked in turn and written together.

It begins by locking the tenant's row of `sequence`, so it sees all that was committed before and
nobody commits for the tenant in between: guards hold, `t` rises in the order of commit, and nothing
can deadlock. A unit that is stale is left out before anything of it is written. Rows gather in a
batch, which is flushed before a guard looks at the store, and before a resource is written a second
time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import NamedTuple

from careplane.kernel.errors import Fault, Outdated, Stale
from careplane.storage.bodies import Packed
from careplane.storage.engines.postgres.batch import WRITE, Batch, Resource
from careplane.storage.engines.postgres.job import Job, Laid
from careplane.storage.engines.postgres.layout import Layout
from careplane.storage.engines.postgres.names import Identity
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.versions import form_of
from careplane.storage.engines.postgres.words import Texts, texts, write
from careplane.storage.ports.moving import Kept
from careplane.storage.ports.records import DEFINING, Guard, Key, Receipt, Tenant, Version

Find = Callable[[Connection, Tenant, Guard], Awaitable[set[Key]]]
_LOCK = "SELECT t, rid, updated FROM sequence WHERE tenant = $1 FOR UPDATE"
_BEGIN = (
    "INSERT INTO sequence (tenant, t, rid, updated) VALUES ($1, 0, 0, 0) ON CONFLICT DO NOTHING"
)
_DEFINED = "SELECT max(t) FROM version WHERE tenant = $1 AND type = $2"
_STATES = """SELECT r.* FROM unnest($2::bigint[]) k(ident) CROSS JOIN LATERAL (
  SELECT ident, rid, version, gone, type, id FROM resource
  WHERE tenant = $1 AND ident = k.ident OFFSET 0) r"""
"""Behind a fence, since a plan made while the table is empty would go through all of a tenant."""


class State(NamedTuple):
    """Where a resource stands."""

    rid: int
    version: int
    gone: bool
    type: str
    id: str


class Group:
    """A transaction that has begun: `begin`, `take` units, then `flush`."""

    def __init__(
        self, connection: Connection, tenant: Tenant, find: Find, heard: set[Identity]
    ) -> None:
        self._connection = connection
        self._tenant = tenant
        self._find = find
        self._heard = heard
        self._batch = Batch(tenant)
        self._states: dict[int, State] = {}
        self._t = self._rid = self._updated = 0
        self._defined: int | None = None

    async def begin(self, jobs: Iterable[Job], now: int) -> None:
        """Lock, and fetch at once what the units will ask for one by one."""
        wanted: dict[int, None] = {}
        for job in jobs:
            for laid in job.laid:
                wanted[laid.ident] = None
                wanted |= self.unheard(laid.new)
        await self.lock(wanted, now)

    def unheard(self, layout: Layout) -> dict[int, None]:
        """What a resource refers to, as far as it may have no place yet."""
        heard, tenant = self._heard, self._tenant
        return dict.fromkeys(ident for ident in layout.targets if (tenant, ident) not in heard)

    async def lock(self, wanted: Collection[int], now: int) -> None:
        """Nobody commits from here on; `wanted` are the resources that it will be about."""
        connection, tenant = self._connection, self._tenant
        row = await connection.fetchrow(_LOCK, tenant)
        if row is None:
            await connection.execute(_BEGIN, tenant)
            row = await connection.fetchrow(_LOCK, tenant)
        assert row is not None
        self._t, self._rid, self._updated = row[0], row[1], max(row[2], now // 1000)
        if wanted:
            rows = await connection.fetch(_STATES, tenant, list(wanted))
            self._states = {r[0]: State(*r[1:]) for r in rows}

    async def take(self, job: Job) -> Receipt:
        """Accept a unit, or raise Stale or Outdated."""
        again = any(self._is_written(laid.ident) for laid in job.laid)
        if job.unit.guards or again:
            await self.flush()
        for guard in job.unit.guards:
            if await self._find(self._connection, self._tenant, guard) != guard.found:
                raise Stale("A search that this change relied on has a different answer now")
        for laid in job.laid:
            self._check(laid)
        await self.require(job.unit.defined)
        if job.unit.audit is not None:
            self._batch.outbox.append(job.unit.audit)
        for laid in job.laid:
            self._hear(laid.ident, laid.put.type, laid.put.id)
        pairs = zip(job.laid, job.packed, strict=True)
        return Receipt(tuple([self._put(laid, *packed) for laid, packed in pairs]))

    @property
    def heard(self) -> Iterable[Identity]:
        """Resources that have a place once this is committed."""
        return ((self._tenant, ident) for ident in self._states)

    async def require(self, defined: int | None) -> None:
        """Raises Outdated where a search parameter was defined after `defined`."""
        if defined is None:
            return
        if self._defined is None:
            newest = await self._connection.fetchval(_DEFINED, self._tenant, DEFINING)
            self._defined = newest or 0
        if defined < self._defined:
            raise Outdated("Search parameters have been defined anew")

    def change(self, resource: Resource) -> None:
        """Write what a resource is found by anew, at the version that it has."""
        self._batch.resources[resource.ident] = resource
        self._batch.name(resource.layout)
        self._hear_targets(resource.layout)

    def restore(self, kept: Kept, ident: int, layout: Layout, found: Texts, packed: Packed) -> None:
        """Write a version as it was, of a resource that has a place."""
        version, batch, state = kept.version, self._batch, self._states[ident]
        _same(state, version.type, version.id)
        self._t, self._updated = version.t, version.last_updated // 1000
        form = form_of(version.method, packed[0])
        batch.versions.append(
            (version.version, ident, version.t, self._updated, form, version.type, packed[1])
        )
        if kept.current:
            gone = version.deleted
            batch.resources[ident] = Resource(
                ident, state.rid, version.type, version.id, version.version, 0, self._updated,
                gone, layout,
            )  # fmt: skip
            batch.tally[version.type] += int(not gone)
            batch.index(ident, layout, Layout())
            if any(found):
                batch.words[ident] = found
            self._hear_targets(layout)

    async def flush(self) -> None:
        """Bring the batch to the tables."""
        batch, self._batch = self._batch, Batch(self._tenant)
        for text, rows in batch.gone:
            await self._connection.executemany(text, rows)
        await self._connection.execute(WRITE, *batch.args(self._t, self._rid, self._updated))
        if batch.words:
            of_tenant = {(self._tenant, ident): text for ident, text in batch.words.items()}
            await write(self._connection, of_tenant)

    def _check(self, laid: Laid) -> None:
        state, put = self._states.get(laid.ident), laid.put
        if state is not None:
            _same(state, put.type, put.id)
        if (state.version if state else 0) != put.expect:
            raise Stale("Somebody else has changed a record in between")

    def _hear(self, ident: int, type: str, id: str) -> None:
        """Give a place to what is heard of for the first time."""
        if ident in self._states or (self._tenant, ident) in self._heard:
            return
        self._rid += 1
        self._states[ident] = State(self._rid, 0, True, type, id)
        self._batch.resources[ident] = Resource(ident, self._rid, type, id)

    def _put(self, laid: Laid, dictionary: int, body: bytes) -> Version:
        put, ident, batch = laid.put, laid.ident, self._batch
        state = self._states[ident]
        self._t += 1
        t, version, gone = self._t, put.expect + 1, put.method == "DELETE"
        batch.resources[ident] = Resource(
            ident, state.rid, put.type, put.id, version, t, self._updated, gone, laid.new
        )
        form = form_of(put.method, dictionary)
        batch.versions.append((version, ident, t, self._updated, form, put.type, body))
        batch.tally[put.type] += int(state.gone) - int(gone)
        if put.type == DEFINING:
            self._defined = t
        batch.index(ident, laid.new, laid.old)
        if put.rows.words or put.old.words:
            batch.words[ident] = texts(put.rows)
        self._states[ident] = state._replace(version=version, gone=gone)
        self._hear_targets(laid.new)
        moment = self._updated * 1000
        return Version(put.type, put.id, version, moment, put.method, put.rest, t)

    def _hear_targets(self, layout: Layout) -> None:
        for ident, key in layout.targets.items():
            self._hear(ident, *key)

    def _is_written(self, ident: int) -> bool:
        found = self._batch.resources.get(ident)
        return found is not None and found.version > 0


def _same(state: State, type: str, id: str) -> None:
    if (state.type, state.id) != (type, id):
        raise Fault("Two resources have the same number: choose another id for this one")
