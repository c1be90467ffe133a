"""The index of the audit file (storage.ports.audit): filled behind the trail, asked, and
trimmed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.chunks import Chunks
from careplane.storage.ports.audit import AuditQuery, Filing, Found
from careplane.storage.ports.records import Tenant
from careplane.storage.relational.filed import Statement, found, size

if TYPE_CHECKING:
    from sqlite3 import Connection

_HEAD = "INSERT OR IGNORE INTO filed"
_UNFILE = "DELETE FROM filed WHERE term = ? AND recorded = ? AND seq = ?"


def file(connection: Connection, chunks: Chunks, filing: Filing, count: int) -> int:
    """In a transaction: the next records; how many."""
    (filed_to,) = connection.execute("SELECT seq FROM filed_to").fetchone()
    rows = list(islice(chunks.behind(filed_to), count))
    if not rows:
        return 0
    terms = []
    for seq, tenant, record in rows:
        filed = filing(Tenant(tenant), record)
        terms += [(term, filed.recorded, seq) for term in filed.terms]
    execute_many(connection, _HEAD, sorted(terms))
    connection.execute("UPDATE filed_to SET seq = ?", (rows[-1][0],))
    return len(rows)


def find(connection: Connection, chunks: Chunks, query: AuditQuery) -> Sequence[Found]:
    """What is in the index and matches."""
    statement = Statement(_mark, [])
    sql = found(statement, query, _leads(connection, query), None)
    rows = connection.execute(sql, statement.values).fetchall()
    records = chunks.find([seq for seq, _ in rows])
    return [Found(seq, recorded, records[seq]) for seq, recorded in rows]


def forget(
    connection: Connection, chunks: Chunks, tenant: Tenant, query: AuditQuery, filing: Filing
) -> int:
    """In a transaction: what matches goes; how many."""
    last = chunks.last()
    gone = [one for one in find(connection, chunks, query) if one.seq != last]
    for one in gone:
        keys = [(term, one.recorded, one.seq) for term in filing(tenant, one.record).terms]
        connection.executemany(_UNFILE, keys)
    chunks.forget([one.seq for one in gone])
    return len(gone)


def _leads(connection: Connection, query: AuditQuery) -> int:
    sizes = []
    for place, terms in enumerate(query.having):
        statement = Statement(_mark, [])
        sql = size(statement, "", terms)
        sizes.append((connection.execute(sql, statement.values).fetchone()[0], place))
    return min(sizes)[1]


def _mark(place: int) -> str:
    return f"?{place}"
