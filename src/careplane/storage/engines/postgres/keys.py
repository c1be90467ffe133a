"""The keys of a database's bodies, in its table `key` (storage.ports.keys), for one event loop.

Bodies are opened without waiting, so `ready` brings the keys of what was fetched. Whoever makes
keys, or wraps them anew, holds the tenant's advisory lock meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Fault
from careplane.storage.bodies import Packed
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.versions import METHODS
from careplane.storage.keys.bodies import Place, SealedBodies, number_in, patients_of
from careplane.storage.keys.erasures import NAME, NO_KEY, Erasures
from careplane.storage.keys.ring import Ring
from careplane.storage.ports.keys import Census, KeyRow
from careplane.storage.ports.records import Put, Tenant

T = TypeVar("T")
_log = logging.getLogger(__name__)
PLAIN = "plain bodies"
_COLUMNS = "number, tenant, owner, parent, current, wrapped"
_LOCK = "SELECT pg_advisory_xact_lock(7203120, $1)"
_FIND = f"""SELECT {_COLUMNS} FROM key WHERE tenant = $1
AND (number = ANY($2::bytea[]) OR number IN (
  SELECT parent FROM key WHERE tenant = $1 AND number = ANY($2::bytea[])))
ORDER BY length(owner)"""
_OWN = f"SELECT {_COLUMNS} FROM key WHERE tenant = $1 AND owner = ANY($2::bytea[]) AND current"
_ADD = f"INSERT INTO key ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
_CHANGED = "UPDATE key_change SET n = n + 1"
_COMPARE = "SELECT n, (SELECT proof FROM key_permit WHERE name = $1) FROM key_change"
_PERMIT = """INSERT INTO key_permit SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM key)
ON CONFLICT DO NOTHING"""
_DESTROYED = "SELECT owner, number FROM destroyed_keys()"
_SUPERSEDE = """UPDATE key SET current = false WHERE tenant = $1 AND owner <> '' AND current
AND ($2::bytea IS NULL OR owner = $2)"""
_NO_TENANT_KEY = "UPDATE key SET current = false WHERE tenant = $1 AND owner = '' AND current"
_UNDER = f"""SELECT {_COLUMNS} FROM key WHERE tenant = $1 AND parent <> '' AND parent <> $2
AND wrapped <> '' LIMIT 2000"""
_MOVE = "UPDATE key SET parent = $3, wrapped = $4 WHERE tenant = $1 AND number = $2"
_OLD = f"""SELECT {_COLUMNS} FROM key WHERE tenant = $1 AND ($2::bytea IS NULL OR owner = $2)
AND owner <> '' AND NOT current AND wrapped <> ''"""
_DESTROY = "UPDATE key SET wrapped = '' WHERE tenant = $1 AND number = ANY($2::bytea[])"
_OF = f"SELECT {_COLUMNS} FROM key WHERE tenant = $1 AND owner = $2"
_COUNT = """SELECT count(*) FILTER (WHERE current), count(*) FILTER (WHERE NOT current AND
wrapped <> ''), count(*) FILTER (WHERE wrapped = '') FROM key WHERE tenant = $1 AND owner <> ''"""


class Run(Protocol):
    """Does work on a connection that sees the rows of a tenant."""

    async def __call__(
        self, tenant: Tenant | None, work: Callable[[Connection], Awaitable[T]], /
    ) -> T: ...


class PostgresKeys:
    """`erasures`: the folder of that list; None where none is kept, as in a move."""

    def __init__(self, run: Run, root: bytes, folder: Path | None, *, enforced: bool) -> None:
        self._run = run
        path = (folder or Path("/nonexistent")) / NAME
        self.ring = Ring(root, Erasures(path), enforced=enforced)
        self._listed = folder is not None
        self._changes = -1
        self.bodies = SealedBodies(self.ring, _missing)

    async def ready(self, tenant: Tenant, rows: Iterable[Sequence[Any]]) -> None:
        """The keys of rows of COLUMNS; those without a version are passed over."""
        if not self.ring.fresh:
            await self.compare()
        found = (number_in(row[4], row[5]) for row in rows if row[4] is not None)
        lacking = self.ring.unknown(number for number in found if number is not None)
        if lacking:
            for row in await self._run(tenant, lambda c: c.fetch(_FIND, tenant, lacking)):
                self.ring.admit(_row(row))

    async def own(self, tenant: Tenant, patients: Iterable[str]) -> None:
        """The current keys of patients; durable, where they are new."""
        if not self.ring.fresh:
            await self.compare()
        lacking = [one for one in dict.fromkeys(patients) if self.ring.own(tenant, one) is None]
        if lacking and (
            lacking := await self._run(tenant, lambda c: self._found(c, tenant, lacking))
        ):
            await self._run(tenant, lambda c: self._made(c, tenant, lacking))

    async def packed(self, tenant: Tenant, puts: Sequence[Put]) -> list[Packed]:
        """The bodies of puts as they are kept; their keys are durable by then."""
        patients = patients_of(puts)
        await self.own(tenant, patients)
        return self.bodies.pack(
            [put.rest for put in puts],
            [METHODS.index(put.method) for put in puts],
            [Place(tenant, put.type, put.id, put.expect + 1) for put in puts],
            patients,
        )

    async def compare(self) -> None:
        """See whether keys were superseded or destroyed elsewhere; what was erased by another node
        comes to the list of this one."""
        n, proof = await self._run(None, lambda c: c.fetchrow(_COMPARE, PLAIN))
        changed, self._changes = n != self._changes, n
        if changed and self._listed:
            rows = await self._run(None, lambda c: c.fetch(_DESTROYED))
            try:
                self.ring.erasures.add((row[0], row[1]) for row in rows)
            except OSError as error:
                _log.warning("The list of erasures cannot be written: %s", error.strerror)
        self.ring.compared(changed=changed, reads_plain=proof == self.ring.permit(PLAIN))

    async def permit_plain(self, connection: Connection) -> None:
        """Where the migration found bodies, and there are no keys yet, bodies without encryption
        may be read."""
        if await connection.fetchval("SELECT EXISTS (SELECT FROM key_permit WHERE name = 'asked')"):
            await connection.execute(_PERMIT, PLAIN, self.ring.permit(PLAIN))
            await connection.execute("DELETE FROM key_permit WHERE name = 'asked'")

    async def supersede(self, tenant: Tenant, patient: str | None) -> None:
        owner = None if patient is None else self.ring.owner(tenant, patient)

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_LOCK, tenant)
                await connection.execute(_SUPERSEDE, tenant, owner)
                await connection.execute(_CHANGED)

        await self._run(tenant, work)
        await self.compare()

    async def rewrap(self, tenant: Tenant) -> int:
        """A new key of the tenant; what was interrupted is brought to its end."""

        async def begin(connection: Connection) -> bytes:
            async with connection.transaction():
                await connection.execute(_LOCK, tenant)
                await connection.execute(_NO_TENANT_KEY, tenant)
                return await self._tenant_key(connection, tenant)

        new = await self._run(tenant, begin)
        count = 0
        while moved := await self._run(tenant, lambda c: self._rewrap_some(c, tenant, new)):
            count += moved
        sql = "DELETE FROM key WHERE tenant = $1 AND owner = '' AND NOT current"
        await self._run(tenant, lambda c: c.execute(sql, tenant))
        return count

    async def retire(self, tenant: Tenant, used: set[bytes]) -> int:
        """Destroy superseded keys that are not `used`."""
        rows = await self._run(tenant, lambda c: c.fetch(_OLD, tenant, None))
        gone = [row[0] for row in rows if row[0] not in used]
        sql = "DELETE FROM key WHERE tenant = $1 AND number = ANY($2::bytea[]) AND NOT current"
        await self._run(tenant, lambda c: c.execute(sql, tenant, gone))
        await self._run(tenant, lambda c: c.execute(_CHANGED))
        await self.compare()
        return len(gone)

    async def forbid_plain(self) -> None:
        """Bodies without encryption are read no more."""
        await self._run(None, lambda c: c.execute("DELETE FROM key_permit WHERE name = $1", PLAIN))
        await self.compare()

    async def shred(self, tenant: Tenant, patient: str) -> int:
        """Note the erasure, and destroy the superseded keys of a patient."""
        owner = self.ring.owner(tenant, patient)
        rows = await self._run(tenant, lambda c: c.fetch(_OLD, tenant, owner))
        numbers = [row[0] for row in rows]
        self.ring.erasures.add([(owner, number) for number in numbers or [NO_KEY]])

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_DESTROY, tenant, numbers)
                await connection.execute(_CHANGED)

        await self._run(tenant, work)
        await self.compare()
        return len(numbers)

    async def lingers(self, tenant: Tenant, patient: str) -> bool:
        """Whether superseded keys of a patient are there."""
        owner = self.ring.owner(tenant, patient)
        return await self._run(tenant, lambda c: c.fetchrow(_OLD, tenant, owner)) is not None

    async def has_current(self, tenant: Tenant, patient: str) -> bool:
        """Whether a patient has a key that is not superseded."""
        owner = self.ring.owner(tenant, patient)
        return bool(await self._run(tenant, lambda c: c.fetch(_OWN, tenant, [owner])))

    async def returned(self, tenant: Tenant, patients: Sequence[str]) -> list[str]:
        """Those that were erased and are here again."""
        found = []
        listed = self.ring.erasures
        for patient in patients:
            owner = self.ring.owner(tenant, patient)
            if owner not in listed.owners:
                continue
            rows = await self._of(tenant, owner)
            alive = [row for row in rows if row.wrapped]
            if not rows or any((owner, row.number) in listed for row in alive):
                found.append(patient)
        return found

    async def pending(self) -> bool:
        """Whether a key is here again that the list of erasures has."""
        numbers = [number for _, number in self.ring.erasures]
        return bool(await self._run(None, lambda c: c.fetchval("SELECT any_key_of($1)", numbers)))

    async def census(self, tenant: Tenant) -> Census:
        await self.compare()
        row = await self._run(tenant, lambda c: c.fetchrow(_COUNT, tenant))
        assert row is not None
        return Census(row[0], row[1], row[2], self.ring.reads_plain)

    async def _of(self, tenant: Tenant, owner: bytes) -> list[KeyRow]:
        return [_row(row) for row in await self._run(tenant, lambda c: c.fetch(_OF, tenant, owner))]

    async def _found(
        self, connection: Connection, tenant: Tenant, patients: Sequence[str]
    ) -> list[str]:
        """Those that have no key yet; the keys of the others are in the ring."""
        owners = {self.ring.owner(tenant, patient): patient for patient in patients}
        rows = [_row(row) for row in await connection.fetch(_OWN, tenant, list(owners))]
        parents = list({row.parent for row in rows})
        for parent in await connection.fetch(_FIND, tenant, parents):
            self.ring.admit(_row(parent))
        for row in rows:
            self.ring.admit_own(tenant, owners.pop(row.owner), row)
        return list(owners.values())

    async def _made(self, connection: Connection, tenant: Tenant, patients: Sequence[str]) -> None:
        async with connection.transaction():
            await connection.execute(_LOCK, tenant)
            parent = await self._tenant_key(connection, tenant)
            for patient in await self._found(connection, tenant, patients):
                row = self.ring.made(tenant, self.ring.owner(tenant, patient), parent)
                await connection.execute(_ADD, *_values(row))
        await self._found(connection, tenant, patients)

    async def _tenant_key(self, connection: Connection, tenant: Tenant) -> bytes:
        """The number of the tenant's key, made where there is none. Under the lock."""
        found = await connection.fetchrow(_OWN, tenant, [b""])
        row = _row(found) if found else self.ring.made(tenant, b"", b"")
        if not found:
            await connection.execute(_ADD, *_values(row))
        self.ring.admit(row)
        return row.number

    async def _rewrap_some(self, connection: Connection, tenant: Tenant, new: bytes) -> int:
        async with connection.transaction():
            await connection.execute(_LOCK, tenant)
            rows = [_row(row) for row in await connection.fetch(_UNDER, tenant, new)]
            for parent in await connection.fetch(_FIND, tenant, list({r.parent for r in rows})):
                self.ring.admit(_row(parent))
            under = [self.ring.rewrapped(row, new) for row in rows]
            await connection.executemany(
                _MOVE, [(tenant, row.number, new, row.wrapped) for row in under]
            )
        return len(rows)


def _row(row: Sequence[Any]) -> KeyRow:
    return KeyRow(*row[:6])


def _values(row: KeyRow) -> tuple[Any, ...]:
    return (row.number, row.tenant, row.owner, row.parent, row.current, row.wrapped)


def _missing(number: bytes) -> AESGCM:
    raise Fault("The key of this record is missing: restore the table of keys from a backup")
