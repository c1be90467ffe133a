"""The store as a caller sees it who does not see everything: every version that comes out of it is
veiled, so whatever is made of it holds nothing that is hidden.

It writes nothing: what is written, and the rows of what is replaced, are made of the store itself
(`Parts.plain`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from msgspec.structs import replace

from careplane.kernel.errors import Fault
from careplane.records.veil.veil import Veil
from careplane.search.plan import Query
from careplane.storage.ports.records import (
    Erasure,
    HistoryQuery,
    Key,
    Page,
    Receipt,
    Reindex,
    Reindexed,
    Slice,
    SnapshotQuery,
    Tenant,
    Unit,
    Version,
)


class VeiledStore:
    """A RecordStore to read from."""

    def __init__(self, veil: Veil) -> None:
        self._veil = veil
        self._store = veil.store

    async def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        return await self._maybe(await self._store.read(tenant, type, id))

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        return await self._maybe(await self._store.vread(tenant, type, id, version))

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        found = await self._store.read_many(tenant, keys)
        shown = iter(await self._veil.over([version for version in found if version]))
        return [None if version is None else next(shown) for version in found]

    async def search(self, tenant: Tenant, query: Query) -> Page:
        return await self._page(await self._store.search(tenant, query))

    async def count(self, tenant: Tenant, query: Query) -> int:
        return await self._store.count(tenant, query)

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        return await self._page(await self._store.history(tenant, query))

    async def current(
        self, tenant: Tenant, type: str, after: str | None = None, count: int = 1000
    ) -> list[Version]:
        return await self._veil.over(await self._store.current(tenant, type, after, count))

    async def changes(self, tenant: Tenant, after: int, count: int = 1000) -> list[Version]:
        return await self._veil.over(await self._store.changes(tenant, after, count))

    async def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        found = await self._store.snapshot(tenant, query)
        shown = await self._veil.over(found.versions)
        return Slice(tuple(shown), tuple(await self._veil.over(found.unchecked)), found.next)

    async def newest(self, tenant: Tenant, type: str) -> int:
        return await self._store.newest(tenant, type)

    async def horizon(self, tenant: Tenant) -> tuple[int, int]:
        return await self._store.horizon(tenant)

    async def counts(self, tenant: Tenant) -> dict[str, int]:
        return await self._store.counts(tenant)

    async def commit(self, tenant: Tenant, unit: Unit) -> Receipt:
        _refuse()

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        _refuse()

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        _refuse()

    async def close(self) -> None:
        _refuse()

    async def _maybe(self, version: Version | None) -> Version | None:
        return None if version is None else await self._veil.one(version)

    async def _page(self, page: Page) -> Page:
        return replace(page, versions=tuple(await self._veil.over(page.versions)))


def _refuse() -> NoReturn:
    raise Fault("A store under a veil was asked to write.")
