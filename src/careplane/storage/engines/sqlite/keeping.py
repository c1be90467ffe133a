"""KeyKeeper (storage.ports.keys) on SQLite. Bodies are encrypted anew on a connection of its own, a
few at a time, so that whoever writes waits for milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.keys import SqliteKeys, emptied
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.keys.bodies import SEALED, Place, SealedBodies, number_in
from careplane.storage.keys.ring import FRESH_SECONDS
from careplane.storage.ports.keys import Census, Reseal
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

_BODY = (
    "SELECT v.form, v.body FROM version v JOIN resource r ON r.rid = v.rid WHERE v.t = ? AND "
    "v.tenant = ? AND v.version = ? AND r.fhir_id = ? "
    "AND r.type = (SELECT id FROM name WHERE kind = ? AND text = ?)"
)
_CHANGE = "UPDATE version SET form = ?, body = ? WHERE t = ?"
_USED = f"SELECT DISTINCT substr(body, 1, 8) FROM version WHERE tenant = ? AND form >= {SEALED * 4}"
_IS_PLAIN = f"SELECT EXISTS (SELECT 1 FROM version WHERE form < {SEALED * 4})"


class SqliteKeeper:
    """`records` and `state` open those files; there may be no state."""

    fresh_seconds = FRESH_SECONDS

    def __init__(
        self,
        keys: SqliteKeys,
        records: Callable[[], Connection],
        state: Callable[[], Connection | None],
    ) -> None:
        self._keys = keys
        self._records = records
        self._state = state
        self._bodies = SealedBodies(keys.ring, keys.find)

    async def supersede(self, tenant: Tenant, patient: str | None) -> None:
        await asyncio.to_thread(self._keys.supersede, tenant, patient)

    async def rewrap(self, tenant: Tenant) -> int:
        return await asyncio.to_thread(self._keys.rewrap, tenant)

    async def reseal(self, tenant: Tenant, items: Sequence[Reseal]) -> int:
        return await asyncio.to_thread(self._reseal, tenant, items)

    async def retire(self, tenant: Tenant) -> int:
        return await asyncio.to_thread(self._retire, tenant)

    async def shred(self, tenant: Tenant, patient: str) -> int:
        return await asyncio.to_thread(self._shred, tenant, patient)

    async def lingers(self, tenant: Tenant, patient: str) -> bool:
        return await asyncio.to_thread(self._keys.lingers, tenant, patient)

    async def has_current(self, tenant: Tenant, patient: str) -> bool:
        return await asyncio.to_thread(self._keys.has_current, tenant, patient)

    async def returned(self, tenant: Tenant, patients: Sequence[str]) -> list[str]:
        return await asyncio.to_thread(self._keys.returned, tenant, patients)

    async def pending(self) -> bool:
        return await asyncio.to_thread(self._keys.pending)

    async def census(self, tenant: Tenant) -> Census:
        return await asyncio.to_thread(self._keys.census, tenant)

    def _reseal(self, tenant: Tenant, items: Sequence[Reseal]) -> int:
        lacking = self._keys.lacking(tenant, [item.patient for item in items])
        if lacking:
            self._keys.own(tenant, lacking)
        with complaints(), closing(self._records()) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = sum(self._resealed(connection, tenant, item) for item in items)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        return done

    def _resealed(self, connection: Connection, tenant: Tenant, item: Reseal) -> bool:
        type, id, version, t, patient = item.type, item.id, item.version, item.t, item.patient
        args = (t, tenant, version, compact(id), int(Kind.TYPE), type)
        row = connection.execute(_BODY, args).fetchone()
        if row is None or number_in(*row) == self._keys.ring.own(tenant, patient):
            return False
        form, body = row
        plain = self._bodies.opened(tenant, type, id, version, form, body)
        place = Place(tenant, type, id, version)
        encoding, sealed = self._bodies.sealed(plain, form & 3, place, patient)
        connection.execute(_CHANGE, (encoding * 4 + (form & 3), sealed, t))
        return True

    def _retire(self, tenant: Tenant) -> int:
        with complaints(), closing(self._records()) as connection:
            used = {bytes(number) for (number,) in connection.execute(_USED, (tenant,))}
            is_plain = connection.execute(_IS_PLAIN).fetchone()[0]
            emptied(connection)
        gone = self._keys.retire(tenant, used)
        if not is_plain:
            self._keys.forbid_plain()
        return gone

    def _shred(self, tenant: Tenant, patient: str) -> int:
        count = self._keys.shred(tenant, patient)
        with complaints():
            for connection in (self._records(), self._state()):
                if connection is not None:
                    with closing(connection):
                        emptied(connection)
        return count
