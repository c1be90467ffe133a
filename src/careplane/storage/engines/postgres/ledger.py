"""LedgerStore (storage.ports.ledger) on PostgreSQL. An append is one transaction, which holds the
row of `ledger_head`, so that appends of two processes come one after the other.

A salt that was erased is gone from its row. PostgreSQL keeps the row as it was before until it is
vacuumed, and its log until that is recycled; see docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from careplane.kernel.errors import Stale
from careplane.storage.engines.postgres.migrate import migrate, require_whole
from careplane.storage.engines.postgres.sessions import QUICK, Connection, Sessions
from careplane.storage.ports.ledger import Batch, Entry, Loss, Place, Run

_SIZE = "SELECT size FROM ledger_head"
_HELD = f"{_SIZE} FOR UPDATE"
_GROW = "UPDATE ledger_head SET size = $1"
_ADD = """INSERT INTO ledger_entry
SELECT $1 + n - 1, leaf, salt, said
FROM unnest($2::bytea[], $3::bytea[], $4::bytea[]) WITH ORDINALITY u(leaf, salt, said, n)"""
_ENTRIES = """SELECT number, leaf, salt, said FROM ledger_entry WHERE number >= $1
ORDER BY number LIMIT $2"""
_PUT_TILES = """INSERT INTO ledger_tile
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"""
_TILES = """SELECT level, number, hashes FROM ledger_tile
JOIN unnest($1::integer[], $2::bigint[]) u(level, number) USING (level, number)"""
_MARK = "SELECT at FROM ledger_mark WHERE source = $1"
_PUT_MARKS = """INSERT INTO ledger_mark SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (source) DO UPDATE SET at = excluded.at"""
_NOTE = "SELECT data FROM ledger_note WHERE name = $1"
_PUT_NOTES = """INSERT INTO ledger_note SELECT * FROM unnest($1::text[], $2::bytea[])
ON CONFLICT (name) DO UPDATE SET data = excluded.data"""
_PUT_RUNS = """INSERT INTO ledger_run
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[])"""
_RUNS = """SELECT tenant, t, number, count FROM ledger_run WHERE tenant = $1 AND t > $2
ORDER BY t LIMIT $3"""
_PLACES = """SELECT asked.t, r.number + asked.t - r.t
FROM unnest($2::bigint[]) asked(t) CROSS JOIN LATERAL (
  SELECT t, number, count FROM ledger_run l WHERE tenant = $1 AND l.t <= asked.t
  ORDER BY l.t DESC LIMIT 1
) r WHERE asked.t < r.t + r.count"""
_ERASE = """WITH gone AS (
  UPDATE ledger_entry SET salt = '' WHERE number = ANY($1::bigint[]) AND salt <> '' RETURNING 1
) SELECT count(*) FROM gone"""
_LOSSES = "SELECT kept, size, again, known, checkpoint FROM ledger_loss ORDER BY size"
_LOST = "INSERT INTO ledger_loss VALUES ($1, $2, $3, $4, $5)"
_FORGET = "DELETE FROM ledger_entry WHERE number >= $1"
_FORGET_TILES = "DELETE FROM ledger_tile WHERE level = $1 AND number >= $2"
_LEVELS = 8
_WIDTH = 256


class PostgresLedger:
    """The log of one database. `half`: which is being filled from elsewhere."""

    def __init__(self, url: str, *, half: bool = False) -> None:
        self._sessions = Sessions(url, 2, QUICK, migrate if half else _prepare)

    async def size(self) -> int:
        return int(await self._sessions.retried(None, lambda c: c.fetchval(_SIZE)))

    async def append(self, batch: Batch) -> None:
        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await _append(connection, batch)

        await self._sessions.run(None, work)

    async def tiles(self, places: Iterable[Place]) -> Mapping[Place, bytes]:
        wanted = list(places)
        if not wanted:
            return {}
        asked = [level for level, _ in wanted], [number for _, number in wanted]
        rows = await self._sessions.retried(None, lambda c: c.fetch(_TILES, *asked))
        return {(level, number): hashes for level, number, hashes in rows}

    async def entries(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_ENTRIES, start, count))
        return [(number, Entry(leaf, salt, said)) for number, leaf, salt, said in rows]

    async def erase(self, numbers: Iterable[int]) -> int:
        wanted = list(set(numbers))
        return int(await self._sessions.run(None, lambda c: c.fetchval(_ERASE, wanted)))

    async def mark(self, source: str) -> int:
        return int(await self._sessions.retried(None, lambda c: c.fetchval(_MARK, source)) or 0)

    async def places(self, tenant: int, times: Sequence[int]) -> Mapping[int, int]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_PLACES, tenant, list(times)))
        return dict(map(tuple, rows))

    async def runs(self, tenant: int, after: int = 0, count: int = 1000) -> Sequence[Run]:
        rows = await self._sessions.retried(None, lambda c: c.fetch(_RUNS, tenant, after, count))
        return [Run(*row) for row in rows]

    async def losses(self) -> Sequence[Loss]:
        return [
            Loss(*row) for row in await self._sessions.retried(None, lambda c: c.fetch(_LOSSES))
        ]

    async def note(self, name: str) -> bytes:
        return bytes(await self._sessions.retried(None, lambda c: c.fetchval(_NOTE, name)) or b"")

    async def put_note(self, name: str, data: bytes) -> None:
        await self._sessions.run(None, lambda c: c.execute(_PUT_NOTES, [name], [data]))

    async def close(self) -> None:
        await self._sessions.close()


async def _append(connection: Connection, batch: Batch) -> None:
    size = await connection.fetchval(_HELD)
    for source, at in batch.since.items():
        if (await connection.fetchval(_MARK, source) or 0) != at:
            raise Stale("Somebody else moved these leaves here.")
    if batch.loss:
        if size >= batch.start:
            raise Stale("The log has leaves at that place.")
        await _forget(connection, batch.loss)
    elif size != batch.start:
        raise Stale("Somebody else appended to the log in between.")
    if batch.entries:
        columns = ([e.leaf, e.salt, e.said] for e in batch.entries)
        await connection.execute(_ADD, batch.start, *map(list, zip(*columns, strict=True)))
    tiles = [(*place, row) for place, row in batch.tiles]
    for sql, rows in (
        (_PUT_TILES, tiles),
        (_PUT_MARKS, list(batch.marks.items())),
        (_PUT_NOTES, list(batch.notes.items())),
        (_PUT_RUNS, [(run.tenant, run.t, run.number, run.count) for run in batch.runs]),
    ):
        if rows:
            await connection.execute(sql, *map(list, zip(*rows, strict=True)))
    await connection.execute(_GROW, batch.start + len(batch.entries))


async def _forget(connection: Connection, loss: Loss) -> None:
    await connection.execute(_FORGET, loss.kept)
    for level in range(_LEVELS):
        first = -(-(loss.kept >> 8 * level) // _WIDTH)
        await connection.execute(_FORGET_TILES, level, first)
    lost = (loss.size, loss.kept, loss.again, loss.known, loss.checkpoint)
    await connection.execute(_LOST, *lost)


async def _prepare(connection: Connection) -> None:
    await migrate(connection)
    await require_whole(connection)
