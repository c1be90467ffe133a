"""Vault (storage.ports.backup) on PostgreSQL: every table of our schema by COPY, all of them from
one moment, in sealed files; whole again in one transaction, or not at all.

Rows leave in an order of their own, so the SHA-256 of what a table sends says whether it holds the
same: what is restored is sent once more, to nowhere, and compared before it is committed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from careplane.kernel.errors import Conflict, Fault
from careplane.storage.engines.postgres import tables
from careplane.storage.engines.postgres.migrate import migrate, schema_number
from careplane.storage.engines.postgres.moving.reading import complaints, connected
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.tables import Table
from careplane.storage.engines.postgres.wall import lift_wall, raise_wall
from careplane.storage.ports.backup import Contents, Part
from careplane.storage.sealed import Sealing, unsealed

T = TypeVar("T")
_SUMMARY = "tables.sealed"
_RESOURCES = "SELECT type, sum(n)::bigint FROM tally GROUP BY type HAVING sum(n) > 0 ORDER BY type"


class _Summary(Struct, frozen=True):
    """What the other files hold. `schema` is the number of the newest migration in it."""

    schema: int
    resources: dict[str, int]
    tables: dict[str, Part]
    sequences: dict[str, int]


class PostgresVault:
    """Copies of one database, sealed with the key of the installation."""

    engine = "postgres"

    def __init__(self, url: str, key: bytes) -> None:
        self._url = url
        self._key = key

    def copy(self, target: Path) -> None:
        """See the port."""
        summary = self._run(lambda connection: self._copied(connection, target))
        file = Sealing(target / _SUMMARY, self._key)
        file.write(msgspec.json.encode(summary))
        file.close()

    def contents(self, copy: Path) -> Contents:
        """See the port."""
        summary = self._summary(copy)
        for name, part in summary.tables.items():
            if self._sum(copy, name) != part.sha256:
                raise Fault(f"{_file(name)} of the backup is damaged: use another backup.")
        return _contents(summary)

    def restore(self, copy: Path, folder: Path) -> Contents:
        """See the port. Nothing is put into the folder."""
        summary = self._summary(copy)
        return self._run(lambda connection: self._restored(connection, copy, summary))

    async def _copied(self, connection: Connection, target: Path) -> _Summary:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            schema = await schema_number(connection)
            parts = {
                table.name: await self._saved(connection, table, target)
                for table in await tables.found(connection)
            }
            return _Summary(
                schema,
                dict(await connection.fetch(_RESOURCES)),
                parts,
                await tables.sequences(connection),
            )

    async def _saved(self, connection: Connection, table: Table, target: Path) -> Part:
        file = Sealing(target / _file(table.name), self._key)
        try:
            part = await _sent(connection, table, file.write)
            file.close()
        finally:
            file.abandon()
        return part

    async def _restored(self, connection: Connection, copy: Path, summary: _Summary) -> Contents:
        await migrate(connection, summary.schema)
        async with connection.transaction():
            await self._filled(connection, copy, summary)
            await raise_wall(connection)
        await migrate(connection)
        return _contents(summary)

    async def _filled(self, connection: Connection, copy: Path, summary: _Summary) -> None:
        there = {table.name: table for table in await tables.found(connection)}
        if set(there) != set(summary.tables):
            raise Fault("The backup is of other tables than this Careplane makes.")
        await tables.lock(connection, list(there.values()))
        if await connection.fetchval("SELECT EXISTS (SELECT FROM installation)"):
            raise Conflict("The database is in use already: name an empty one.")
        await lift_wall(connection)
        for name, table in there.items():
            await connection.execute(f"DELETE FROM {table.quoted}")
            await connection.copy_to_table(
                name, source=_pieces(copy / _file(name), self._key), format="binary"
            )
        await tables.set_sequences(connection, summary.sequences)
        for name, part in summary.tables.items():
            if await _sent(connection, there[name], _nowhere) != part:
                raise Fault(f"The database does not hold what the backup says of {name}.")
        if dict(await connection.fetch(_RESOURCES)) != summary.resources:
            raise Fault("The database does not count what the backup says.")

    def _summary(self, copy: Path) -> _Summary:
        try:
            raw = b"".join(unsealed(copy / _SUMMARY, self._key))
            return msgspec.json.decode(raw, type=_Summary)
        except FileNotFoundError:
            raise Fault(f"{_SUMMARY} of the backup is missing: use another backup.") from None
        except msgspec.MsgspecError as error:
            raise Fault(f"{_SUMMARY} of the backup cannot be read.") from error

    def _sum(self, copy: Path, name: str) -> str:
        sum = hashlib.sha256()
        for piece in unsealed(copy / _file(name), self._key):
            sum.update(piece)
        return sum.hexdigest()

    def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def connection() -> T:
            opened = await connected(self._url)
            try:
                return await work(opened)
            finally:
                await opened.close()

        with complaints():
            return asyncio.run(connection())


async def _sent(connection: Connection, table: Table, to: Callable[[bytes], object]) -> Part:
    """Everything in a table, in order, to somebody; how much that was."""
    sum = hashlib.sha256()

    async def take(data: bytes) -> None:
        sum.update(data)
        to(data)

    said = await connection.copy_from_query(table.ordered, output=take, format="binary")
    newest = await connection.fetchval(table.newest) if table.newest else None
    return Part(int(said.split()[-1]), newest or 0, sum.hexdigest())


async def _pieces(path: Path, key: bytes) -> AsyncIterator[bytes]:
    pieces = unsealed(path, key)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _nowhere(data: bytes) -> None:
    pass


def _file(table: str) -> str:
    return f"{table}.sealed"


def _contents(summary: _Summary) -> Contents:
    parts = summary.tables
    return Contents(
        summary.resources,
        parts["version"],
        parts["audit"],
        parts["outbox"],
        parts["state"],
        parts.get("ledger_entry"),
        parts.get("key"),
        parts.get("terminology_concept"),
    )
