"""The keys of a data folder, in a file of their own: `keys.sqlite` (storage.ports.keys).

Any thread may ask; one at a time. What is destroyed is overwritten: `secure_delete` is on, and the
WAL is brought into the file and emptied.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Busy, Fault
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.keys import erasures
from careplane.storage.keys.erasures import NO_KEY, Erasures
from careplane.storage.keys.ring import Ring
from careplane.storage.ports.keys import Census, KeyRow
from careplane.storage.ports.records import Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

KEYS = "keys.sqlite"
PLAIN = "plain bodies"
_CACHE_KIB = 2_048
_COLUMNS = "number, tenant, owner, parent, current, wrapped"
_FIND = (
    f"SELECT {_COLUMNS} FROM key WHERE number = ?1 "
    "OR number = (SELECT parent FROM key WHERE number = ?1) ORDER BY length(owner)"
)
_OWN = f"SELECT {_COLUMNS} FROM key WHERE tenant = ? AND owner = ? AND current = 1"
_PARENT = f"SELECT {_COLUMNS} FROM key WHERE number = ?"
_ADD = "INSERT INTO key VALUES (?, ?, ?, ?, ?, ?)"
_PERMIT = "INSERT OR IGNORE INTO permit SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM key)"
_CHANGED = "UPDATE change SET n = n + 1"
_COMPARE = "SELECT n, (SELECT proof FROM permit WHERE name = ?) FROM change"
_UNDER = (
    f"SELECT {_COLUMNS} FROM key WHERE parent = ? AND wrapped != x'' ORDER BY number LIMIT 2000"
)
_OLD_PARENTS = "SELECT number FROM key WHERE tenant = ? AND owner = x'' AND current = 0"
_OLD = "SELECT number FROM key WHERE tenant = ? AND owner = ? AND current = 0 AND wrapped != x''"
_DESTROY = "UPDATE key SET wrapped = x'', current = 0 WHERE number = ?"
_COUNT = """SELECT coalesce(sum(current), 0), coalesce(sum(1 - current AND wrapped != x''), 0),
coalesce(sum(wrapped = x''), 0) FROM key WHERE tenant = ? AND owner != x''"""
_TRIES, _BETWEEN_SECONDS = 50, 0.1


class SqliteKeys:
    """`plain`: whether the folder may have bodies from before there was encryption, where it has no
    keys yet."""

    def __init__(self, folder: Path, key: bytes, *, plain: bool, enforced: bool = True) -> None:
        own = key_for("keys", key)
        self._connection = made(
            folder / KEYS, lambda path: connect(path, own, cache_kib=_CACHE_KIB), "keys"
        )
        self._connection.execute("PRAGMA secure_delete = ON")
        self._lock = threading.Lock()
        listed = Erasures(folder / erasures.NAME)
        self.ring = Ring(key_for("bodies", key), listed, enforced=enforced)
        self._changes = -1
        if plain:
            with complaints(), self._changing() as execute:
                execute(_PERMIT, (PLAIN, self.ring.permit(PLAIN)))
        self.compare()

    def find(self, number: bytes) -> AESGCM:
        """A key that is not in the ring, which has it then. Raises Fault where there is none."""
        with self._lock, complaints():
            rows = self._rows(_FIND, number)
            if not rows or rows[-1].number != number:
                raise Fault("The key of this record is missing: restore keys.sqlite from a backup")
            for row in rows:
                self.ring.admit(row)
            return self.ring.ciphers[number]

    def lacking(self, tenant: Tenant, patients: Iterable[str]) -> list[str]:
        """Those whose current keys are not in the ring, after a comparison if one is due."""
        ring = self.ring
        if not ring.fresh:
            self.compare()
        return [one for one in dict.fromkeys(patients) if ring.own(tenant, one) is None]

    def own(self, tenant: Tenant, patients: Sequence[str]) -> None:
        """Bring the current keys of patients to the ring; durable, where they are new."""
        with self._lock, complaints():
            missing = []
            for patient in patients:
                if not self._admitted(tenant, patient):
                    missing.append(patient)
            if missing:
                with self._changing() as execute:
                    parent = self._tenant_key(tenant)
                    for patient in missing:
                        if not self._admitted(tenant, patient):  # another process made it
                            row = self.ring.made(tenant, self.ring.owner(tenant, patient), parent)
                            execute(_ADD, _values(row))
                for patient in missing:
                    self._admitted(tenant, patient)

    def compare(self) -> None:
        """See whether keys were superseded or destroyed elsewhere."""
        with self._lock, complaints():
            n, proof = self._connection.execute(_COMPARE, (PLAIN,)).fetchone()
            changed, self._changes = n != self._changes, n
            self.ring.compared(changed=changed, reads_plain=proof == self.ring.permit(PLAIN))

    def supersede(self, tenant: Tenant, patient: str | None) -> None:
        """New bodies come under new keys."""
        sql = "UPDATE key SET current = 0 WHERE tenant = ? AND owner != x'' AND current = 1"
        args: tuple[Any, ...] = (tenant,)
        if patient is not None:
            sql, args = f"{sql} AND owner = ?", (tenant, self.ring.owner(tenant, patient))
        with self._lock, complaints(), self._changing() as execute:
            execute(sql, args)
            execute(_CHANGED)
        self.compare()

    def rewrap(self, tenant: Tenant) -> int:
        """A new key of the tenant; what was interrupted is brought to its end."""
        with self._lock, complaints(), self._changing() as execute:
            sql = "UPDATE key SET current = 0 WHERE tenant = ? AND owner = x'' AND current = 1"
            execute(sql, (tenant,))
            new = self._tenant_key(tenant)
        count = 0
        while moved := self._rewrap_some(tenant, new):
            count += moved
        with self._lock, complaints(), self._changing() as execute:
            execute("DELETE FROM key WHERE tenant = ? AND owner = x'' AND current = 0", (tenant,))
        self.settle()
        return count

    def retire(self, tenant: Tenant, used: set[bytes]) -> int:
        """Destroy superseded keys that are not `used`."""
        sql = f"{_COLUMNS} FROM key WHERE tenant = ? AND owner != x'' AND current = 0"
        with self._lock, complaints(), self._changing() as execute:
            rows = self._rows(f"SELECT {sql} AND wrapped != x''", tenant)
            gone = [row.number for row in rows if row.number not in used]
            for number in gone:
                execute("DELETE FROM key WHERE number = ?", (number,))
            execute(_CHANGED)
        self.settle()
        self.compare()
        return len(gone)

    def forbid_plain(self) -> None:
        """Bodies without encryption are read no more."""
        with self._lock, complaints(), self._changing() as execute:
            execute("DELETE FROM permit WHERE name = ?", (PLAIN,))
        self.compare()

    def shred(self, tenant: Tenant, patient: str) -> int:
        """Note the erasure, and destroy the superseded keys of a patient."""
        owner = self.ring.owner(tenant, patient)
        with self._lock, complaints():
            numbers = [n for (n,) in self._connection.execute(_OLD, (tenant, owner))]
            self.ring.erasures.add([(owner, number) for number in numbers or [NO_KEY]])
            with self._changing() as execute:
                for number in numbers:
                    execute(_DESTROY, (number,))
                execute(_CHANGED)
        self.settle()
        self.compare()
        return len(numbers)

    def lingers(self, tenant: Tenant, patient: str) -> bool:
        """Whether superseded keys of a patient are there."""
        with self._lock, complaints():
            owner = self.ring.owner(tenant, patient)
            return self._connection.execute(_OLD, (tenant, owner)).fetchone() is not None

    def has_current(self, tenant: Tenant, patient: str) -> bool:
        """Whether a patient has a key that is not superseded."""
        with self._lock, complaints():
            return bool(self._rows(_OWN, tenant, self.ring.owner(tenant, patient)))

    def returned(self, tenant: Tenant, patients: Sequence[str]) -> list[str]:
        """Those that were erased and are here again."""
        found = []
        listed = self.ring.erasures
        with self._lock, complaints():
            for patient in patients:
                owner = self.ring.owner(tenant, patient)
                if owner not in listed.owners:
                    continue
                sql = f"SELECT {_COLUMNS} FROM key WHERE tenant = ? AND owner = ?"
                rows = self._rows(sql, tenant, owner)
                alive = [row for row in rows if row.wrapped]
                if not rows or any((owner, row.number) in listed for row in alive):
                    found.append(patient)
        return found

    def pending(self) -> bool:
        """Whether a key is here again that the list of erasures has."""
        with self._lock, complaints():
            for _, number in self.ring.erasures:
                row = self._connection.execute(_PARENT, (number,)).fetchone()
                if row is not None and row[5]:
                    return True
        return False

    def census(self, tenant: Tenant) -> Census:
        with self._lock, complaints():
            row = self._connection.execute(_COUNT, (tenant,)).fetchone()
        return Census(row[0], row[1], row[2], self.ring.reads_plain)

    def settle(self) -> None:
        """Empty the WAL, so that nothing that was overwritten stays in it."""
        with self._lock, complaints():
            emptied(self._connection)

    def close(self) -> None:
        with self._lock, complaints():
            self._connection.close()

    def _rewrap_some(self, tenant: Tenant, new: bytes) -> int:
        with self._lock, complaints(), self._changing() as execute:
            for (old,) in self._connection.execute(_OLD_PARENTS, (tenant,)).fetchall():
                self._admit_parent(old)
                rows = self._rows(_UNDER, old)
                for row in rows:
                    under = self.ring.rewrapped(row, new)
                    sql = "UPDATE key SET parent = ?, wrapped = ? WHERE number = ?"
                    execute(sql, (new, under.wrapped, row.number))
                if rows:
                    return len(rows)
        return 0

    def _admitted(self, tenant: Tenant, patient: str) -> bool:
        rows = self._rows(_OWN, tenant, self.ring.owner(tenant, patient))
        if not rows:
            return False
        self._admit_parent(rows[0].parent)
        self.ring.admit_own(tenant, patient, rows[0])
        return True

    def _admit_parent(self, number: bytes) -> None:
        for row in self._rows(_PARENT, number):
            self.ring.admit(row)

    def _tenant_key(self, tenant: Tenant) -> bytes:
        """The number of the tenant's key, made where there is none. In a transaction."""
        rows = self._rows(_OWN, tenant, b"")
        if not rows:
            rows = [self.ring.made(tenant, b"", b"")]
            self._connection.execute(_ADD, _values(rows[0]))
        self.ring.admit(rows[0])
        return rows[0].number

    def _rows(self, sql: str, *args: Any) -> list[KeyRow]:
        return [
            KeyRow(number, Tenant(tenant), owner, parent, bool(current), wrapped)
            for number, tenant, owner, parent, current, wrapped in self._connection.execute(
                sql, args
            )
        ]

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection.execute
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def emptied(connection: Connection) -> None:
    """The WAL in the file, and nothing left in it. Raises Busy where somebody reads on."""
    for _ in range(_TRIES):
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return
        time.sleep(_BETWEEN_SECONDS)
    raise Busy("The files are in use: what was erased is overwritten as soon as they are not")


def _values(row: KeyRow) -> tuple[Any, ...]:
    return (row.number, row.tenant, row.owner, row.parent, int(row.current), row.wrapped)
