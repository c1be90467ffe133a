"""KeyKeeper (storage.ports.keys) on PostgreSQL. Bodies are encrypted anew a few at a time, each as
long as it is what it was."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.storage.engines.postgres.keys import PostgresKeys, Run
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.keys.bodies import SEALED, Place, number_in
from careplane.storage.keys.ring import FRESH_SECONDS
from careplane.storage.ports.keys import Census, Reseal
from careplane.storage.ports.records import Tenant

_BODIES = """SELECT v.form, v.body, v.ident, v.version FROM version v
JOIN unnest($2::bigint[], $3::integer[]) k(ident, version)
ON v.ident = k.ident AND v.version = k.version WHERE v.tenant = $1"""
_CHANGE = """UPDATE version SET form = $4, body = $5
WHERE tenant = $1 AND ident = $2 AND version = $3 AND body = $6 RETURNING 1"""
_USED = f"""SELECT DISTINCT substring(body FROM 1 FOR 8) FROM version
WHERE tenant = $1 AND form >= {SEALED * 4}"""
_IS_PLAIN = f"SELECT any_body_below({SEALED * 4})"


class PostgresKeeper:
    """`run` does work on a connection that writes."""

    fresh_seconds = FRESH_SECONDS

    def __init__(self, keys: PostgresKeys, names: Names, run: Run) -> None:
        self._keys = keys
        self._names = names
        self._run = run

    async def supersede(self, tenant: Tenant, patient: str | None) -> None:
        await self._keys.supersede(tenant, patient)

    async def rewrap(self, tenant: Tenant) -> int:
        return await self._keys.rewrap(tenant)

    async def reseal(self, tenant: Tenant, items: Sequence[Reseal]) -> int:
        await self._keys.own(tenant, [item.patient for item in items])
        return await self._run(tenant, lambda c: self._reseal(c, tenant, items))

    async def retire(self, tenant: Tenant) -> int:
        rows = await self._run(tenant, lambda c: c.fetch(_USED, tenant))
        gone = await self._keys.retire(tenant, {row[0] for row in rows})
        if not await self._run(tenant, lambda c: c.fetchval(_IS_PLAIN)):
            await self._keys.forbid_plain()
        return gone

    async def shred(self, tenant: Tenant, patient: str) -> int:
        return await self._keys.shred(tenant, patient)

    async def lingers(self, tenant: Tenant, patient: str) -> bool:
        return await self._keys.lingers(tenant, patient)

    async def has_current(self, tenant: Tenant, patient: str) -> bool:
        return await self._keys.has_current(tenant, patient)

    async def returned(self, tenant: Tenant, patients: Sequence[str]) -> list[str]:
        return await self._keys.returned(tenant, patients)

    async def pending(self) -> bool:
        return await self._keys.pending()

    async def census(self, tenant: Tenant) -> Census:
        return await self._keys.census(tenant)

    async def _reseal(self, connection: Connection, tenant: Tenant, items: Sequence[Reseal]) -> int:
        by_place = {(self._names.ident(tenant, i.type, i.id), i.version): i for i in items}
        idents, versions = zip(*by_place, strict=True)
        rows = await connection.fetch(_BODIES, tenant, idents, versions)
        await self._keys.ready(tenant, [(0, 0, 0, 0, row[0], row[1]) for row in rows])
        done = 0
        for form, body, ident, version in rows:
            item = by_place[ident, version]
            if number_in(form, body) == self._keys.ring.own(tenant, item.patient):
                continue
            plain = self._keys.bodies.opened(tenant, item.type, item.id, version, form, body)
            place = Place(tenant, item.type, item.id, version)
            encoding, sealed = self._keys.bodies.sealed(plain, form & 3, place, item.patient)
            new = encoding * 4 + (form & 3)
            args = (tenant, ident, version, new, sealed, body)
            done += await connection.fetchval(_CHANGE, *args) or 0
        return done
