"""What a tenant takes up in its tables."""

from __future__ import annotations

from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.sizes import Sizes

_FOUND_BY = ("resource", "date_range", "number_range", "term", "unit", "words")
_TAKEN_UP = "SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM version WHERE tenant = $1"
_ROWS = " + ".join(
    f"(SELECT coalesce(sum(pg_column_size(x)), 0) FROM {table} x WHERE tenant = $1)"
    for table in _FOUND_BY
)


async def sizes(connection: Connection, tenant: Tenant) -> Sizes:
    """All of it, counted now."""
    row = await connection.fetchrow(_TAKEN_UP, tenant)
    assert row is not None
    rows: int = await connection.fetchval(f"SELECT ({_ROWS})::bigint", tenant)
    return Sizes(row[0], int(row[1]), rows)
