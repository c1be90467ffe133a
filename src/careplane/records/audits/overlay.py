"""A RecordStore (storage.ports) in which the trail's AuditEvents stand among the stored resources.

Whatever reads through the door reads through this, so that rights, includes, compartments, pages
and audit are those of any type. Nothing of the trail is ever written: a unit of work that would is
refused. What goes through the whole store (system searches over several types, exports, histories
of types) has the stored AuditEvents only; `careplane audit export` has the trail."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from careplane.kernel.errors import Forbidden
from careplane.ledger.trail import Trail
from careplane.records.audits.naming import is_ours
from careplane.records.audits.searching import TYPE, Searching
from careplane.records.bodies import Extract
from careplane.search.plan import Everything, Query
from careplane.storage.ports.records import (
    Erasure,
    HistoryQuery,
    Key,
    Page,
    Receipt,
    RecordStore,
    Tenant,
    Unit,
    Version,
)

T = TypeVar("T")
Asked = Coroutine[Any, Any, T]
_ALONE = frozenset({TYPE})


class WithTrail:
    """One store with its trail."""

    def __init__(self, store: RecordStore, trail: Trail, extract: Extract) -> None:
        self._store = store
        self._events = Searching(store, trail, extract)
        self.reindex = store.reindex
        self.current = store.current
        self.newest = store.newest
        self.changes = store.changes
        self.horizon = store.horizon
        self.snapshot = store.snapshot
        self.counts = store.counts
        self.close = store.close

    def read(self, tenant: Tenant, type: str, id: str) -> Asked[Version | None]:
        if type == TYPE and is_ours(id):
            return self._events.read(tenant, id)
        return self._store.read(tenant, type, id)

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        if type == TYPE and is_ours(id):
            return await self._events.read(tenant, id) if version == 1 else None
        return await self._store.vread(tenant, type, id, version)

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        if not [id for type, id in keys if type == TYPE and is_ours(id)]:
            return await self._store.read_many(tenant, keys)
        return [await self.read(tenant, *key) for key in keys]

    def search(self, tenant: Tenant, query: Query) -> Asked[Page]:
        if query.types == _ALONE:
            return self._events.search(tenant, query)
        return self._store.search(tenant, query)

    def count(self, tenant: Tenant, query: Query) -> Asked[int]:
        if query.types == _ALONE:
            return self._events.count(tenant, query)
        return self._store.count(tenant, query)

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        if query.types != _ALONE or query.id is None or not is_ours(query.id):
            return await self._store.history(tenant, query)
        found = await self._events.read(tenant, query.id)
        if found is None or not _within(query, found):
            return Page(())
        everything = isinstance(query.restriction, Everything)
        if not everything and not await self._events.shows(tenant, found, query.restriction):
            return Page(())
        return Page((found,), total=1 if query.total else None)

    def commit(self, tenant: Tenant, unit: Unit) -> Asked[Receipt]:
        for put in unit.puts:
            _refuse(put.type, put.id)
        return self._store.commit(tenant, unit)

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        for one in erasure.records:
            _refuse(one.type, one.id)
        await self._store.erase(tenant, erasure)


def _within(query: HistoryQuery, version: Version) -> bool:
    late = query.since is not None and version.last_updated < query.since
    early = query.before is not None and version.last_updated >= query.before
    return not late and not early and query.cursor is None


def _refuse(type: str, id: str) -> None:
    if type == TYPE and is_ours(id):
        raise Forbidden(
            "AuditEvents whose id begins with 'trail-' are made of the audit trail, and nobody "
            "writes them; give yours another id."
        )
