"""Audit records on their way to the audit file: a log of the process' own, sealed, one write each.

A request must neither wait for another process' lock nor pay for a transaction, so what it leaves
is copied to a file that nobody else writes to and that is mapped into memory (mmap(2), shared): it
outlives the process then, without a call to the system, in which another thread would take the
interpreter. With sync FULL the disk is asked too, once for all records of a turn of the event loop
(decision 0055).

A segment has its room from the start, and is a head (eight letters and 32 random bytes, from which
its key is derived), frames, and zeros: a frame is the length of what follows (four bytes,
little-endian, written last), and tenant and record, sealed with AES-256-GCM (NIST SP 800-38D) under
the record's number as nonce. Numbers run through all segments of a place, whose names have the
number of their first. A segment is never opened for writing again: what a process leaves half
written, or a power cut, is the end of its segment.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import pairwise, zip_longest
from mmap import mmap
from pathlib import Path
from struct import Struct
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Busy, Fault, Full
from careplane.storage.engines.sqlite.faults import translated
from careplane.storage.engines.sqlite.place import Place
from careplane.storage.engines.sqlite.room import allocate
from careplane.storage.engines.sqlite.runs import Fresh, Row, Run, runs_of
from careplane.storage.ports.audit import KEPT
from careplane.storage.ports.records import Tenant

Relieve = Callable[[], bool]
"""Makes room on a full disk, if it can."""
_MAGIC, _SALT_BYTES = b"cpspool1", 32
_HEAD_BYTES = len(_MAGIC) + _SALT_BYTES
_SEGMENT_BYTES = 1 << 20
_length, _tenant = Struct("<I"), Struct("<q")
_ALL = 10_000
_NONCE_BYTES, _TAG_BYTES = 12, 16
_FRAME_BYTES = _length.size + _tenant.size + _TAG_BYTES
_log = logging.getLogger(__name__)


class Segment(NamedTuple):
    """A file of a place, and the number of its first record."""

    first: int
    path: Path


def segments(folder: Path) -> dict[int, list[Segment]]:
    """Those that are there, by place, each place's in order."""
    found: dict[int, list[Segment]] = {}
    for name in sorted(os.listdir(folder)):
        if name.startswith("spool-") and name.endswith(".log"):
            _, place, first = name.removesuffix(".log").split("-")
            found.setdefault(int(place), []).append(Segment(int(first), folder / name))
    return dict(sorted(found.items()))


class Spool:
    """The writing end: one process', from one event loop."""

    _encrypt: Callable[[bytes, bytes, None], bytes]
    _map: mmap
    _file: int
    _room: int
    _end: int

    def __init__(
        self,
        folder: Path,
        place: Place,
        key: bytes,
        after: int,
        sync: Literal["FULL", "NORMAL"],
        relieve: Relieve,
    ) -> None:
        """The first record gets the number behind `after`."""
        self._folder, self._place, self._key = folder, place, key
        self._durable = sync == "FULL"
        self._relieve = relieve
        self._syncing: asyncio.Future[None] | None = None
        self._last = after
        self.fresh = Fresh(after)
        """The last ones, for who moves them on in this process."""
        self._begin()

    def append(self, tenant: Tenant, record: bytes) -> Awaitable[None]:
        """It outlives this process, and once this was awaited a power cut, where it shall. Raises
        Full, Busy."""
        size = _FRAME_BYTES + len(record)
        if self._end + size > self._room:
            self._make_room(size)
        number, start = self._last + 1, self._end
        nonce = number.to_bytes(_NONCE_BYTES, "big")
        sealed = self._encrypt(nonce, _tenant.pack(tenant) + record, None)
        end = start + size
        self._map[start + _length.size : end] = sealed
        _length.pack_into(self._map, start, len(sealed))
        self._end, self._last = end, number
        self.fresh.put(tenant, record)
        return self._synced() if self._durable else KEPT

    def close(self) -> None:
        """What was appended stays."""
        self._map.close()
        os.close(self._file)

    def _make_room(self, need: int) -> None:
        try:
            self._roll(need)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self._relieve():
                raise _complaint(error) from error
            try:
                self._roll(need)
            except OSError as again:
                raise _complaint(again) from again

    def _roll(self, need: int) -> None:
        if self._durable:
            os.fdatasync(self._file)
        file, mapped = self._file, self._map
        self._begin(need)
        mapped.close()
        os.close(file)

    def _begin(self, need: int = 0) -> None:
        path = self._folder / f"spool-{self._place.number}-{self._last + 1:019}.log"
        head = _MAGIC + os.urandom(_SALT_BYTES)
        path.unlink(missing_ok=True)  # of a process that ended before its first record was whole
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            room = max(_SEGMENT_BYTES, _HEAD_BYTES + need)
            allocate(file, room)
            mapped = mmap(file, room)
            mapped[:_HEAD_BYTES] = head
            if self._durable:
                _sync_folder(self._folder)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self._file, self._map, self._room, self._end = file, mapped, room, _HEAD_BYTES
        self._encrypt = _cipher(self._key, head).encrypt

    async def _synced(self) -> None:
        if self._syncing is None:
            loop = asyncio.get_running_loop()
            self._syncing = loop.create_future()
            loop.call_soon(self._sync)
        await asyncio.shield(self._syncing)

    def _sync(self) -> None:
        waiting, self._syncing = self._syncing, None
        if waiting is None or waiting.done():
            return
        try:
            os.fdatasync(self._file)
        except OSError as error:
            waiting.set_exception(_complaint(error))
        else:
            waiting.set_result(None)


class Spooled:
    """The reading end of a place, in any process: it remembers how far it has read. `fresh` are
    the records that need not be read from the file."""

    def __init__(self, folder: Path, place: int, key: bytes) -> None:
        self._folder, self._place, self._key = folder, place, key
        self.fresh: Fresh | None = None
        self._at = (Path(), 0, 0)
        """The segment, the number of its next record, and where that begins."""

    def rows(self, after: int, count: int) -> Sequence[Row]:
        """The next records behind one; fewer than `count` where there are no more. Raises Fault
        for one that was changed."""
        rows: list[Row] = []
        for segment, following in zip_longest(found := self._segments(), found[1:]):
            if following and following.first <= after + 1:
                continue
            if segment.first > after + 1:
                self._tell_missing(after + 1, segment.first - 1)
            some = self._read(segment, after, count - len(rows))
            rows += some
            after = rows[-1][0] if rows else after
            if len(rows) == count:
                break
        return rows

    def runs(self, after: int, count: int) -> Sequence[Run]:
        """The same together, out of memory where they are there."""
        fresh = None if self.fresh is None else self.fresh.behind(after, count)
        return runs_of(self.rows(after, count)) if fresh is None else fresh

    def _tell_missing(self, first: int, last: int) -> None:
        text = "Audit records %d to %d of place %d are missing"
        _log.error(text, first, last, self._place)

    def waiting(self, after: int) -> int:
        """How many there are behind one."""
        at, count = self._at, 0
        while rows := self.rows(after, _ALL):
            after, count = rows[-1][0], count + len(rows)
        self._at = at
        return count

    def all(self) -> Iterator[Row]:
        """What is there, moved or not."""
        for segment in self._segments():
            yield from self._whole(segment)

    def damages(self) -> list[str]:
        """What does not open, in words, a line a segment."""
        found = []
        for segment in self._segments():
            try:
                for _ in self._whole(segment):
                    pass
            except Fault as fault:
                found.append(f"{segment.path.name}: {fault.text}")
        return found

    def trim(self, moved: int, *, ended: bool) -> None:
        """Remove segments of which nothing is needed: all up to `moved` are safe elsewhere. The
        newest is left to its writer unless that has ended."""
        found = self._segments()
        for segment, next in pairwise(found):
            if next.first <= moved + 1:
                segment.path.unlink(missing_ok=True)
        if ended and found and not self._read(found[-1], moved, 1):
            found[-1].path.unlink(missing_ok=True)

    def _whole(self, segment: Segment) -> Iterator[Row]:
        number = segment.first - 1
        while rows := self._read(segment, number, _ALL):
            yield from rows
            number = rows[-1][0]

    def _segments(self) -> list[Segment]:
        return segments(self._folder).get(self._place, [])

    def _read(self, segment: Segment, after: int, count: int) -> list[Row]:
        path, number, offset = self._at
        if path != segment.path or number > after + 1:
            number, offset = segment.first, _HEAD_BYTES
        try:
            data = segment.path.read_bytes()
        except FileNotFoundError:  # its records were moved meanwhile
            return []
        rows: list[Row] = []
        cipher = _cipher(self._key, data[:_HEAD_BYTES])
        for end in _ends(data, offset):
            if number > after:
                sealed = data[offset + _length.size : end]
                row = _opened(cipher, number, sealed)
                if row is None:
                    if sealed[-1:] == b"\0" and not data[end:].strip(b"\0"):
                        break  # what a power cut leaves
                    raise _changed(number, segment)
                rows.append(row)
            number, offset = number + 1, end
            if len(rows) == count:
                break
        self._at = segment.path, number, offset
        return rows


def _ends(data: bytes, start: int) -> Iterator[int]:
    """Where each of the whole frames ends."""
    while start + _length.size <= len(data):
        size = _length.unpack_from(data, start)[0]
        start += _length.size + size
        if not size or start > len(data):
            return
        yield start


def _opened(cipher: AESGCM, number: int, sealed: bytes) -> Row | None:
    try:
        plain = cipher.decrypt(number.to_bytes(_NONCE_BYTES, "big"), sealed, None)
    except InvalidTag:
        return None
    return number, _tenant.unpack_from(plain)[0], plain[_tenant.size :]


def _changed(number: int, segment: Segment) -> Fault:
    return Fault(
        f"Audit record {number} in {segment.path.name} was changed: move the file elsewhere and "
        "look into it"
    )


def _cipher(key: bytes, head: bytes) -> AESGCM:
    salt, person = head[len(_MAGIC) :], b"careplane-spool"
    return AESGCM(hashlib.blake2b(salt, key=key, digest_size=32, person=person).digest())


def _complaint(error: OSError) -> Full | Busy:
    if error.errno == errno.ENOSPC:
        full = translated(error)
        return full if isinstance(full, Full) else Full(full.text)
    return Busy("The disk refuses audit records: see whether it is full or broken")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
