"""Our tables as the catalogue of the database has them, whatever migrations made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from careplane.storage.engines.postgres.sessions import Connection

_NUMBERED = {
    "version": "t",
    "audit": "seq",
    "outbox": "id",
    "state": "revision",
    "ledger_entry": "number",
}
_FOUND = """SELECT c.relname AS name, array_agg(quote_ident(a.attname) ORDER BY k.place) AS columns
FROM pg_class c
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (
  SELECT CASE WHEN i.indkey IS NULL THEN a.attnum::integer
    ELSE array_position(i.indkey::smallint[], a.attnum) END AS place
) k
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND c.relname <> 'migration' AND k.place IS NOT NULL
GROUP BY c.relname ORDER BY c.relname"""
_SEQUENCES = """SELECT sequencename, last_value FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY sequencename"""


class Table(Struct, frozen=True):
    """A table, and the columns that order it: its primary key, or all it has."""

    name: str
    order: tuple[str, ...]

    @property
    def quoted(self) -> str:
        """Its name in SQL; ours need no more."""
        return f'"{self.name}"'

    @property
    def ordered(self) -> str:
        """A query for all of it."""
        return f"SELECT * FROM {self.quoted} ORDER BY {', '.join(self.order)}"

    @property
    def newest(self) -> str | None:
        """A query for the newest number that it gave, where it gives any."""
        column = _NUMBERED.get(self.name)
        return column and f"SELECT max({column}) FROM {self.quoted}"


async def found(connection: Connection) -> list[Table]:
    """All there are in the connection's schema, but for the record of migrations."""
    return [Table(row["name"], tuple(row["columns"])) for row in await connection.fetch(_FOUND)]


async def lock(connection: Connection, tables: Sequence[Table]) -> None:
    """Nobody else reads or writes them until the transaction ends."""
    names = ", ".join(table.quoted for table in tables)
    await connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


async def sequences(connection: Connection) -> dict[str, int]:
    """The last number of each sequence that has given one."""
    return dict(await connection.fetch(_SEQUENCES))


async def set_sequences(connection: Connection, last: Mapping[str, int]) -> None:
    """They go on from there."""
    for name, value in last.items():
        await connection.execute("SELECT setval(quote_ident($1)::regclass, $2)", name, value)
