"""The schema as migrations make it, its tables made anew as hash partitions.

A partitioned table asks of its unique keys what a distributed one asks: that they have the column
that it is cut by.
"""

from __future__ import annotations

from collections.abc import Mapping

from careplane.storage.engines.postgres.sessions import Connection

PARTS = 8
BY_TENANT: Mapping[str, str] = dict.fromkeys(
    (
        "resource", "version", "date_range", "number_range", "term", "unit", "tally", "sequence",
        "audit", "audit_sequence", "outbox", "state", "words", "key", "filed", "filed_to",
    ),
    "tenant",
)  # fmt: skip
"""Each table and the column that it is cut by: all that belongs to a tenant, by the tenant."""
BY_RESOURCE: Mapping[str, str] = {
    **BY_TENANT,
    **dict.fromkeys(("resource", "version", "date_range", "number_range", "words"), "ident"),
}
"""A single tenant over all parts: what belongs to one resource, by its number."""
_INDEXES = """SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisunique,
  (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
   WHERE k.conindid = i.indexrelid AND k.contype = 'p'),
  ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::text::regclass
ORDER BY 1"""


async def cut(connection: Connection, columns: Mapping[str, str], parts: int = PARTS) -> list[str]:
    """Cut the tables of the connection's schema; the names of indexes that cannot stay unique."""
    weakened = []
    async with connection.transaction():
        for table, column in columns.items():
            indexes = await connection.fetch(_INDEXES, table)
            await _made_anew(connection, table, column, parts)
            for name, definition, unique, primary, keys in indexes:
                if unique and column not in keys:
                    weakened.append(name)
                    definition = definition.replace("UNIQUE ", "", 1)
                await connection.execute(
                    f"ALTER TABLE {table} ADD {primary}"
                    if primary and name not in weakened
                    else definition
                )
    return weakened


async def _made_anew(connection: Connection, table: str, column: str, parts: int) -> None:
    await connection.execute(
        f"CREATE TABLE {table}_cut (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE) "
        f"PARTITION BY HASH ({column})"
    )
    for number in range(parts):
        await connection.execute(
            f"CREATE TABLE {table}_{number} PARTITION OF {table}_cut "
            f"FOR VALUES WITH (MODULUS {parts}, REMAINDER {number})"
        )
    await connection.execute(f"INSERT INTO {table}_cut SELECT * FROM {table}")
    await connection.execute(f"DROP TABLE {table}")
    await connection.execute(f"ALTER TABLE {table}_cut RENAME TO {table}")
