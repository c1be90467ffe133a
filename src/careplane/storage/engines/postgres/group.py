"""One transaction of the writer: units of work are checked in turn and written together.

It begins by locking the one row of `sequence`, so it sees all that was committed before and nobody
commits in between: guards hold, `t` rises in the order of commit, and nothing can deadlock. A unit
that is stale is left out before anything of it is written. Rows gather in a batch, which is flushed
before a guard looks at the store, and before a resource is written a second time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import NamedTuple

from careplane.kernel.errors import Fault, Outdated, Stale
from careplane.storage.bodies import Packed
from careplane.storage.engines.postgres.batch import WRITE, Batch, Identity, Resource
from careplane.storage.engines.postgres.job import Job, Laid
from careplane.storage.engines.postgres.layout import Layout
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.versions import form_of
from careplane.storage.engines.postgres.words import Texts, texts, write
from careplane.storage.ports.moving import Kept
from careplane.storage.ports.records import DEFINING, Guard, Key, Receipt, Tenant, Version

Find = Callable[[Connection, Tenant, Guard], Awaitable[set[Key]]]
_LOCK = "SELECT t, rid, updated FROM sequence FOR UPDATE"
_DEFINED = "SELECT max(t) FROM version WHERE tenant = $1 AND type = $2"
_STATES = """SELECT r.tenant, r.ident, r.rid, r.version, r.gone, r.type, r.id
FROM unnest($1::integer[], $2::bigint[]) k(tenant, ident)
JOIN resource r ON r.tenant = k.tenant AND r.ident = k.ident"""


class State(NamedTuple):
    """Where a resource stands."""

    rid: int
    version: int
    gone: bool
    type: str
    id: str


class Group:
    """A transaction that has begun: `begin`, `take` units, then `flush`."""

    def __init__(self, connection: Connection, find: Find, heard: set[Identity]) -> None:
        self._connection = connection
        self._find = find
        self._heard = heard
        self._batch = Batch()
        self._states: dict[Identity, State] = {}
        self._t = self._rid = self._updated = 0
        self._defined: dict[int, int] = {}

    async def begin(self, jobs: Iterable[Job], now: int) -> None:
        """Lock, and fetch at once what the units will ask for one by one."""
        wanted: dict[Identity, None] = {}
        for job in jobs:
            for laid in job.laid:
                wanted[job.tenant, laid.ident] = None
                wanted |= self.unheard(job.tenant, laid.new)
        await self.lock(wanted, now)

    def unheard(self, tenant: int, layout: Layout) -> dict[Identity, None]:
        """What a resource refers to, as far as it may have no place yet."""
        targets = ((tenant, ident) for ident in layout.targets)
        return dict.fromkeys(target for target in targets if target not in self._heard)

    async def lock(self, wanted: Collection[Identity], now: int) -> None:
        """Nobody commits from here on; `wanted` are the resources that it will be about."""
        row = await self._connection.fetchrow(_LOCK)
        assert row is not None
        self._t, self._rid, self._updated = row[0], row[1], max(row[2], now // 1000)
        if wanted:
            tenants, idents = zip(*wanted, strict=True)
            rows = await self._connection.fetch(_STATES, tenants, idents)
            self._states = {(r[0], r[1]): State(*r[2:]) for r in rows}

    async def take(self, job: Job) -> Receipt:
        """Accept a unit, or raise Stale or Outdated."""
        tenant, batch = job.tenant, self._batch
        again = any(_is_written(batch, (tenant, laid.ident)) for laid in job.laid)
        if job.unit.guards or again:
            await self.flush()
        for guard in job.unit.guards:
            if await self._find(self._connection, tenant, guard) != guard.found:
                raise Stale("A search that this change relied on has a different answer now")
        for laid in job.laid:
            self._check(tenant, laid)
        await self.require(tenant, job.unit.defined)
        if job.unit.audit is not None:
            self._batch.outbox.append((tenant, job.unit.audit))
        for laid in job.laid:
            self._hear(tenant, laid.ident, laid.put.type, laid.put.id)
        pairs = zip(job.laid, job.packed, strict=True)
        return Receipt(tuple([self._put(tenant, laid, *packed) for laid, packed in pairs]))

    @property
    def heard(self) -> Iterable[Identity]:
        """Resources that have a place once this is committed."""
        return self._states

    async def require(self, tenant: Tenant, defined: int | None) -> None:
        """Raises Outdated where a search parameter was defined after `defined`."""
        if defined is None:
            return
        if tenant not in self._defined:
            newest = await self._connection.fetchval(_DEFINED, tenant, DEFINING)
            self._defined[tenant] = newest or 0
        if defined < self._defined[tenant]:
            raise Outdated("Search parameters have been defined anew")

    def change(self, resource: Resource) -> None:
        """Write what a resource is found by anew, at the version that it has."""
        self._batch.resources[resource.tenant, resource.ident] = resource
        self._batch.name(resource.tenant, resource.layout)
        self._hear_targets(resource.tenant, resource.layout)

    def restore(self, kept: Kept, ident: int, layout: Layout, found: Texts, packed: Packed) -> None:
        """Write a version as it was, of a resource that has a place."""
        tenant, version, batch = kept.tenant, kept.version, self._batch
        state = self._states[tenant, ident]
        self._same(state, version.type, version.id)
        self._t, self._updated = version.t, version.last_updated // 1000
        form = form_of(version.method, packed[0])
        batch.versions.append(
            (tenant, version.version, ident, version.t, self._updated, form, version.type,
             packed[1])
        )  # fmt: skip
        if kept.current:
            gone = version.deleted
            batch.resources[tenant, ident] = Resource(
                tenant, ident, state.rid, version.type, version.id, version.version, 0,
                self._updated, gone, layout,
            )  # fmt: skip
            batch.tally[tenant, version.type] += int(not gone)
            batch.index(tenant, ident, layout, Layout())
            if any(found):
                batch.words[tenant, ident] = found
            self._hear_targets(tenant, layout)

    async def flush(self) -> None:
        """Bring the batch to the tables."""
        batch, self._batch = self._batch, Batch()
        await self._connection.execute(WRITE, *batch.args(self._t, self._rid, self._updated))
        if batch.words:
            await write(self._connection, batch.words)

    def _check(self, tenant: int, laid: Laid) -> None:
        state, put = self._states.get((tenant, laid.ident)), laid.put
        if state is not None:
            self._same(state, put.type, put.id)
        if (state.version if state else 0) != put.expect:
            raise Stale("Somebody else has changed a record in between")

    def _same(self, state: State, type: str, id: str) -> None:
        if (state.type, state.id) != (type, id):
            raise Fault("Two resources have the same number: choose another id for this one")

    def _hear(self, tenant: int, ident: int, type: str, id: str) -> None:
        """Give a place to what is heard of for the first time."""
        identity = (tenant, ident)
        if identity in self._states or identity in self._heard:
            return
        self._rid += 1
        self._states[identity] = State(self._rid, 0, True, type, id)
        self._batch.resources[identity] = Resource(tenant, ident, self._rid, type, id)

    def _put(self, tenant: int, laid: Laid, dictionary: int, body: bytes) -> Version:
        put, ident, batch = laid.put, laid.ident, self._batch
        state = self._states[tenant, ident]
        self._t += 1
        t, version, gone = self._t, put.expect + 1, put.method == "DELETE"
        batch.resources[tenant, ident] = Resource(
            tenant, ident, state.rid, put.type, put.id, version, t, self._updated, gone, laid.new
        )
        form = form_of(put.method, dictionary)
        batch.versions.append((tenant, version, ident, t, self._updated, form, put.type, body))
        batch.tally[tenant, put.type] += int(state.gone) - int(gone)
        if put.type == DEFINING:
            self._defined[tenant] = t
        batch.index(tenant, ident, laid.new, laid.old)
        if put.rows.words or put.old.words:
            batch.words[tenant, ident] = texts(put.rows)
        self._states[tenant, ident] = state._replace(version=version, gone=gone)
        self._hear_targets(tenant, laid.new)
        moment = self._updated * 1000
        return Version(put.type, put.id, version, moment, put.method, put.rest, t)

    def _hear_targets(self, tenant: int, layout: Layout) -> None:
        for ident, key in layout.targets.items():
            self._hear(tenant, ident, *key)


def _is_written(batch: Batch, identity: Identity) -> bool:
    found = batch.resources.get(identity)
    return found is not None and found.version > 0
