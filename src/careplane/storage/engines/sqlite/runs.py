"""Runs: audit records of consecutive numbers, packed together on their way to the audit file.

What is packed soon costs less than what waits by itself: the memory of a record is used again for
the next ones, and whoever moves a run has one thing to move (decision 0056).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

PLAIN, PACKED, MIXED = 0, 1, 2
"""Forms: one record as it is; a MessagePack array of some; the same of their tenants and them,
where they are of several tenants."""
Row = tuple[int, int, bytes]
"""Number, tenant and record."""
_MOST, _MOST_BYTES = 250, 1 << 16
"""What a run has at most: a record by itself may be larger."""
_ENOUGH = 200
"""Records at which a run that waits is closed: those of a turn come together."""
_FRESH = 200
"""Runs that wait in memory. What is older is read from the file."""
_plain = msgspec.msgpack.Decoder(list[bytes | None])
_mixed = msgspec.msgpack.Decoder(tuple[list[int], list[bytes | None]])
_whole = msgspec.msgpack.Decoder(tuple[list[int], list[bytes]])
_encode = msgspec.msgpack.Encoder().encode


class Run(NamedTuple):
    """Records from the first number to the last, in a form; of one tenant, or of several."""

    first: int
    last: int
    tenant: int | None
    form: int
    packed: bytes

    def opened(self) -> tuple[Sequence[int], Sequence[bytes | None]]:
        """The tenant of each, and the records; None in place of one that is gone. Raises
        MsgspecError for what is no such run, ValueError for one that has not what it says."""
        count = self.last - self.first + 1
        records: Sequence[bytes | None]
        tenants: Sequence[int] = (self.tenant or 0,) * count
        if self.form == PLAIN:
            records = (self.packed,)
        elif self.form == PACKED:
            records = _plain.decode(self.packed)
        else:
            tenants, records = _mixed.decode(self.packed)
        if not len(records) == len(tenants) == count:
            raise ValueError("A run has other records than it says.")
        return tenants, records

    def behind(self, number: int) -> Iterator[Run]:
        """What it has above a number."""
        if number < self.first:
            return iter((self,))
        gone = number - self.first + 1
        tenants, records = self.opened()
        return packed(number + 1, tenants[gone:], records[gone:])


def packed(first: int, tenants: Sequence[int], records: Sequence[bytes | None]) -> Iterator[Run]:
    """Records of consecutive numbers as runs of a good size."""
    for part in parts_of(records):
        yield run_of(first + part.start, tenants[part], records[part])


def parts_of(records: Sequence[bytes | None]) -> Iterator[slice]:
    """Where records are parted, so that each part has a good size."""
    start, count = 0, len(records)
    sizes = [len(record or b"") for record in records]
    while start < count:
        end = min(start + _MOST, count)
        while end - start > 1 and sum(sizes[start:end]) > _MOST_BYTES:
            end = start + (end - start) // 2
        yield slice(start, end)
        start = end


def joined(tenants: Sequence[int], records: Sequence[bytes]) -> bytes:
    """Tenants and records, a record of each, in one piece."""
    return _encode((tenants, records))


def parted(piece: bytes) -> tuple[list[int], list[bytes]]:
    """What was joined. Raises MsgspecError for anything else."""
    return _whole.decode(piece)


def run_of(first: int, tenants: Sequence[int], records: Sequence[bytes | None]) -> Run:
    """One run of them all."""
    last = first + len(records) - 1
    if len(records) == 1 and records[0] is not None:
        return Run(first, last, tenants[0], PLAIN, records[0])
    if len(set(tenants)) == 1:
        return Run(first, last, tenants[0], PACKED, _encode(records))
    return Run(first, last, None, MIXED, _encode((tenants, records)))


def runs_of(rows: Sequence[Row]) -> list[Run]:
    """Rows in order of their numbers, which may leave some out."""
    found: list[Run] = []
    while rows:
        count = len(rows)
        if rows[-1][0] - rows[0][0] >= count:
            count = next(n for n, row in enumerate(rows) if row[0] != rows[0][0] + n)
        numbers, tenants, records = zip(*rows[:count], strict=True)
        found += packed(numbers[0], tenants, records)
        rows = rows[count:]
    return found


def size(run: Run) -> int:
    """How many records it has."""
    return run.last - run.first + 1


def numbered(runs: Iterable[Run], first: int) -> Iterator[Run]:
    """The same records under consecutive numbers from this one on."""
    for run in runs:
        yield run._replace(first=first, last=first + size(run) - 1)
        first += size(run)


class _Open(NamedTuple):
    """A run that is not whole yet."""

    first: int
    tenants: list[int]
    records: list[bytes]


class Fresh:
    """The last records of a process as runs: put here by its event loop, asked for by a thread
    beside it."""

    def __init__(self, after: int, most: int = _FRESH, whole: int = _ENOUGH) -> None:
        """The first record gets the number behind `after`; `most` runs are kept, which are closed
        when they have `whole` records, or some more."""
        self._whole_at = whole
        self._runs: deque[Run] = deque(maxlen=most)
        self._open = _Open(after + 1, [], [])

    def put(self, tenants: Sequence[int], records: Sequence[bytes]) -> None:
        """The next records, and whose they are."""
        open = self._open
        open.tenants.extend(tenants)
        open.records.extend(records)  # last: as many as there are of these are whole
        if len(open.records) >= self._whole_at:
            self._close()

    def behind(self, number: int, count: int) -> list[Run] | None:
        """The next records behind a number, so many if there are so many, or some more; None where
        the next one is not here."""
        open = self._open  # before the others: what is closed meanwhile is there twice
        here = len(open.records)
        found: list[Run] = []
        after = number
        for run in self._whole(number, open, here):
            if run.first > after + 1 or count <= 0:
                break
            for part in run.behind(after):
                found.append(part)
                after, count = part.last, count - size(part)
        return found if found or open.first + here - 1 <= number else None

    def _whole(self, number: int, open: _Open, here: int) -> Iterator[Run]:
        runs = self._runs
        while runs and runs[0].last <= number:
            runs.popleft()
        for run in tuple(runs):
            if run.last > number:
                yield run
                number = run.last
        if open.first + here - 1 > number:
            yield from packed(open.first, open.tenants[:here], open.records[:here])

    def _close(self) -> None:
        first, tenants, records = self._open
        self._runs.extend(packed(first, tenants, records))
        self._open = _Open(first + len(records), [], [])
