"""Slices of how things were at some `t`: what an export reads.

Versions are never changed, so the past is there: of each resource, the newest version by then. The
index rows tell of the present alone; what has been replaced since is handed out unchecked. Where
`where` finds few candidates, these are looked up; otherwise all versions of the type are gone
through in their order, a bounded number at a time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from careplane.search.plan import EVERYTHING
from careplane.storage.engines.sqlite.find import Candidates, candidates
from careplane.storage.engines.sqlite.plans.nodes import Nodes
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import Sql, both
from careplane.storage.ports.records import SnapshotQuery

Row: TypeAlias = tuple[Any, ...]
Found: TypeAlias = tuple[list[Row], list[Row], int | None]
_AHEAD = 20
"""Versions looked at, at most, for each one that is asked for."""
_FEW = 20_000
"""Candidates that are worth looking up one by one."""
_DELETE = 2  # its place among the methods of versions.METHODS
_LATER = (
    "EXISTS (SELECT 1 FROM version w WHERE w.rid = v.rid AND w.version > v.version "
    "AND w.version > 1 AND w.t <= ?)"
)
_NODES = Nodes()


def page(scope: Scope, query: SnapshotQuery, columns: str) -> Found:
    """Rows of the columns that match now, those that are for the caller to check, and the next
    `after`. Within one read transaction."""
    low, high = _bounds(scope, query)
    type_id = next(iter(scope.types(frozenset({query.type}))), None)
    if type_id is None or low >= high:
        return [], [], None
    few = None if query.deletions else _few(scope, query)
    if few is None:
        return _scanned(scope, query, columns, int(type_id), low, high)
    return _looked_up(scope, query, columns, few, int(type_id), low, high)


def _bounds(scope: Scope, query: SnapshotQuery) -> tuple[int, int]:
    """Versions are wanted with low < t <= high."""
    low, high = query.after, query.at
    if query.since is not None:
        low = max(low, scope.moment(query.since) - 1)
    if query.before is not None:
        high = min(high, scope.moment(query.before) - 1)
    return low, high


def _few(scope: Scope, query: SnapshotQuery) -> Candidates | None:
    if query.where == EVERYTHING:
        return None
    found = candidates(query.where, frozenset({query.type}), scope, eager=True)
    if found.rid == "r.rid":
        return None  # no index helps
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {found.origin.text} LIMIT {_FEW + 1})"
    count = scope.lookup.connection.execute(sql, found.origin.args).fetchone()[0]
    return found if count <= _FEW else None


def _scanned(
    scope: Scope, query: SnapshotQuery, columns: str, type_id: int, low: int, high: int
) -> Found:
    execute = scope.lookup.connection.execute
    seen = execute(
        "SELECT t FROM version WHERE tenant = ? AND type = ? AND t > ? AND t <= ? "
        f"ORDER BY t LIMIT 1 OFFSET {query.count * _AHEAD}",
        (scope.tenant, type_id, low, high),
    ).fetchone()
    end = seen[0] if seen else high
    which = _told(scope, query)
    sql = (
        f"SELECT v.t, r.t = v.t AND r.gone = 0, {columns} FROM version v INDEXED BY version_type "
        "CROSS JOIN resource r ON r.rid = v.rid "
        "WHERE v.tenant = ? AND v.type = ? AND v.t > ? AND v.t <= ? "
        f"AND ({which.text}) ORDER BY v.t LIMIT {query.count + 1}"
    )
    rows = execute(sql, (scope.tenant, type_id, low, end, *which.args)).fetchall()
    following = end if seen else None
    if len(rows) > query.count:
        rows.pop()
        following = rows[-1][0]
    return [r[2:] for r in rows if r[1]], [r[2:] for r in rows if not r[1]], following


def _told(scope: Scope, query: SnapshotQuery) -> Sql:
    """Which versions the slice is about, of version v and resource r."""
    newest = Sql(f"(r.t = v.t OR (r.t > ? AND NOT {_LATER}))", (query.at, query.at))
    if query.deletions:
        return both(Sql(f"(v.form & 3) = {_DELETE}"), newest)
    check = _NODES.check(query.where, scope, At("r.rid", "r"))
    text = (
        f"CASE WHEN r.t = v.t THEN r.gone = 0 AND ({check.text}) "
        f"ELSE (v.form & 3) != {_DELETE} AND {newest.text} END"
    )
    return Sql(text, (*check.args, *newest.args))


def _looked_up(
    scope: Scope,
    query: SnapshotQuery,
    columns: str,
    found: Candidates,
    type_id: int,
    low: int,
    high: int,
) -> Found:
    execute = scope.lookup.connection.execute
    sql = (
        f"SELECT v.t, {columns} FROM (SELECT DISTINCT {found.rid} AS rid FROM {found.origin.text} "
        f"WHERE {found.where.text}) i CROSS JOIN resource r ON r.rid = i.rid "
        "CROSS JOIN version v ON v.t = r.t "
        f"WHERE r.t > ? AND r.t <= ? ORDER BY r.t LIMIT {query.count + 1}"
    )
    now = execute(sql, (*found.origin.args, *found.where.args, low, high)).fetchall()
    then = _replaced(scope, query, columns, type_id, low, high)
    order = sorted(row[0] for row in (*now, *then))
    if len(order) <= query.count:
        return [row[1:] for row in now], [row[1:] for row in then], None
    end = order[query.count - 1]
    return _until(now, end), _until(then, end), end


def _until(rows: list[Row], end: int) -> list[Row]:
    """Without the column `t` in front."""
    return [row[1:] for row in rows if row[0] <= end]


def _replaced(
    scope: Scope, query: SnapshotQuery, columns: str, type_id: int, low: int, high: int
) -> list[Row]:
    """From what was written since `at` back to what stood there then."""
    sql = (
        f"SELECT v.t, {columns} FROM (SELECT DISTINCT rid FROM version "
        "WHERE tenant = ? AND type = ? AND t > ? AND version > 1) c "
        "CROSS JOIN resource r ON r.rid = c.rid AND r.born <= ? "
        "CROSS JOIN version v ON v.t = coalesce((SELECT max(w.t) FROM version w "
        "WHERE w.rid = r.rid AND w.version > 1 AND w.t <= ?), r.born) "
        f"WHERE v.t > ? AND v.t <= ? AND (v.form & 3) != {_DELETE} "
        f"ORDER BY v.t LIMIT {query.count + 1}"
    )
    args = (scope.tenant, type_id, query.at, query.at, query.at, low, high)
    return scope.lookup.connection.execute(sql, args).fetchall()
