"""A database that is filled with what was elsewhere. Until that is at its end, the mark of the
installation says that it is not, so no process opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from careplane.kernel.errors import Busy, Conflict, Fault
from careplane.search.rows import Rows
from careplane.storage.bodies import Packed
from careplane.storage.engines.postgres.group import Group
from careplane.storage.engines.postgres.layout import lay_out
from careplane.storage.engines.postgres.migrate import MOVING, found_mark, migrate
from careplane.storage.engines.postgres.moving.reading import Reading, complaints, connected
from careplane.storage.engines.postgres.names import Identity, Names
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.versions import METHODS
from careplane.storage.engines.postgres.wall import lift_wall, raise_wall
from careplane.storage.engines.postgres.words import texts
from careplane.storage.keys.bodies import UNREADABLE
from careplane.storage.keys.bodies import Place as At
from careplane.storage.ports.moving import Audited, Kept, Marks, Noted, Place, Reached
from careplane.storage.ports.records import Guard, Key, Tenant, Version

_ALONE = "SELECT pg_try_advisory_lock(7203119, hashtext(current_schema()))"
_HEARD = 200_000
_IS_USED = """SELECT (SELECT coalesce(sum(t + rid + updated), 0) FROM sequence)
+ (SELECT coalesce(sum(last), 0) FROM audit_sequence)
+ (SELECT count(*) FROM state) + (SELECT count(*) FROM outbox) > 0"""
_TENANTS = """INSERT INTO sequence (tenant, t, rid, updated) SELECT u, 0, 0, 0
FROM unnest($1::integer[]) u ON CONFLICT DO NOTHING"""
_PLACE = "UPDATE sequence SET rid = greatest(rid, $1)"
_PLACE_COLUMNS = (
    "tenant", "version", "ident", "rid", "born", "updated", "groups", "gone", "type", "id", "keys",
)  # fmt: skip
_TRAILS = """INSERT INTO audit_sequence (tenant, last) SELECT u, 0
FROM unnest($1::integer[]) u ON CONFLICT DO NOTHING"""
_AUDITED = "UPDATE audit_sequence SET last = $1"
_LAST_NOTE = "SELECT space, tenant, key FROM state ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1"
_SETTLED = "UPDATE sequence SET t = $1, rid = greatest(rid, $2), updated = $3"
_ANALYZE = "ANALYZE resource, version, date_range, number_range, term, words, audit"
_CLAIM = "INSERT INTO installation VALUES ($1)"


class PostgresTarget(Reading):
    """Opened by `open`; tables are made by `begin`."""

    def __init__(self, mark: bytes, names: Names, root: bytes) -> None:
        super().__init__(root)
        self._mark = mark
        self._names = names
        self._heard: set[Identity] = set()

    @classmethod
    async def open(cls, url: str, mark: bytes, names: Names, root: bytes) -> Self:
        target = cls(mark, names, root)
        target.connection = await connected(url)
        return target

    async def begin(self, origin: bytes) -> Reached:
        with complaints(self.connection):
            await migrate(self.connection)
            if not await self.connection.fetchval(_ALONE):
                raise Busy("Another move into this database is under way")
        async with self._changing() as connection:
            await connection.execute("LOCK TABLE installation")
            await self._take(connection, MOVING + origin)
            await lift_wall(connection)
        marks = await self.marks()
        row = (await self._fetch(_LAST_NOTE) or [None])[0]
        return Reached(marks.place, marks.t, marks.seq, tuple(row) if row else None)

    async def put_places(self, places: Sequence[Place]) -> None:
        rows: list[tuple[object, ...]] = [
            (p.tenant, 0, self._names.ident(p.tenant, p.type, p.id), p.number, p.born, 0, 0, True,
             p.type, p.id, [])
            for p in places
        ]  # fmt: skip
        async with self._changing() as connection:
            await connection.copy_records_to_table("resource", records=rows, columns=_PLACE_COLUMNS)
            await connection.execute(_TENANTS, {p.tenant for p in places})
            await connection.execute(_PLACE, places[-1].number)

    async def put_versions(
        self, versions: Sequence[Kept], rows: Sequence[Rows], patients: Sequence[str]
    ) -> None:
        packed = await self._packed(versions, patients)
        laid = [
            lay_out(one, kept.tenant, self._names) for kept, one in zip(versions, rows, strict=True)
        ]
        idents = [self._names.ident(k.tenant, k.version.type, k.version.id) for k in versions]
        if len(self._heard) > _HEARD:
            self._heard.clear()
        whole = list(zip(versions, idents, laid, map(texts, rows), packed, strict=True))
        async with self._changing() as connection:
            for tenant in sorted({kept.tenant for kept in versions}):
                group = Group(connection, tenant, _unguarded, self._heard)
                mine = [one for one in whole if one[0].tenant == tenant]
                wanted = {ident: None for _, ident, *_ in mine}
                for _, _, layout, *_ in mine:
                    wanted |= group.unheard(layout)
                await group.lock(wanted, 0)
                for one in mine:
                    group.restore(*one)
                await group.flush()
                self._heard.update(group.heard)

    async def _packed(self, versions: Sequence[Kept], patients: Sequence[str]) -> list[Packed]:
        for tenant in {kept.tenant for kept in versions}:
            pairs = zip(versions, patients, strict=True)
            await self._keys.own(tenant, [p for kept, p in pairs if kept.tenant == tenant])
        found = [kept.version for kept in versions]
        places = [At(k.tenant, k.version.type, k.version.id, k.version.version) for k in versions]
        methods = [METHODS.index(version.method) for version in found]
        return self._keys.bodies.pack([v.rest for v in found], methods, places, patients)

    async def put_audited(self, records: Sequence[Audited]) -> None:
        rows = [(one.seq, one.tenant, one.record) for one in records]
        async with self._changing() as connection:
            await connection.copy_records_to_table("audit", records=rows)
            await connection.execute(_TRAILS, {one.tenant for one in records})
            await connection.execute(_AUDITED, rows[-1][0])

    async def put_noted(self, notes: Sequence[Noted]) -> None:
        rows = [(n.tenant, n.space, n.entry.key, n.entry.revision, n.entry.value) for n in notes]
        async with self._changing() as connection:
            await connection.copy_records_to_table("state", records=rows)

    async def settle(self, marks: Marks) -> None:
        async with self._changing() as connection:
            await connection.execute(_SETTLED, marks.t, marks.place, marks.last_updated // 1000)
            await connection.execute(_AUDITED, marks.seq)
            if marks.revision:
                await connection.execute("SELECT setval('revision', $1)", marks.revision)
        with complaints(self.connection):
            await self.connection.execute(_ANALYZE)

    async def finish(self) -> None:
        async with self._changing() as connection:
            await connection.execute("DELETE FROM installation")
            await connection.execute(_CLAIM, self._mark)
            await raise_wall(connection)

    async def close(self) -> None:
        with complaints(self.connection):
            await self.connection.close()

    def _version(self, row: Sequence[Any]) -> Version:
        """A body that does not open is told as a difference."""
        try:
            return super()._version(row)
        except Fault:
            type, id, version, updated, form, _, t = row[:7]
            return Version(type, id, version, updated * 1000, METHODS[form & 3], UNREADABLE, t)

    async def _take(self, connection: Connection, moving: bytes) -> None:
        found = await found_mark(connection)
        if found == moving:
            return
        if found is not None and found.startswith(MOVING):
            raise Conflict(
                "The database holds a part of another store, or of this one before it was written "
                "to again: drop its schema, and begin anew"
            )
        if found not in (None, self._mark) or await connection.fetchval(_IS_USED):
            raise Conflict(
                "The database is in use already: name an empty one, or a schema of its own with "
                "?search_path=NAME"
            )
        await connection.execute("DELETE FROM installation")
        await connection.execute(_CLAIM, moving)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        """All of it or nothing, durably."""
        with complaints(self.connection):
            async with self.connection.transaction():
                yield self.connection


async def _unguarded(connection: Connection, tenant: Tenant, guard: Guard) -> set[Key]:
    return set()
