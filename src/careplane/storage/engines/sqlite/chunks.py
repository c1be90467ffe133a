"""Audit records as the audit file keeps them: runs in its rows, compressed (decision 0056).

A chunk is a run (see runs), a MessagePack array compressed with zstd. One that was forgotten leaves
an empty place there; a chunk of which nothing is left goes. All that writes wants a transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import zstandard

from careplane.kernel.errors import Fault
from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.runs import PLAIN, Run, packed, run_of
from careplane.storage.ports.audit import Together

if TYPE_CHECKING:
    from sqlite3 import Connection

_LEVEL = 1
_INFLATED = 1 << 26
_AT_ONCE = 16
"""Chunks read in one go: a reading left half way would stand in the way of a checkpoint."""
_PUT = "INSERT INTO chunk (last, first, tenant, form, records)"
_REPLACE = "UPDATE chunk SET tenant = ?, form = ?, records = ? WHERE last = ?"
_LAST = "SELECT coalesce(max(last), 0) FROM chunk"
_BEHIND = """SELECT first, last, tenant, form, records FROM chunk
WHERE last > ?1 AND (?2 IS NULL OR tenant = ?2 OR tenant IS NULL) ORDER BY last LIMIT ?3"""
_WITH = "SELECT first, last, tenant, form, records FROM chunk WHERE last >= ? ORDER BY last LIMIT 1"
_Row = tuple[int, int, int | None, int, bytes]


class Numbered(NamedTuple):
    """A record, its tenant, and its number."""

    seq: int
    tenant: int
    record: bytes


class Chunks:
    """Those of one audit file, for one thread at a time. Whatever reads raises Fault where a chunk
    cannot be read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._compressor = zstandard.ZstdCompressor(_LEVEL, write_checksum=False)
        self._decompressor = zstandard.ZstdDecompressor()

    def last(self) -> int:
        """The highest number; 0 where there is none."""
        return int(self._connection.execute(_LAST).fetchone()[0])

    def add(self, first: int, tenants: Sequence[int], records: Sequence[bytes]) -> None:
        """Records of consecutive numbers, in order, and whose each is."""
        self.put(packed(first, tenants, records))

    def put(self, runs: Iterable[Run]) -> None:
        """Runs, the first of which is behind whatever is there."""
        rows = [(run.last, run.first, *self._row(run)) for run in runs]
        execute_many(self._connection, _PUT, rows)

    def behind(self, after: int, tenant: int | None = None) -> Iterator[Numbered]:
        """Records with a higher number, in order; all of them, or those of a tenant."""
        for row in self._rows(after, tenant):
            yield from _numbered(row, *self._unpacked(row), after, tenant)

    def together(self, after: int, tenant: int, count: int) -> Together | None:
        """The next records of a tenant as one, so many at most; None for nothing."""
        first = last = 0
        parts: list[bytes] = []
        for row in self._rows(after, tenant):
            tenants, records = self._unpacked(row)
            if row[0] > after and row[2] == tenant and None not in records:
                begin, some = row[0], records[: count - len(parts)]
                end = begin + len(some) - 1
            else:
                few = _numbered(row, tenants, records, after, tenant)[: count - len(parts)]
                if not few:
                    continue
                begin, end, some = few[0].seq, few[-1].seq, [one.record for one in few]
            first, last = first or begin, end
            parts += [record for record in some if record is not None]
            if len(parts) == count:
                break
        return Together(first, last, b"".join(parts)) if parts else None

    def find(self, numbers: Collection[int]) -> dict[int, bytes]:
        """Records by number; those that are not there are left out."""
        found: dict[int, bytes] = {}
        last = 0
        for number in sorted(numbers):
            if number > last:
                row = self._connection.execute(_WITH, (number,)).fetchone()
                if row is None:
                    break
                last = row[1]
                found |= {one.seq: one.record for one in _numbered(row, *self._unpacked(row))}
        return {number: found[number] for number in numbers if number in found}

    def forget(self, numbers: Collection[int]) -> None:
        """Remove records for good."""
        gone, last = set(numbers), 0
        for number in sorted(gone):
            row = self._connection.execute(_WITH, (number,)).fetchone() if number > last else None
            if row is None:
                continue
            first, last = row[:2]
            tenants, records = self._unpacked(row)
            left = [None if first + n in gone else record for n, record in enumerate(records)]
            if any(record is not None for record in left):
                self._connection.execute(_REPLACE, (*self._row(run_of(first, tenants, left)), last))
            else:
                self._connection.execute("DELETE FROM chunk WHERE last = ?", (last,))

    def _rows(self, after: int, tenant: int | None) -> Iterator[_Row]:
        while rows := self._connection.execute(_BEHIND, (after, tenant, _AT_ONCE)).fetchall():
            yield from rows
            after = rows[-1][1]

    def _row(self, run: Run) -> tuple[int | None, int, bytes]:
        """Whose a chunk is, its form, and what it holds."""
        held = run.packed if run.form == PLAIN else self._compressor.compress(run.packed)
        return run.tenant, run.form, held

    def _unpacked(self, row: _Row) -> tuple[Sequence[int], Sequence[bytes | None]]:
        """The tenant of each, and the records, without those that are gone."""
        first, last, tenant, form, held = row
        try:
            if form != PLAIN:
                held = self._decompressor.decompress(held, max_output_size=_INFLATED)
            return Run(first, last, tenant, form, held).opened()
        except (msgspec.MsgspecError, zstandard.ZstdError, ValueError) as error:
            raise _damaged(first, last) from error


def _numbered(
    row: _Row,
    tenants: Sequence[int],
    records: Sequence[bytes | None],
    after: int = 0,
    tenant: int | None = None,
) -> list[Numbered]:
    """Of a chunk, those behind a number, of a tenant."""
    return [
        Numbered(seq, whose, record)
        for seq, (whose, record) in enumerate(zip(tenants, records, strict=True), row[0])
        if record is not None and seq > after and (tenant is None or whose == tenant)
    ]


def _damaged(first: int, last: int) -> Fault:
    return Fault(f"Audit records {first} to {last} cannot be read: the audit file is damaged")
