"""Everything that reads, on one connection and for one thread at a time; each call is one moment.

A search has a deadline, kept by SQLite's progress handler: beyond it, `Busy`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from careplane.search.plan import EVERYTHING, Query
from careplane.storage.engines.sqlite import snapshots
from careplane.storage.engines.sqlite.bulk import query_many
from careplane.storage.engines.sqlite.compact import compact, expand
from careplane.storage.engines.sqlite.find import Finder
from careplane.storage.engines.sqlite.known import Kind, Known, Lookup
from careplane.storage.engines.sqlite.plans.nodes import Nodes
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import Sql, both, inside
from careplane.storage.engines.sqlite.sizes import sizes
from careplane.storage.engines.sqlite.versions import COLUMNS, Row, Unpack, to_version, to_versions
from careplane.storage.ports.records import (
    HistoryQuery,
    Key,
    Page,
    Slice,
    SnapshotQuery,
    Tenant,
    Version,
)
from careplane.storage.ports.sizes import Sizes
from careplane.storage.relational.cursors import Answers, Cursor, Cursors

if TYPE_CHECKING:
    from sqlite3 import Connection

_STEPS = 20_000
"""Steps of SQLite's machine between looks at the clock: a fraction of a millisecond."""
HISTORY = b"h"
_READ = (
    f"SELECT {COLUMNS} FROM resource r CROSS JOIN version v ON v.t = r.t "
    "WHERE r.tenant = ? AND r.type = ? AND r.fhir_id = ?"
)
_VREAD = (
    f"SELECT {COLUMNS} FROM resource r CROSS JOIN version v "
    "WHERE r.tenant = ? AND r.type = ? AND r.fhir_id = ? AND v.t = "
    "CASE ? WHEN r.version THEN r.t WHEN 1 THEN r.born ELSE "
    "(SELECT t FROM version WHERE rid = r.rid AND version = ? AND version > 1) END"
)
_CHANGES = (
    # in the order of t, not all of the tenant's to be sorted
    f"SELECT {COLUMNS} FROM version v NOT INDEXED CROSS JOIN resource r ON r.rid = v.rid "
    "WHERE v.t > ? AND v.tenant = ? ORDER BY v.t LIMIT ?"
)
_CURRENT = (
    f"SELECT {COLUMNS} FROM resource r INDEXED BY resource_key CROSS JOIN version v ON v.t = r.t "
    "WHERE r.tenant = ? AND r.type = ? AND r.fhir_id > ? AND r.gone = 0 "
    "ORDER BY r.fhir_id LIMIT ?"
)
_SORTED = 10_000
"""Versions that may be sorted for a page of a history."""
_NEWEST = "SELECT max(t) FROM version WHERE tenant = ? AND type = ?"
_BEFORE_ALL = -1
"""Before every id: numbers come first, and none is negative (see compact)."""
_READ_MANY = "WITH k (n, tenant, type, fhir_id) AS ("
_READ_MANY_TAIL = f""") SELECT k.n, {COLUMNS} FROM k CROSS JOIN resource r
ON r.tenant = k.tenant AND r.type = k.type AND r.fhir_id = k.fhir_id
CROSS JOIN version v ON v.t = r.t"""


class _Deadline:
    """A context; a generator would take three times as long, and every search has one."""

    __slots__ = ("_moment", "_reader")

    def __init__(self, reader: Reader, moment: float) -> None:
        self._reader = reader
        self._moment = moment

    def __enter__(self) -> None:
        self._reader.until = self._moment

    def __exit__(self, *_: object) -> None:
        self._reader.until = float("inf")


class Reader:
    """One connection and what it needs to answer."""

    def __init__(
        self,
        connection: Connection,
        known: Known,
        cursors: Cursors,
        answers: Answers,
        unpack: Unpack,
    ) -> None:
        self.connection = connection
        self._lookup = Lookup(connection, known)
        self._cursors = cursors
        self._answers = answers
        self._unpack = unpack
        self.until = float("inf")
        connection.set_progress_handler(self._is_late, _STEPS)

    def within(self, seconds: float) -> _Deadline:
        """A deadline for what is done inside of this context."""
        return _Deadline(self, time.monotonic() + seconds)

    def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        type_id = self._lookup.name(Kind.TYPE, type)
        if type_id is None:
            return None
        row = self.connection.execute(_READ, (tenant, type_id, compact(id))).fetchone()
        return None if row is None else to_version(row, self._lookup, self._unpack, tenant)

    def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        type_id = self._lookup.name(Kind.TYPE, type)
        if type_id is None or version < 1:
            return None
        args = (tenant, type_id, compact(id), version, version)
        row = self.connection.execute(_VREAD, args).fetchone()
        return None if row is None else to_version(row, self._lookup, self._unpack, tenant)

    def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        wanted = []
        for n, (type, id) in enumerate(keys):
            type_id = self._lookup.name(Kind.TYPE, type)
            if type_id is not None:
                wanted.append((n, tenant, type_id, compact(id)))
        versions: list[Version | None] = [None] * len(keys)
        with self._one_moment():
            rows = list(query_many(self.connection, _READ_MANY, wanted, _READ_MANY_TAIL))
        found = self._versions(tenant, [tuple(row[1:]) for row in rows])
        for row, version in zip(rows, found, strict=True):
            versions[row[0]] = version
        return versions

    def current(self, tenant: Tenant, type: str, after: str | None, count: int) -> list[Version]:
        type_id = self._lookup.name(Kind.TYPE, type)
        if type_id is None:
            return []
        place = _BEFORE_ALL if after is None else compact(after)
        rows = self.connection.execute(_CURRENT, (tenant, type_id, place, count)).fetchall()
        return list(self._versions(tenant, rows))

    def newest(self, tenant: Tenant, type: str) -> int:
        asked = (tenant, self._lookup.name(Kind.TYPE, type))
        return int(self.connection.execute(_NEWEST, asked).fetchone()[0] or 0)

    def search(self, tenant: Tenant, query: Query) -> Page:
        finder = self._finder(tenant)
        if not query.total and not query.sort:
            return self._page(
                tenant, *finder.page(query, COLUMNS), None
            )  # one statement, one moment
        with self._one_moment():
            rows, following = finder.page(query, COLUMNS)
            total = finder.count(query) if query.total else None
            return self._page(tenant, rows, following, total)

    def _page(
        self, tenant: Tenant, rows: Sequence[Row], following: str | None, total: int | None
    ) -> Page:
        return Page(self._versions(tenant, rows), following, total)

    def count(self, tenant: Tenant, query: Query) -> int:
        with self._one_moment():
            return self._finder(tenant).count(query)

    def keys(self, tenant: Tenant, query: Query) -> set[Key]:
        """What `search` finds on one page, without bodies."""
        rows, _ = self._finder(tenant).page(query, "r.type, r.fhir_id")
        return {(self._lookup.type_name(type), expand(id)) for type, id in rows}

    def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        with self._one_moment():
            return self._history(tenant, query)

    def changes(self, tenant: Tenant, after: int, count: int) -> list[Version]:
        rows = self.connection.execute(_CHANGES, (after, tenant, count)).fetchall()
        return list(self._versions(tenant, rows))

    def horizon(self) -> tuple[int, int]:
        sql = "SELECT t, updated FROM version ORDER BY t DESC LIMIT 1"
        row = self.connection.execute(sql).fetchone()
        return (row[0], row[1] * 1000) if row else (0, 0)

    def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        with self._one_moment():
            now, then, following = snapshots.page(self._scope(tenant), query, COLUMNS)
        return Slice(self._versions(tenant, now), self._versions(tenant, then), following)

    def counts(self, tenant: Tenant) -> dict[str, int]:
        sql = "SELECT type, n FROM tally WHERE tenant = ? AND n > 0"
        rows = self.connection.execute(sql, (tenant,)).fetchall()
        return {self._lookup.type_name(type): n for type, n in rows}

    def sizes(self, tenant: Tenant) -> Sizes:
        return sizes(self.connection, tenant)

    def _history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        newest = self._one("SELECT coalesce(max(t), 0) FROM version")
        cursor = Cursor(newest, newest + 1)
        if query.cursor is not None:
            cursor = self._cursors.read(HISTORY, tenant, query.cursor)
        where = both(self._told(tenant, query), Sql("v.t <= ?", (cursor.t,)))
        way = "NOT INDEXED" if self._is_in_order(tenant, query) else ""
        origin = f"FROM version v {way} CROSS JOIN resource r ON r.rid = v.rid"
        total = (
            self._one(f"SELECT count(*) {origin} WHERE {where.text}", where.args)
            if query.total
            else None
        )
        if query.count <= 0:
            return Page((), None, total)
        sql = (
            f"SELECT {COLUMNS} {origin} WHERE {where.text} AND v.t < ? "
            f"ORDER BY v.t DESC LIMIT {query.count + 1}"
        )
        rows = self.connection.execute(sql, (*where.args, cursor.row)).fetchall()
        versions = self._versions(tenant, rows[: query.count])
        more = len(rows) > query.count
        place = Cursor(cursor.t, versions[-1].t) if more else None
        following = self._cursors.write(HISTORY, tenant, place) if place else None
        return Page(versions, following, total)

    def _is_in_order(self, tenant: Tenant, query: HistoryQuery) -> bool:
        """Whether to go through all versions by `t`: those of a type are in that order in an index,
        those of several would be sorted."""
        if query.id is not None or len(query.types) == 1:
            return False
        if not query.types:
            return True
        types = inside("type", self._scope(tenant).types(query.types))
        sql = f"SELECT coalesce(sum(n), 0) FROM tally WHERE tenant = ? AND {types.text}"
        return self._one(sql, (tenant, *types.args)) > _SORTED

    def _told(self, tenant: Tenant, query: HistoryQuery) -> Sql:
        """Which versions a history tells of, of version v and resource r."""
        scope = self._scope(tenant)
        conditions = [Sql("v.tenant = ?", (tenant,))]
        if query.types:
            conditions.append(inside("v.type", scope.types(query.types)))
        if query.id is not None:
            conditions.append(self._of_one(tenant, query))
        if query.since is not None:
            conditions.append(Sql("v.t >= ?", (self._moment(query.since),)))
        if query.before is not None:
            conditions.append(Sql("v.t < ?", (self._moment(query.before),)))
        if query.restriction != EVERYTHING:
            check = Nodes().check(query.restriction, scope, At("r.rid", "r"))
            conditions += [Sql("r.gone = 0"), check]
        return both(*conditions)

    def _of_one(self, tenant: Tenant, query: HistoryQuery) -> Sql:
        """By the index of later versions, and the first one by its place."""
        keys = ((type, query.id or "") for type in query.types)
        rids = [rid for key in keys if (rid := self._lookup.rid(tenant, *key)) is not None]
        one = inside("rid", rids)
        text = (
            f"v.t IN (SELECT born FROM resource WHERE {one.text} UNION ALL "
            f"SELECT t FROM version WHERE {one.text} AND version > 1)"
        )
        return Sql(text, one.args * 2)

    def _finder(self, tenant: Tenant) -> Finder:
        return Finder(self._scope(tenant), self._cursors, self._answers)

    def _scope(self, tenant: Tenant) -> Scope:
        return Scope(tenant, self._lookup, self._moment)

    def _moment(self, micros: int) -> int:
        """The first t written at or after the moment; moments never fall as t rises."""
        newest = self._one("SELECT coalesce(max(t), 0) FROM version")
        wanted = -(-micros // 1000)
        return 1 + bisect_left(range(1, newest + 1), wanted, key=self._updated)

    def _updated(self, t: int) -> int:
        # One may have been erased; then the next one tells.
        return self._one("SELECT updated FROM version WHERE t >= ? ORDER BY t LIMIT 1", (t,))

    def _one(self, sql: str, args: tuple[Any, ...] = ()) -> int:
        return int(self.connection.execute(sql, args).fetchone()[0])

    def _versions(self, tenant: Tenant, rows: Iterable[Row]) -> tuple[Version, ...]:
        return tuple(to_versions(rows, self._lookup, self._unpack, tenant))

    def _is_late(self) -> bool:
        return time.monotonic() > self.until

    @contextmanager
    def _one_moment(self) -> Iterator[None]:
        """A read transaction, unless the writer is already in one of its own."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("COMMIT")
