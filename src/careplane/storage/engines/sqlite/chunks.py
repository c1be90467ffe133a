"""Audit records as the audit file keeps them: many in a row of it, compressed (decision 0056).

A chunk has the records of consecutive numbers. One that was forgotten leaves an empty place there;
a chunk of which nothing is left goes. All that writes wants a transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import zstandard

from careplane.kernel.errors import Fault
from careplane.storage.engines.sqlite.bulk import execute_many

if TYPE_CHECKING:
    from sqlite3 import Connection

PLAIN, PACKED, MIXED = 0, 1, 2
"""Forms: one record as it is; a MessagePack array of some, compressed with zstd; the same of pairs
of tenant and record, where they are of several tenants."""
_MOST, _MOST_BYTES = 250, 1 << 16
"""What a chunk has at most: a record by itself may be larger."""
_LEVEL = 1
_INFLATED = 1 << 26
_PUT = "INSERT INTO chunk (last, first, tenant, form, records)"
_LAST = "SELECT coalesce(max(last), 0) FROM chunk"
_BEHIND = """SELECT first, last, tenant, form, records FROM chunk
WHERE last > ?1 AND (?2 IS NULL OR tenant = ?2 OR tenant IS NULL) ORDER BY last LIMIT ?3"""
_AT_ONCE = 16
"""Read in one go: a reading that is left half way would stand in the way of a checkpoint."""
_WITH = "SELECT first, last, tenant, form, records FROM chunk WHERE last >= ? ORDER BY last LIMIT 1"
_REPLACE = "UPDATE chunk SET tenant = ?, form = ?, records = ? WHERE last = ?"
_plain = msgspec.msgpack.Decoder(list[bytes | None])
_mixed = msgspec.msgpack.Decoder(list[tuple[int, bytes | None]])
_Row = tuple[int, int, int | None, int, bytes]


class Owned(NamedTuple):
    """A record and its tenant; none in an empty place."""

    tenant: int
    record: bytes | None


class Numbered(NamedTuple):
    """The same under its number."""

    seq: int
    tenant: int
    record: bytes


class Chunks:
    """Those of one audit file, for one thread at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._compressor = zstandard.ZstdCompressor(_LEVEL, write_checksum=False)
        self._decompressor = zstandard.ZstdDecompressor()

    def last(self) -> int:
        """The highest number; 0 where there is none."""
        return int(self._connection.execute(_LAST).fetchone()[0])

    def add(self, first: int, records: Sequence[Owned]) -> None:
        """Records of consecutive numbers, in order."""
        rows = []
        for some in _parts(records):
            last = first + len(some) - 1
            rows.append((last, first, _tenant(some), *self._packed(some)))
            first = last + 1
        execute_many(self._connection, _PUT, rows)

    def behind(self, after: int, tenant: int | None = None) -> Iterator[Numbered]:
        """Records with a higher number, in order; all of them, or those of a tenant. Raises Fault
        where a chunk cannot be read."""
        last = after
        while rows := self._connection.execute(_BEHIND, (last, tenant, _AT_ONCE)).fetchall():
            for row in rows:
                for one in self._records(row):
                    if one.seq > after and (tenant is None or one.tenant == tenant):
                        yield one
            last = rows[-1][1]

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
                found |= {one.seq: one.record for one in self._records(row)}
        return {number: found[number] for number in numbers if number in found}

    def forget(self, numbers: Collection[int]) -> None:
        """Remove records for good."""
        gone, last = set(numbers), 0
        for number in sorted(gone):
            row = self._connection.execute(_WITH, (number,)).fetchone() if number > last else None
            if row is None:
                continue
            first, last = row[:2]
            kept = {one.seq: one for one in self._records(row) if one.seq not in gone}
            if not kept:
                self._connection.execute("DELETE FROM chunk WHERE last = ?", (last,))
                continue
            tenant = next(iter(kept.values())).tenant
            left = [
                Owned(kept[n].tenant, kept[n].record) if n in kept else Owned(tenant, None)
                for n in range(first, last + 1)
            ]
            values = (_tenant(left), *self._packed(left), last)
            self._connection.execute(_REPLACE, values)

    def _packed(self, records: Sequence[Owned]) -> tuple[int, bytes]:
        if len(records) == 1 and records[0].record is not None:
            return PLAIN, records[0].record
        if _tenant(records) is None:
            return MIXED, self._compressor.compress(msgspec.msgpack.encode(records))
        return PACKED, self._compressor.compress(msgspec.msgpack.encode([r for _, r in records]))

    def _records(self, row: _Row) -> list[Numbered]:
        first, last, whose, form, packed = row
        try:
            owned = self._unpacked(whose, form, packed)
        except (msgspec.MsgspecError, zstandard.ZstdError) as error:
            raise _damaged(first, last) from error
        if len(owned) != last - first + 1:
            raise _damaged(first, last)
        return [
            Numbered(first + n, tenant, record)
            for n, (tenant, record) in enumerate(owned)
            if record is not None
        ]

    def _unpacked(
        self, tenant: int | None, form: int, packed: bytes
    ) -> Sequence[tuple[int, bytes | None]]:
        if form == PLAIN:
            return [(tenant or 0, packed)]
        data = self._decompressor.decompress(packed, max_output_size=_INFLATED)
        if form == MIXED:
            return _mixed.decode(data)
        return [(tenant or 0, record) for record in _plain.decode(data)]


def _parts(records: Sequence[Owned]) -> Iterator[Sequence[Owned]]:
    start = size = 0
    for at, (_, record) in enumerate(records):
        length = len(record or b"")
        if at > start and (at - start == _MOST or size + length > _MOST_BYTES):
            yield records[start:at]
            start, size = at, 0
        size += length
    if records:
        yield records[start:]


def _tenant(records: Sequence[Owned]) -> int | None:
    """Whose they all are."""
    tenants = {tenant for tenant, _ in records}
    return tenants.pop() if len(tenants) == 1 else None


def _damaged(first: int, last: int) -> Fault:
    return Fault(f"Audit records {first} to {last} cannot be read: the audit file is damaged")
