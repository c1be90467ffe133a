"""What the engine sends to the database, and which parts of which tables each statement touches.

Statements are written down as the driver sends them, and played again one by one in transactions
that are rolled back: PostgreSQL locks a part before it looks at it, so its locks tell.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import asyncpg

from careplane.storage.engines.postgres.sessions import Connection

_STATEMENT = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE|EXPLAIN)\b")
_OF_MIGRATIONS = re.compile(r"\b(migration|installation|pg_advisory_\w+|current_schema)\b")
_LOCKED = """SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relispartition AND c.relkind = 'r'"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement, its values, and the settings of the connection that it was sent over."""

    text: str
    args: tuple[Any, ...]
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Played:
    """A statement's plan, and the numbers of the parts that it touched of each table."""

    text: str
    plan: list[str]
    parts: dict[str, set[int]] = field(default_factory=dict)

    def looked_into(self, table: str) -> set[int]:
        """Parts that were not only planned for: those that a write locked or a read scanned."""
        if any(line.lstrip(" ->").startswith("Insert on") for line in self.plan):
            return self.parts.get(table, set())
        scan = re.compile(rf"Scan.* on {table}_(\d+)\b(?!_).*\(actual ")
        return {int(found[1]) for line in self.plan if (found := scan.search(line))}


@contextmanager
def recorded() -> Iterator[list[Sent]]:
    """Everything that connections opened inside of the block send, in order; migrations left out.
    Clear the list to begin anew."""
    sent: list[Sent] = []
    connect = asyncpg.connect

    async def opened(url: str, **options: Any) -> Connection:
        connection: Connection = await connect(url, **options)
        settings = tuple(sorted(options.get("server_settings", {}).items()))

        def keep(query: Any) -> None:
            text, args = query.query, tuple(query.args or ())
            if _STATEMENT.match(text) and not _OF_MIGRATIONS.search(text):
                many = args and all(isinstance(one, tuple) for one in args)
                sent.extend(Sent(text, one, settings) for one in (args if many else (args,)))

        connection.add_query_logger(keep)
        return connection

    with patch("asyncpg.connect", opened):
        yield sent


async def played(url: str, sent: Sequence[Sent]) -> list[Played]:
    """Each statement once more, planned for its values, and nothing of it kept."""
    found = []
    for one in sent:
        settings = {**dict(one.settings), "plan_cache_mode": "force_custom_plan"}
        connection = await asyncpg.connect(url, server_settings=settings)
        try:
            found.append(await _played(connection, one))
        finally:
            await connection.close()
    return found


async def _played(connection: Connection, sent: Sent) -> Played:
    transaction = connection.transaction()
    await transaction.start()
    explain = "" if sent.text.startswith("EXPLAIN") else _EXPLAIN
    rows = await connection.fetch(f"{explain}{sent.text}", *sent.args)
    parts = defaultdict(set)
    for (name,) in await connection.fetch(_LOCKED):
        table, _, number = name.rpartition("_")
        parts[table].add(int(number))
    await transaction.rollback()
    return Played(sent.text, [row[0] for row in rows], dict(parts))


async def generic(url: str, sent: Sent) -> list[str]:
    """The plan of a statement that is planned once for all values, as the engine has it."""
    connection = await asyncpg.connect(url, server_settings=dict(sent.settings))
    try:
        await connection.execute(f"PREPARE again AS {sent.text}")
        values = ", ".join(map(_literal, sent.args))
        return [row[0] for row in await connection.fetch(f"{_EXPLAIN}EXECUTE again({values})")]
    finally:
        await connection.close()


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


_EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, TIMING OFF, SUMMARY OFF) "
