"""What a data folder holds, in order, from open connections to its files; in threads, one question
at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from careplane.storage.engines.sqlite.chunks import Chunks
from careplane.storage.engines.sqlite.compact import expand
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.keys import SqliteKeys
from careplane.storage.engines.sqlite.known import Kind, Known, Lookup
from careplane.storage.engines.sqlite.outbox import RECORDS_FILE, Outbox, Source
from careplane.storage.engines.sqlite.versions import COLUMNS, Row, to_version
from careplane.storage.keys.bodies import SealedBodies
from careplane.storage.ports.moving import Audited, Kept, Marks, NoteAt, Noted, Place
from careplane.storage.ports.records import Version
from careplane.storage.ports.state import Entry

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
TOGETHER = 500
_BYTES = 1 << 22
"""Compressed, of the bodies of one batch."""
_PLACES = "SELECT rid, tenant, type, fhir_id, born FROM resource WHERE rid > ? ORDER BY rid"
_VERSIONS = (
    f"SELECT {COLUMNS}, v.tenant, v.t = r.t FROM version v CROSS JOIN resource r ON r.rid = v.rid "
    "WHERE v.t > ?"
)
_OF_TYPE = " AND v.type = (SELECT id FROM name WHERE kind = ? AND text = ?)"
_MOVED = "SELECT coalesce(max(id), 0) FROM moved_from WHERE source = ?"
_STATE = """SELECT space, tenant, key, value, revision FROM state
WHERE (space, tenant, key) > (?, ?, ?) ORDER BY space, tenant, key"""
_BEFORE_ALL = ("", -1, "")
_MARKS = """SELECT coalesce((SELECT max(rid) FROM resource), 0), max(t), max(updated) FROM (
SELECT t, updated FROM erasure
UNION ALL SELECT * FROM (SELECT t, updated FROM version ORDER BY t DESC LIMIT 1))"""


@dataclass(frozen=True, slots=True)
class Files:
    """Connections to the files of a folder, and what waits in its spools, by number."""

    records: Connection
    audit: Connection
    state: Connection
    spools: Mapping[int, Source]

    def all(self) -> Iterator[Connection]:
        yield self.records
        yield self.audit
        yield self.state


class Reading:
    """The reading half of a move."""

    def __init__(self, files: Files, keys: SqliteKeys) -> None:
        self.files = files
        self._lookup = Lookup(files.records, Known())
        self._bodies = SealedBodies(keys.ring, keys.find)

    async def marks(self) -> Marks:
        return await in_thread(self._marks)

    def places(self, after: int = 0) -> AsyncIterator[Sequence[Place]]:
        def place(row: Row) -> Place:
            number, tenant, type, id, born = row
            return Place(number, tenant, self._lookup.type_name(type), expand(id), born)

        rows = _rows(self.files.records, _PLACES, (after,))
        return _batches(rows, lambda some: [place(row) for row in some])

    def versions(self, after: int = 0, type: str | None = None) -> AsyncIterator[Sequence[Kept]]:
        of_type = ((int(Kind.TYPE), type), _OF_TYPE) if type else ((), "")
        sql = f"{_VERSIONS}{of_type[1]} ORDER BY v.t"
        return _batches(_rows(self.files.records, sql, (after, *of_type[0])), self._kept)

    def audited(self, after: int = 0) -> AsyncIterator[Sequence[Audited]]:
        return _batches(self._trail(after), lambda some: [Audited(*row) for row in some])

    def noted(self, after: NoteAt | None = None) -> AsyncIterator[Sequence[Noted]]:
        rows = _rows(self.files.state, _STATE, after or _BEFORE_ALL)
        return _batches(rows, lambda some: [Noted(s, t, Entry(*e)) for s, t, *e in some])

    def _kept(self, rows: Sequence[Row]) -> list[Kept]:
        return [Kept(row[7], self._version(row), bool(row[8])) for row in rows]

    def _version(self, row: Row) -> Version:
        return to_version(row, self._lookup, self._bodies.unpack, row[7])

    def _trail(self, after: int) -> Iterator[Row]:
        """What stands in the audit file, and what waits behind it, as AuditKeeper moves it."""
        chunks = Chunks(self.files.audit)
        yield from chunks.behind(after)
        seq = chunks.last()
        for source, moved in self._sources():
            while rows := source.rows(moved, TOGETHER):
                moved = rows[-1][0]
                for _, tenant, record in rows:
                    seq += 1
                    if seq > after:
                        yield seq, tenant, record

    def _sources(self) -> Iterator[tuple[Source, int]]:
        """Each with the number of the last record that was moved from it."""
        records: dict[int, Source] = {RECORDS_FILE: Outbox(self.files.records)}
        for number, source in {**records, **self.files.spools}.items():
            yield source, self.files.audit.execute(_MOVED, (number,)).fetchone()[0]

    def _marks(self) -> Marks:
        place, t, updated = self.files.records.execute(_MARKS).fetchone()
        last = Chunks(self.files.audit).last()
        seq = last + sum(source.waiting(moved) for source, moved in self._sources())
        revision = self.files.state.execute("SELECT last FROM revision").fetchone()[0]
        return Marks(place, t, updated * 1000, seq, revision)


async def in_thread(work: Callable[[], T]) -> T:
    """What it answers, its errors in our words."""
    with complaints():
        return await asyncio.to_thread(work)


def _rows(connection: Connection, sql: str, args: Sequence[Any]) -> Iterator[Row]:
    yield from connection.execute(sql, args)


async def _batches(
    rows: Iterator[Row], made: Callable[[Sequence[Row]], list[T]]
) -> AsyncIterator[Sequence[T]]:
    while batch := await in_thread(lambda: made(_some(rows))):
        yield batch


def _some(rows: Iterator[Row]) -> list[Row]:
    found: list[Row] = []
    size = 0
    for row in rows:
        found.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if len(found) == TOGETHER or size > _BYTES:
            break
    return found
