"""The index of the trail (storage.ports.audit): filled behind it, asked, and trimmed.

Numbers of a tenant's trail are given in the order of commit, so whoever fills on behind the last
one that stands in the index misses none. A row lock keeps two processes from doing the same twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.ports.audit import AuditQuery, Filing, Found
from careplane.storage.ports.records import Tenant
from careplane.storage.relational.filed import Statement, found, size

_TENANTS = "SELECT tenant FROM audited_tenants() ORDER BY 1"
_BEGUN = "INSERT INTO filed_to (tenant, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING"
_TO = "SELECT seq FROM filed_to WHERE tenant = $1 FOR UPDATE"
_NEXT = "SELECT seq, record FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"
_ADD = """INSERT INTO filed (tenant, term, recorded, seq)
SELECT $1::integer, u.term, u.recorded, u.seq
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) u(term, recorded, seq)
ON CONFLICT DO NOTHING"""
_MARK = "UPDATE filed_to SET seq = $2 WHERE tenant = $1"
_RECORDS = "SELECT seq, record FROM audit WHERE tenant = $1 AND seq = ANY($2::bigint[])"
_LAST = "SELECT max(seq) FROM audit WHERE tenant = $1"
_UNFILE = """DELETE FROM filed f USING unnest($2::bigint[], $3::bigint[], $4::bigint[])
u(term, recorded, seq)
WHERE f.tenant = $1 AND f.term = u.term AND f.recorded = u.recorded AND f.seq = u.seq"""
_REMOVE = "DELETE FROM audit WHERE tenant = $1 AND seq = ANY($2::bigint[])"


async def tenants(connection: Connection) -> list[Tenant]:
    """All that have a trail."""
    return [Tenant(row[0]) for row in await connection.fetch(_TENANTS)]


async def file(connection: Connection, tenant: Tenant, filing: Filing, count: int) -> int:
    """The next records of a tenant; how many."""
    async with connection.transaction():
        await connection.execute(_BEGUN, tenant)
        done = await connection.fetchval(_TO, tenant)
        rows = await connection.fetch(_NEXT, tenant, done, count)
        if not rows:
            return 0
        keys = sorted(key for seq, record in rows for key in _keys(tenant, filing, seq, record))
        await connection.execute(_ADD, tenant, *_columns(keys))
        await connection.execute(_MARK, tenant, rows[-1][0])
        return len(rows)


async def find(connection: Connection, tenant: Tenant, query: AuditQuery) -> Sequence[Found]:
    """What is in the index and matches."""
    statement = Statement(_mark, [])
    sql = found(statement, query, await _leads(connection, tenant, query), int(tenant))
    places = [(seq, recorded) for seq, recorded in await connection.fetch(sql, *statement.values)]
    rows = await connection.fetch(_RECORDS, tenant, [seq for seq, _ in places])
    records = dict(rows)
    return [Found(seq, at, records[seq]) for seq, at in places if seq in records]


async def forget(connection: Connection, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
    """What matches goes; how many."""
    async with connection.transaction():
        last = await connection.fetchval(_LAST, tenant)
        gone = [one for one in await find(connection, tenant, query) if one.seq != last]
        keys = [key for one in gone for key in _keys(tenant, filing, one.seq, one.record)]
        await connection.execute(_UNFILE, tenant, *_columns(keys))
        await connection.execute(_REMOVE, tenant, [one.seq for one in gone])
        return len(gone)


async def _leads(connection: Connection, tenant: Tenant, query: AuditQuery) -> int:
    sizes = []
    for place, terms in enumerate(query.having):
        statement = Statement(_mark, [])
        sql = size(statement, f"tenant = {int(tenant)} AND ", terms)
        sizes.append((await connection.fetchval(sql, *statement.values), place))
    return int(min(sizes)[1])


def _keys(tenant: Tenant, filing: Filing, seq: int, record: bytes) -> list[tuple[int, int, int]]:
    filed = filing(tenant, record)
    return [(term, filed.recorded, seq) for term in filed.terms]


def _columns(keys: Sequence[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    return [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys]


def _mark(place: int) -> str:
    return f"${place}::bigint"
