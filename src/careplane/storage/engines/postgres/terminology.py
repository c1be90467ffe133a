"""TerminologyStore (storage.ports.terminology) on PostgreSQL: filled by COPY, a transaction for
each piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from careplane.kernel.errors import Stale
from careplane.storage.engines.postgres.migrate import migrate, require_whole
from careplane.storage.engines.postgres.sessions import QUICK, Connection, Sessions
from careplane.storage.ports.terminology import Held, Posting, Row
from careplane.storage.relational.prefixes import following

_PIECE = 10_000
"""Rows that one statement takes away."""
_STALE = "Somebody else began to load the same code system."
_LARGEST = (1 << 31) - 1
_HELD = """SELECT number, url, version, head, count FROM terminology_system
WHERE whole > 0 AND NOT gone ORDER BY whole"""
_OUT = """UPDATE terminology_system SET gone = true
WHERE url = $1 AND version = $2 AND whole = 0"""
_BEGIN = """INSERT INTO terminology_system (url, version, head, count, whole)
VALUES ($1, $2, '', 0, 0) RETURNING number"""
_ADDED = """UPDATE terminology_system SET count = count + $2
WHERE number = $1 AND whole = 0 AND NOT gone RETURNING 1"""
_LOCK = "LOCK TABLE terminology_system IN SHARE ROW EXCLUSIVE MODE"
_SAME = """UPDATE terminology_system o SET gone = true FROM terminology_system s
WHERE s.number = $1 AND o.url = s.url AND o.version = s.version AND o.whole > 0"""
_FINISH = """UPDATE terminology_system SET head = $2,
whole = (SELECT max(whole) + 1 FROM terminology_system)
WHERE number = $1 AND whole = 0 AND NOT gone RETURNING 1"""
_HIDE = "UPDATE terminology_system SET gone = true WHERE number = $1 AND NOT gone RETURNING 1"
_GONE = "SELECT number FROM terminology_system WHERE gone"
_SWEPT = tuple(
    f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("
    f"SELECT ctid FROM {table} WHERE number = $1 LIMIT {_PIECE}))"
    for table in ("terminology_concept", "terminology_posting", "terminology_system")
)
_PLACES = """SELECT key, place FROM terminology_concept
WHERE number = $1 AND key = ANY($2::text[])"""
_COLUMN = "SELECT place, {} FROM terminology_concept WHERE number = $1 AND place = ANY($2::int[])"
_ROWS = """SELECT place, key, links, body FROM terminology_concept
WHERE number = $1 AND place >= $2 ORDER BY place LIMIT $3"""
_POSTINGS = """SELECT name, places FROM terminology_posting
WHERE number = $1 AND name = ANY($2::text[]) ORDER BY name, part"""
_NAMES = """SELECT DISTINCT name FROM terminology_posting WHERE number = $1
AND name >= $2 AND name > $3 AND ($4::text IS NULL OR name < $4) ORDER BY name LIMIT $5"""


class PostgresTerminology:
    """The code systems of one database. `half`: which is being filled from elsewhere."""

    def __init__(self, url: str, *, half: bool = False) -> None:
        self._sessions = Sessions(url, 4, QUICK, migrate if half else _prepare)

    async def held(self) -> Sequence[Held]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_HELD))
        return [Held(*row) for row in rows]

    async def begin(self, url: str, version: str) -> int:
        async def work(connection: Connection) -> int:
            async with connection.transaction():
                await connection.execute(_OUT, url, version)
                return int(await connection.fetchval(_BEGIN, url, version))

        return await self._sessions.run(None, work)

    async def put(self, number: int, rows: Sequence[Row], postings: Sequence[Posting]) -> None:
        concepts = [(number, r.place, r.key, r.links, r.body) for r in rows]
        names = [(number, p.name, p.part, p.places) for p in postings]

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                if not await connection.fetchval(_ADDED, number, len(rows)):
                    raise Stale(_STALE)
                await connection.copy_records_to_table("terminology_concept", records=concepts)
                await connection.copy_records_to_table("terminology_posting", records=names)

        await self._sessions.run(None, work)

    async def finish(self, number: int, head: bytes) -> None:
        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_LOCK)
                await connection.execute(_SAME, number)
                if not await connection.fetchval(_FINISH, number, head):
                    raise Stale(_STALE)

        await self._sessions.run(None, work)

    async def drop(self, number: int) -> bool:
        return bool(await self._sessions.run(None, lambda c: c.fetchval(_HIDE, number)))

    async def sweep(self) -> None:
        for (number,) in await self._sessions.retried(None, lambda c: c.fetch(_GONE)):
            for sql in _SWEPT:
                while await self._deleted(sql, number):
                    pass

    async def places(self, number: int, keys: Iterable[str]) -> Mapping[str, int]:
        wanted = [key for key in keys if _is_text(key)]
        rows = await self._sessions.retried(None, lambda c: c.fetch(_PLACES, number, wanted))
        return dict(map(tuple, rows))

    async def keys(self, number: int, places: Iterable[int]) -> Mapping[int, str]:
        return await self._column("key", number, places)

    async def bodies(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        return await self._column("body", number, places)

    async def links(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        return await self._column("links", number, places)

    async def rows(self, number: int, start: int, count: int) -> Sequence[Row]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_ROWS, number, start, count))
        return [Row(*row) for row in rows]

    async def postings(self, number: int, names: Iterable[str]) -> Mapping[str, bytes]:
        wanted = [name for name in set(names) if _is_text(name)]
        rows = await self._sessions.retried(None, lambda c: c.fetch(_POSTINGS, number, wanted))
        found: dict[str, bytes] = {}
        for name, places in rows:
            found[name] = found.get(name, b"") + places
        return found

    async def names(self, number: int, prefix: str, after: str, limit: int) -> Sequence[str]:
        if not _is_text(prefix):
            return []
        asked = (number, prefix, after, following(prefix), limit)
        rows = await self._sessions.retried(None, lambda c: c.fetch(_NAMES, *asked))
        return [row[0] for row in rows]

    async def close(self) -> None:
        await self._sessions.close()

    async def _column(self, column: str, number: int, places: Iterable[int]) -> dict[int, Any]:
        wanted = [place for place in places if 0 <= place <= _LARGEST]
        sql = _COLUMN.format(column)
        return dict(
            map(tuple, await self._sessions.retried(None, lambda c: c.fetch(sql, number, wanted)))
        )

    async def _deleted(self, sql: str, number: int) -> int:
        said = await self._sessions.run(None, lambda c: c.execute(sql, number))
        return int(said.split()[-1])


def _is_text(text: str) -> bool:
    """Whether it can be stored at all: it has no NUL and no half of a surrogate pair."""
    return "\0" not in text and (
        text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
    )


async def _prepare(connection: Connection) -> None:
    await migrate(connection)
    await require_whole(connection)
