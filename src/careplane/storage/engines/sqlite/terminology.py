"""TerminologyStore (storage.ports.terminology) on SQLite, in a file of its own: what loads a large
code system holds up nobody who writes records. One thread reads and one writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from careplane.kernel.errors import Stale
from careplane.storage.engines.sqlite.audit import with_transaction
from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.migrate import made
from careplane.storage.ports.terminology import Held, Posting, Row
from careplane.storage.relational.prefixes import following

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
TERMINOLOGY = "terminology.sqlite"
_CACHE_KIB = 8_192
_PLACE_BITS = 32
_PLACE = (1 << _PLACE_BITS) - 1
_PIECE = 10_000
"""Rows that one transaction takes away."""
_STALE = "Somebody else began to load the same code system."
_HELD = "SELECT number, url, version, head, count FROM system WHERE whole > 0 AND gone = 0"
_NEXT = "(SELECT coalesce(max(whole), 0) + 1 FROM system)"
_FINISH = f"UPDATE system SET head = ?, whole = {_NEXT} WHERE number = ?"
_SAME = """SELECT o.number FROM system o, system s WHERE s.number = ? AND o.url = s.url
AND o.version = s.version AND o.gone = 0 AND o.whole > 0"""
_BEGIN = "INSERT INTO system (url, version, head, count, whole) VALUES (?, ?, x'', 0, 0)"
_OUT = "UPDATE system SET gone = 1 WHERE url = ? AND version = ? AND whole = 0"
_HIDE = "UPDATE system SET gone = 1 WHERE number = ? AND gone = 0"
_PLACES = """SELECT p.key, place FROM json_each(?) w CROSS JOIN place p ON p.key = w.value
WHERE number = ?"""
_ROWS = "SELECT id, key, links, body FROM concept WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
_POSTINGS = """SELECT name, places FROM json_each(?) w CROSS JOIN posting ON name = w.value
WHERE number = ? ORDER BY name, part"""
_NAMES = """SELECT DISTINCT name FROM posting WHERE number = ?1 AND name >= ?2 AND name > ?3
AND (?5 IS NULL OR name < ?5) ORDER BY name LIMIT ?4"""
_SWEPT = (
    """DELETE FROM concept WHERE id IN
    (SELECT id FROM concept WHERE id BETWEEN :low AND :high LIMIT :piece)""",
    """DELETE FROM place WHERE number = :number AND key IN
    (SELECT key FROM place WHERE number = :number LIMIT :piece)""",
    """DELETE FROM posting WHERE number = :number AND name IN
    (SELECT name FROM posting WHERE number = :number LIMIT :piece)""",
    "DELETE FROM system WHERE number = :number",
)


class SqliteTerminology:
    """The code systems of one data folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        own = key_for("terminology", key)
        path = folder / TERMINOLOGY

        def opened(path: Path) -> Connection:
            return connect(path, own, cache_kib=_CACHE_KIB)

        self._writing = made(path, opened, "terminology")
        with complaints():
            self._reading = connect(path, own, cache_kib=_CACHE_KIB, read_only=True)
        self._writer = ThreadPoolExecutor(1, "careplane-terminology-writer")
        self._reader = ThreadPoolExecutor(1, "careplane-terminology")

    async def held(self) -> Sequence[Held]:
        rows = await self._read(f"{_HELD} ORDER BY whole", ())
        return [Held(*row) for row in rows]

    async def begin(self, url: str, version: str) -> int:
        def work() -> int:
            self._writing.execute(_OUT, (url, version))
            return int(self._writing.execute(_BEGIN, (url, version)).lastrowid or 0)

        return await self._changed(work)

    async def put(self, number: int, rows: Sequence[Row], postings: Sequence[Posting]) -> None:
        base = number << _PLACE_BITS
        concepts = [(base + r.place, r.key, r.links, r.body) for r in rows]
        places = sorted((number, r.key, r.place) for r in rows)
        names = [(number, p.name, p.part, p.places) for p in postings]

        def work() -> None:
            self._require(number)
            execute_many(self._writing, "INSERT INTO concept", concepts)
            execute_many(self._writing, "INSERT INTO place", places)
            execute_many(self._writing, "INSERT INTO posting", names)
            count = "UPDATE system SET count = count + ? WHERE number = ?"
            self._writing.execute(count, (len(rows), number))

        await self._changed(work)

    async def finish(self, number: int, head: bytes) -> None:
        def work() -> None:
            self._require(number)
            for (other,) in self._writing.execute(_SAME, (number,)).fetchall():
                self._writing.execute(_HIDE, (other,))
            self._writing.execute(_FINISH, (head, number))

        await self._changed(work)

    async def drop(self, number: int) -> bool:
        return bool(await self._changed(lambda: self._writing.execute(_HIDE, (number,)).rowcount))

    async def sweep(self) -> None:
        for (number,) in await self._read("SELECT number FROM system WHERE gone = 1", ()):
            base = number << _PLACE_BITS
            args = {"number": number, "low": base, "high": base | _PLACE, "piece": _PIECE}
            for sql in _SWEPT:
                while await self._changed(partial(self._deleted, sql, args)):
                    await asyncio.sleep(0)

    async def places(self, number: int, keys: Iterable[str]) -> Mapping[str, int]:
        wanted = [key for key in keys if _is_text(key)]
        if len(wanted) == 1:
            sql = "SELECT key, place FROM place WHERE number = ? AND key = ?"
            return dict(await self._read(sql, (number, wanted[0])))
        return dict(await self._read(_PLACES, (json.dumps(wanted), number)))

    async def keys(self, number: int, places: Iterable[int]) -> Mapping[int, str]:
        return await self._column("key", number, places)

    async def bodies(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        return await self._column("body", number, places)

    async def links(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        return await self._column("links", number, places)

    async def rows(self, number: int, start: int, count: int) -> Sequence[Row]:
        base = number << _PLACE_BITS
        rows = await self._read(_ROWS, (base + start, base | _PLACE, count))
        return [Row(id & _PLACE, *rest) for id, *rest in rows]

    async def postings(self, number: int, names: Iterable[str]) -> Mapping[str, bytes]:
        wanted = [name for name in set(names) if _is_text(name)]
        found: dict[str, bytes] = {}
        for name, places in await self._read(_POSTINGS, (json.dumps(wanted), number)):
            found[name] = found.get(name, b"") + places
        return found

    async def names(self, number: int, prefix: str, after: str, limit: int) -> Sequence[str]:
        if not _is_text(prefix):
            return []
        asked = (number, prefix, after, limit, following(prefix))
        rows = await self._read(_NAMES, asked)
        return [row[0] for row in rows]

    async def close(self) -> None:
        await self._write(self._writing.close)
        await asyncio.get_running_loop().run_in_executor(self._reader, self._reading.close)
        self._reader.shutdown()
        self._writer.shutdown()

    async def _column(self, column: str, number: int, places: Iterable[int]) -> dict[int, Any]:
        base = number << _PLACE_BITS
        wanted = [base + place for place in places if 0 <= place <= _PLACE]
        if len(wanted) == 1:
            sql = f"SELECT id, {column} FROM concept WHERE id = ?"
            rows = await self._read(sql, (wanted[0],))
        else:
            sql = f"SELECT c.id, c.{column} FROM json_each(?) CROSS JOIN concept c ON c.id = value"
            rows = await self._read(sql, (json.dumps(wanted),))
        return {row[0] & _PLACE: row[1] for row in rows}

    def _require(self, number: int) -> None:
        sql = "SELECT 1 FROM system WHERE number = ? AND whole = 0 AND gone = 0"
        if not self._writing.execute(sql, (number,)).fetchone():
            raise Stale(_STALE)

    async def _read(self, sql: str, args: tuple[object, ...]) -> list[tuple[Any, ...]]:
        def work() -> list[tuple[Any, ...]]:
            return self._reading.execute(sql, args).fetchall()

        with complaints():
            return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    async def _changed(self, work: Callable[[], T]) -> T:
        """In one transaction."""
        answers: list[T] = []
        await self._write(lambda: with_transaction(self._writing, lambda: answers.append(work())))
        return answers[0]

    async def _write(self, work: Callable[[], T]) -> T:
        with complaints():
            return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    def _deleted(self, sql: str, args: dict[str, int]) -> int:
        return int(self._writing.execute(sql, args).rowcount)


def _is_text(text: str) -> bool:
    """Whether it can be stored at all: it has no half of a surrogate pair."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
