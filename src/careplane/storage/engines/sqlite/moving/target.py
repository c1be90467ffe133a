"""A data folder that is filled with what was elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from careplane.kernel.errors import Conflict, Fault
from careplane.search.rows import Rows
from careplane.storage.engines.sqlite.audit import with_transaction
from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.chunks import Chunks
from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.group import Group
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.keys import SqliteKeys
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.engines.sqlite.moving import marker
from careplane.storage.engines.sqlite.moving.marker import Marker
from careplane.storage.engines.sqlite.moving.reading import Files, Reading, in_thread
from careplane.storage.engines.sqlite.state import STATE
from careplane.storage.engines.sqlite.store import RECORDS
from careplane.storage.engines.sqlite.trail import AUDIT
from careplane.storage.engines.sqlite.versions import METHODS, Row, to_version
from careplane.storage.keys.bodies import UNREADABLE
from careplane.storage.keys.bodies import Place as At
from careplane.storage.ports.moving import Audited, Kept, Marks, Noted, Place, Reached
from careplane.storage.ports.records import Guard, Key, Tenant, Version

if TYPE_CHECKING:
    from sqlite3 import Connection

_CACHE_KIB = 49_152
_CHECKPOINT_PAGES = 4_000
_LAST_NOTE = """SELECT space, tenant, key FROM state
ORDER BY space DESC, tenant DESC, key DESC LIMIT 1"""


class SqliteTarget(Reading):
    """Nothing is made in the folder before `begin`."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key
        self._opened = ExitStack()

    async def begin(self, origin: bytes) -> Reached:
        return await in_thread(lambda: self._begin(origin))

    async def put_places(self, places: Sequence[Place]) -> None:
        await self._write(self.files.records, lambda: self._places(places))

    async def put_versions(
        self, versions: Sequence[Kept], rows: Sequence[Rows], patients: Sequence[str]
    ) -> None:
        await in_thread(lambda: self._own(versions, patients))
        await self._write(self.files.records, lambda: self._versions(versions, rows, patients))

    async def put_audited(self, records: Sequence[Audited]) -> None:
        await self._write(self.files.audit, lambda: self._audited(records))

    async def put_noted(self, notes: Sequence[Noted]) -> None:
        rows = [(n.tenant, n.space, n.entry.key, n.entry.revision, n.entry.value) for n in notes]
        state = self.files.state
        await self._write(state, lambda: execute_many(state, "INSERT INTO state", rows))

    async def settle(self, marks: Marks) -> None:
        records, state = self.files.records, self.files.state
        ends = (marks.t, marks.last_updated // 1000)
        await self._write(
            records, lambda: records.execute("UPDATE erasure SET t = ?, updated = ?", ends)
        )
        await self._write(
            state, lambda: state.execute("UPDATE revision SET last = ?", (marks.revision,))
        )

    async def finish(self) -> None:
        await in_thread(self._finish)

    async def close(self) -> None:
        await in_thread(self._opened.close)

    def _audited(self, records: Sequence[Audited]) -> None:
        chunks = Chunks(self.files.audit)
        for _, run in groupby(enumerate(records), lambda pair: pair[1].seq - pair[0]):
            some = [one for _, one in run]
            tenants = [one.tenant for one in some]
            chunks.add(some[0].seq, tenants, [one.record for one in some])

    def _begin(self, origin: bytes) -> Reached:
        self._require_free()
        self._marker = Marker(self._folder, origin)
        self._opened.callback(self._marker.close)
        self._keys = SqliteKeys(self._folder, self._key, plain=False)
        self._opened.callback(self._keys.close)
        super().__init__(
            Files(self._made(RECORDS, "records"), self._made(AUDIT, "audit"),
                  self._made(STATE, "state"), {}),
            self._keys,
        )  # fmt: skip
        self._interner = Interner(self.files.records)
        marks = self._marks()
        note = self.files.state.execute(_LAST_NOTE).fetchone()
        return Reached(marks.place, marks.t, marks.seq, note)

    def _require_free(self) -> None:
        there = [path.name for path in sorted(self._folder.glob("*.sqlite"))]
        if there and not (self._folder / marker.NAME).exists():
            raise Conflict(
                f"{self._folder} holds records already: move {', '.join(there)} elsewhere, or name "
                "a folder that has nothing but a copy of the key"
            )

    def _made(self, name: str, purpose: str) -> Connection:
        key = key_for(purpose, self._key)
        connection = made(
            self._folder / name, lambda path: connect(path, key, cache_kib=_CACHE_KIB), purpose
        )
        self._opened.enter_context(closing(connection))
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return connection

    async def _write(self, connection: Connection, work: Callable[[], object]) -> None:
        def write() -> None:
            work()

        await in_thread(lambda: with_transaction(connection, write))

    def _places(self, places: Sequence[Place]) -> None:
        types = self._interner.names[Kind.TYPE]
        rows = [(p.number, p.tenant, types[p.type], compact(p.id), 0, 0, p.born, 1) for p in places]
        execute_many(self.files.records, "INSERT INTO resource", rows)

    def _own(self, versions: Sequence[Kept], patients: Sequence[str]) -> None:
        by_tenant: dict[Tenant, list[str]] = {}
        for kept, patient in zip(versions, patients, strict=True):
            by_tenant.setdefault(kept.tenant, []).append(patient)
        for tenant, some in by_tenant.items():
            self._keys.own(tenant, self._keys.lacking(tenant, some))

    def _versions(
        self, versions: Sequence[Kept], rows: Sequence[Rows], patients: Sequence[str]
    ) -> None:
        group = Group(self.files.records, self._interner, _unguarded, 0)
        found = [kept.version for kept in versions]
        packed = self._bodies.pack(
            [version.rest for version in found],
            [METHODS.index(version.method) for version in found],
            [At(kept.tenant, kept.version.type, kept.version.id, kept.version.version)
             for kept in versions],
            patients,
        )  # fmt: skip
        group.restore(versions, rows, packed)

    def _version(self, row: Row) -> Version:
        """A body that does not open is told as a difference."""
        try:
            return super()._version(row)
        except Fault:
            return to_version(row, self._lookup, lambda *_: UNREADABLE, row[7])

    def _finish(self) -> None:
        for connection in self.files.all():
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._marker.remove()


def _unguarded(tenant: Tenant, guard: Guard) -> set[Key]:
    return set()
