"""Slices of how things were at some `t`: what an export reads.

Versions are never changed, so the past is there: of each resource, the newest version by then. What
a resource is found by tells of the present alone; what has been replaced since is handed out
unchecked. The versions of a type are gone through in their order, a bounded number at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from careplane.search.plan import EVERYTHING
from careplane.storage.engines.postgres.find import Statement
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.plans import nodes
from careplane.storage.engines.postgres.plans.scope import At, Scope, both
from careplane.storage.engines.postgres.versions import COLUMNS, METHODS, to_version
from careplane.storage.keys.bodies import SealedBodies
from careplane.storage.ports.records import Slice, SnapshotQuery, Tenant, Version

_AHEAD = 20
"""Versions looked at, at most, for each one that is asked for."""
_DELETE = METHODS.index("DELETE")


def statement(tenant: Tenant, query: SnapshotQuery, names: Names) -> Statement:
    """Rows of COLUMNS, whether it is how things are now and matches or was replaced since, and the
    last `t` that was looked at where more may follow. One row without a version where none is."""
    scope = Scope(tenant, names)
    looked_at = _looked_at(scope, query)
    kind = f"(v.form & 3) {'=' if query.deletions else '<>'} {_DELETE}"
    newest = both([kind, _last(scope, query)])
    now = "v.version = r.version AND NOT r.gone"
    where = "true"
    if query.where != EVERYTHING and not query.deletions:
        where = f"(NOT ({now}) OR ({nodes.compile(query.where, scope, At('r'))}))"
    limit = scope.bind(query.count + 1, "bigint")
    text = (
        f"WITH w AS MATERIALIZED ({looked_at}), "
        "e AS (SELECT count(*) AS n, max(t) AS t FROM w) "
        f"SELECT p.*, e.n, e.t FROM e LEFT JOIN (SELECT {COLUMNS}, {now} AS now FROM w "
        f"JOIN version v ON {scope.mine('v')} AND v.t = w.t "
        f"JOIN resource r ON r.tenant = v.tenant AND r.ident = v.ident "
        f"WHERE {newest} AND {where} ORDER BY v.t LIMIT {limit}) p ON true ORDER BY p.t"
    )
    return Statement(*scope.statement(text))


def _looked_at(scope: Scope, query: SnapshotQuery) -> str:
    """The next `t`s of the type."""
    conditions = [
        scope.mine("version"),
        f"type = {scope.bind(query.type, 'text')}",
        f"t > {scope.bind(query.after, 'bigint')}",
        f"t <= {scope.bind(query.at, 'bigint')}",
    ]
    if query.since is not None:
        conditions.append(f"updated >= {scope.bind(-(-query.since // 1000), 'bigint')}")
    if query.before is not None:
        conditions.append(f"updated < {scope.bind(-(-query.before // 1000), 'bigint')}")
    limit = scope.bind(_window(query), "bigint")
    return f"SELECT t FROM version WHERE {both(conditions)} ORDER BY t LIMIT {limit}"


def _last(scope: Scope, query: SnapshotQuery) -> str:
    """That the resource had no later version by then; a trimmed history has gaps."""
    return (
        "NOT EXISTS (SELECT 1 FROM version n WHERE n.tenant = v.tenant AND n.ident = v.ident "
        f"AND n.version > v.version AND n.t <= {scope.bind(query.at, 'bigint')})"
    )


def _window(query: SnapshotQuery) -> int:
    return query.count * _AHEAD


def slice(
    tenant: Tenant, query: SnapshotQuery, rows: Sequence[Sequence[Any]], bodies: SealedBodies
) -> Slice:
    """What the rows of `statement` say; their keys are in the ring."""
    found = [row for row in rows if row[0] is not None]
    looked_at, last = rows[0][8], rows[0][9]
    following = int(last) if looked_at == _window(query) else None
    if len(found) > query.count:
        found = found[: query.count]
        following = found[-1][6]
    now: list[Version] = []
    then: list[Version] = []
    for row in found:
        (now if row[7] else then).append(to_version(row, bodies, tenant))
    return Slice(tuple(now), tuple(then), following)
