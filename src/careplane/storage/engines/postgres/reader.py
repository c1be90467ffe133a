"""Everything that reads: what is asked while the database answers is asked together next.

A read by type and id waits for nothing where no other is under way; under load, many are one
statement. Searches go to quick or careful connections, as `plans.leads` has it.
"""

from __future__ import annotations

import asyncio
import json
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

from careplane.search.plan import EVERYTHING, Keys, Query
from careplane.storage.engines.postgres import snapshots
from careplane.storage.engines.postgres.find import Finder, Statement
from careplane.storage.engines.postgres.keys import PostgresKeys
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.plans import leads, nodes, selves
from careplane.storage.engines.postgres.plans.scope import At, Scope, both
from careplane.storage.engines.postgres.sessions import Connection, Sessions
from careplane.storage.engines.postgres.sizes import sizes
from careplane.storage.engines.postgres.versions import COLUMNS, to_version, to_versions
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

SEARCH, HISTORY = b"s", b"h"
_AHEAD = 200
_FEW = 5_000
_SIZES = 10_000
_SIZES_SECONDS = 60.0
_TOGETHER = 500
_READ = f"""SELECT {COLUMNS}, k.n FROM unnest($2::bigint[]) WITH ORDINALITY k(ident, n)
CROSS JOIN LATERAL (
  SELECT type, id, ident, version FROM resource WHERE tenant = $1 AND ident = k.ident OFFSET 0) r
CROSS JOIN LATERAL (
  SELECT version, updated, form, body, t FROM version
  WHERE tenant = $1 AND ident = r.ident AND version = r.version OFFSET 0) v"""
"""Fenced as in group: a look into each index, whatever the statistics were when it was planned."""
_VREAD = f"""SELECT {COLUMNS} FROM resource r
JOIN version v ON v.tenant = $1 AND v.ident = r.ident
WHERE r.tenant = $1 AND r.ident = $2 AND v.version = $3"""
_WALK = f"""SELECT {COLUMNS} FROM resource r
JOIN version v ON v.tenant = $1 AND v.ident = r.ident AND v.version = r.version
WHERE r.tenant = $1 AND r.type = $2 AND NOT r.gone
AND r.rid > coalesce((SELECT rid FROM resource WHERE tenant = $1 AND ident = $3), 0)
ORDER BY r.rid LIMIT $4"""
_NEWEST = "SELECT max(t) FROM version WHERE tenant = $1 AND type = $2"
_CHANGES = f"""SELECT {COLUMNS} FROM version v
JOIN resource r ON r.tenant = $1 AND r.ident = v.ident
WHERE v.tenant = $1 AND v.t > $2 ORDER BY v.t LIMIT $3"""
_HORIZON = "SELECT t, updated FROM sequence WHERE tenant = $1"
_COUNTS = "SELECT type, n FROM tally WHERE tenant = $1 AND n > 0"
Waiting = dict[Key, asyncio.Future[Version | None]]


class Reader:
    """Answers for one process."""

    def __init__(
        self,
        quick: Sessions,
        careful: Sessions,
        names: Names,
        cursors: Cursors,
        keys: PostgresKeys,
    ) -> None:
        self._quick = quick
        self._careful = careful
        self._names = names
        self._cursors = cursors
        self._answers = Answers()
        self._keys = keys
        self._bodies = keys.bodies
        self._sizes: dict[tuple[Tenant, Query], tuple[float, bool]] = {}
        self._waiting: dict[Tenant, Waiting] = {}
        self._asking: Counter[Tenant] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        waiting = self._waiting.setdefault(tenant, {})
        future = waiting.get((type, id))
        if future is None:
            loop = asyncio.get_running_loop()
            future = waiting[type, id] = loop.create_future()
            if self._asking[tenant] < 2:  # one is answered while the other gathers
                self._asking[tenant] += 1
                task = loop.create_task(self._ask(tenant))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(future)

    async def _ask(self, tenant: Tenant) -> None:
        try:
            while waiting := self._waiting.get(tenant):
                some = dict(list(waiting.items())[:_TOGETHER])
                for asked in some:
                    del waiting[asked]
                await self._answer(tenant, some)
        finally:
            self._asking[tenant] -= 1

    async def _answer(self, tenant: Tenant, some: Waiting) -> None:
        try:
            found = await self.read_many(tenant, list(some))
        except Exception as error:
            for future in some.values():
                future.set_exception(error)
                future.exception()  # whoever asked may have gone
            return
        for future, version in zip(some.values(), found, strict=True):
            future.set_result(version)

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        """What is stored under another type or id with the same ident is not meant."""
        if not keys:
            return []
        idents = [self._names.ident(tenant, *key) for key in keys]
        rows = await self._quick.retried(tenant, lambda c: c.fetch(_READ, tenant, idents))
        found: list[Version | None] = [None] * len(keys)
        await self._keys.ready(tenant, rows)
        for row in rows:
            version, n = to_version(row, self._bodies, tenant), row[7] - 1
            if (version.type, version.id) == keys[n]:
                found[n] = version
        return found

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        if not 0 < version < 2**31:
            return None
        ident = self._names.ident(tenant, type, id)
        row = await self._quick.retried(
            tenant, lambda c: c.fetchrow(_VREAD, tenant, ident, version)
        )
        found = (await self._versions(tenant, [row]))[0] if row else None
        return found if found and (found.type, found.id) == (type, id) else None

    async def walk(self, tenant: Tenant, type: str, after: str | None, count: int) -> list[Version]:
        """In the order of their places, which they keep when they are deleted."""
        ident = None if after is None else self._names.ident(tenant, type, after)
        rows = await self._quick.retried(
            tenant, lambda c: c.fetch(_WALK, tenant, type, ident, count)
        )
        return list(await self._versions(tenant, rows))

    async def newest(self, tenant: Tenant, type: str) -> int:
        return await self._quick.retried(tenant, lambda c: c.fetchval(_NEWEST, tenant, type)) or 0

    async def changes(self, tenant: Tenant, after: int, count: int) -> list[Version]:
        rows = await self._quick.retried(tenant, lambda c: c.fetch(_CHANGES, tenant, after, count))
        return list(await self._versions(tenant, rows))

    async def horizon(self, tenant: Tenant) -> tuple[int, int]:
        row = await self._quick.retried(tenant, lambda c: c.fetchrow(_HORIZON, tenant))
        return (row[0], row[1] * 1000) if row else (0, 0)

    async def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        rows = await self._fetch(tenant, snapshots.statement(tenant, query, self._names))
        await self._keys.ready(tenant, [row for row in rows if row[0] is not None])
        return snapshots.slice(tenant, query, rows, self._bodies)

    async def counts(self, tenant: Tenant) -> dict[str, int]:
        return {
            row[0]: row[1]
            for row in await self._quick.retried(tenant, lambda c: c.fetch(_COUNTS, tenant))
        }

    async def sizes(self, tenant: Tenant) -> Sizes:
        return await self._careful.retried(tenant, lambda c: sizes(c, tenant))

    async def search(self, tenant: Tenant, query: Query) -> Page:
        if query.count <= 0:
            return Page((), None, await self.count(tenant, query) if query.total else None)
        cursor = self._read(tenant, query)
        finder = Finder(tenant, self._names, few=await self._few(tenant, query))
        page = await (self._sorted if query.sort else self._plain)(finder, query, cursor)
        if page.total is None and query.total:
            return Page(page.versions, page.next, await self.count(tenant, query))
        return page

    async def count(self, tenant: Tenant, query: Query) -> int:
        cursor = self._read(tenant, query)
        finder = Finder(tenant, self._names, few=await self._few(tenant, query))
        statement = finder.count(query, cursor)
        (row,) = await self._fetch(tenant, statement)
        return int(row[0])

    async def _few(self, tenant: Tenant, query: Query) -> bool:
        """Whether few resources are expected by the keys of a search; remembered for a while."""
        keyed = leads.keyed(query)
        if keyed is None:
            return False
        now = time.monotonic()
        known = self._sizes.get((tenant, keyed))
        if known is None or known[0] < now:
            scope = Scope(tenant, self._names)
            statement = Statement(*scope.statement(leads.size(keyed, scope)))
            (row,) = await self._fetch(tenant, statement)
            few = json.loads(row[0])[0]["Plan"]["Plan Rows"] <= _FEW
            if len(self._sizes) >= _SIZES:
                self._sizes.clear()
            known = self._sizes[tenant, keyed] = (now + _SIZES_SECONDS, few)
        return known[1]

    async def keys(self, connection: Connection, tenant: Tenant, query: Query) -> set[Key]:
        """What `search` finds on one page, on the connection of a transaction."""
        finder = Finder(tenant, self._names, few=leads.keyed(query) is not None, bodies=False)
        cursor = self._read(tenant, query)
        if query.count <= 0:
            return set()
        if query.sort and cursor is not None:
            rows, _ = await self._sorted_rows(finder, query, cursor)
            return {(row[0], row[1]) for row in rows}
        statement = finder.ranked(query, None) if query.sort else finder.page(query, cursor)
        rows = await connection.fetch(statement.text, *statement.args)
        return {(row[0], row[1]) for row in rows[: query.count]}

    async def _plain(self, finder: Finder, query: Query, cursor: Cursor | None) -> Page:
        rows = await self._fetch(finder.tenant, finder.page(query, cursor))
        shown, more = rows[: query.count], len(rows) > query.count
        following = None
        if more:
            t = cursor.t if cursor else shown[-1][9]
            following = self._write(finder.tenant, Cursor(t, shown[-1][8]))
        versions = await self._versions(Tenant(finder.tenant), shown)
        return Page(versions, following, _total(query, rows))

    async def _sorted(self, finder: Finder, query: Query, cursor: Cursor | None) -> Page:
        if cursor is None:
            return await self._ranked(finder, query)
        page, following = await self._sorted_rows(finder, query, cursor)
        versions = await self._versions(Tenant(finder.tenant), page)
        return Page(versions, following, _total(query, page))

    async def _sorted_rows(
        self, finder: Finder, query: Query, cursor: Cursor
    ) -> tuple[list[Any], str | None]:
        """Of a further page: its rows, and the cursor behind it."""
        answer, number, shown = self._answers.find(cursor.list), cursor.list, cursor.shown
        if answer is None:
            answer, number = await self._sorted_anew(finder, query, cursor), 0
            shown = _place(answer, cursor)
        here: list[tuple[int, Any]] = []
        while len(here) <= query.count and shown < len(answer):
            some = answer[shown : shown + query.count + 1 + _AHEAD]
            rows = await self._fetch(finder.tenant, finder.still(query, some, cursor))
            here += [(shown + row[8], row) for row in rows]
            shown += len(some)
        page = [row for _, row in here[: query.count]]
        following = None
        if len(here) > query.count:
            place, row = here[query.count - 1]
            number = number or self._answers.keep(answer)
            following = self._write(finder.tenant, Cursor(cursor.t, row[7], number, place))
        return page, following

    async def _ranked(self, finder: Finder, query: Query) -> Page:
        rows = await self._fetch(finder.tenant, finder.ranked(query, None))
        following = None
        if rows and (idents := rows[0][11]) is not None:
            number = self._answers.keep(array("q", idents))
            cursor = Cursor(rows[0][9], rows[-1][7], number, len(rows))
            following = self._write(finder.tenant, cursor)
        versions = await self._versions(Tenant(finder.tenant), rows)
        return Page(versions, following, _total(query, rows))

    async def _sorted_anew(self, finder: Finder, query: Query, cursor: Cursor) -> array[int]:
        rows = await self._fetch(finder.tenant, finder.ranked(query, cursor))
        if not rows:
            return array("q")
        return array("q", rows[0][11] or [row[7] for row in rows])

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        cursor = None
        if query.cursor is not None:
            cursor = self._cursors.read(HISTORY, tenant, query.cursor)
        rows = await self._fetch(tenant, self._told(tenant, query, cursor))
        total = rows[0][7] if query.total else None
        now = rows[0][8]
        found = [row for row in rows if row[6] is not None]
        shown = found[: max(query.count, 0)]
        following = None
        if shown and len(found) > len(shown):
            place = Cursor(cursor.t if cursor else now, shown[-1][6])
            following = self._cursors.write(HISTORY, tenant, place)
        return Page(await self._versions(tenant, shown), following, total)

    def _told(self, tenant: Tenant, query: HistoryQuery, cursor: Cursor | None) -> Statement:
        """Rows of COLUMNS, total, t now; one row without a version where there is none."""
        scope, at = Scope(tenant, self._names), At("r")
        conditions = [scope.mine("v")]
        if query.types and query.id is not None:
            keys = frozenset((type, query.id) for type in query.types)
            conditions.append(selves.keys(Keys(keys), scope, At("v")))
        elif query.types:
            conditions.append(selves.types_are(query.types, scope, At("v")))
        if query.id is not None:
            conditions.append(f"r.id = {scope.bind(query.id, 'text')}")
        if query.since is not None:
            conditions.append(f"v.updated >= {scope.bind(-(-query.since // 1000), 'bigint')}")
        if query.before is not None:
            conditions.append(f"v.updated < {scope.bind(-(-query.before // 1000), 'bigint')}")
        if query.restriction != EVERYTHING:
            conditions += ["NOT r.gone", nodes.compile(query.restriction, scope, at)]
        if cursor is not None:
            conditions.append(f"v.t <= {scope.bind(cursor.t, 'bigint')}")
        joined = (
            "FROM version v JOIN resource r ON r.tenant = v.tenant AND r.ident = v.ident "
            f"WHERE {both(conditions)}"
        )
        total = f"(SELECT count(*) {joined})" if query.total else "0"
        after = f" AND v.t < {scope.bind(cursor.row, 'bigint')}" if cursor else ""
        limit = scope.bind(max(query.count, 0) + 1, "bigint")
        now = f"(SELECT s.t FROM sequence s WHERE {scope.mine('s')})"
        text = (
            f"SELECT p.type, p.id, p.version, p.updated, p.form, p.body, p.t, n.total, n.now "
            f"FROM (SELECT {total} AS total, {now} AS now) n LEFT JOIN "
            f"(SELECT {COLUMNS} {joined}{after} ORDER BY v.t DESC LIMIT {limit}) p ON true "
            "ORDER BY p.t DESC"
        )
        return Statement(*scope.statement(text))

    async def _versions(self, tenant: Tenant, rows: Sequence[Any]) -> tuple[Version, ...]:
        await self._keys.ready(tenant, rows)
        return to_versions(rows, self._bodies, tenant)

    async def _fetch(self, tenant: Tenant, statement: Statement) -> list[Any]:
        sessions = self._quick if statement.quick else self._careful
        return await sessions.retried(tenant, lambda c: c.fetch(statement.text, *statement.args))

    def _read(self, tenant: Tenant, query: Query) -> Cursor | None:
        if query.cursor is None:
            return None
        return self._cursors.read(SEARCH, tenant, query.cursor)

    def _write(self, tenant: int, cursor: Cursor) -> str:
        return self._cursors.write(SEARCH, tenant, cursor)


def _total(query: Query, rows: Sequence[Any]) -> int | None:
    """None where it was not asked for, or no row is there to say it."""
    return int(rows[0][10]) if query.total and rows else None


def _place(answer: array[int], cursor: Cursor) -> int:
    """Where to go on in an answer that was sorted anew."""
    try:
        return answer.index(cursor.row) + 1
    except ValueError:
        return cursor.shown
