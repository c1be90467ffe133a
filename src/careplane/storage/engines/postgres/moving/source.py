"""A database that is read at one moment and kept from being written to: its tables are locked in a
mode that lets others read, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from careplane.kernel.errors import Conflict, NotFound
from careplane.storage.engines.postgres.migrate import require_mark, require_newest
from careplane.storage.engines.postgres.moving.reading import Reading, complaints, connected

_LOCK = """LOCK TABLE installation, sequence, resource, version, audit_sequence, audit, outbox,
state IN SHARE MODE"""
_MEET = " UNION ALL ".join(
    f"(SELECT 1 FROM {table} GROUP BY {column} HAVING count(DISTINCT tenant) > 1 LIMIT 1)"
    for table, column in (("version", "t"), ("resource", "rid"), ("audit", "seq"))
)


class PostgresSource(Reading):
    """Opened by `open`, which raises NotFound where there are no records, Busy where somebody is
    writing or the database cannot be reached, Fault for another key, Conflict where tenants have
    the same numbers, which other engines cannot keep apart."""

    @classmethod
    async def open(cls, url: str, mark: bytes, root: bytes, folder: Path | None) -> Self:
        source = cls(root, folder)
        source.connection = await connected(url)
        try:
            with complaints(source.connection):
                await source._begin(mark)
        except BaseException:
            source.connection.terminate()
            raise
        return source

    async def _begin(self, mark: bytes) -> None:
        if await self.connection.fetchval("SELECT to_regclass('migration')") is None:
            raise NotFound("The database holds no records of Careplane: there is nothing to move.")
        await require_newest(self.connection)
        await self.connection.transaction(isolation="repeatable_read").start()
        await self.connection.execute(_LOCK)
        await require_mark(self.connection, mark)
        if await self.connection.fetchval("SELECT count(*) > 1 FROM sequence"):
            await self._require_apart()

    async def _require_apart(self) -> None:
        if await self.connection.fetch(_MEET):
            raise Conflict(
                "The database holds several tenants, each with numbers of its own, and the same "
                "ones come twice: a data folder counts for all of its tenants together"
            )

    async def close(self) -> None:
        with complaints(self.connection):
            await self.connection.close()
