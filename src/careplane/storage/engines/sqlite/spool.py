"""Audit records on their way to the audit file: a log of the process' own, sealed.

A request must neither wait for another process' lock nor pay for a transaction, so what it leaves
is copied to a file that nobody else writes to and that is mapped into memory (mmap(2), shared): it
outlives the process then, without a call to the system, in which another thread would take the
interpreter. The records of a turn of the event loop are sealed and copied together at its end, and
with sync FULL the disk is asked once for them all (decision 0055).

A segment has its room from the start, and is a head (eight letters and 32 random bytes, from which
its key is derived), frames, and zeros. A frame is the length of what follows (four bytes,
little-endian, written last), and, sealed with AES-256-GCM (NIST SP 800-38D) under the number of its
first record as nonce, a tenant (eight bytes) and its record; or -1 in place of a tenant, and
several of them joined (see runs). Numbers run through all segments of a place, whose names have the
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
from careplane.storage.engines.sqlite.runs import (
    Fresh,
    Row,
    Run,
    joined,
    parted,
    parts_of,
    runs_of,
)
from careplane.storage.ports.records import Tenant

Relieve = Callable[[], bool]
"""Makes room on a full disk, if it can."""
_MAGIC, _SALT_BYTES = b"cpspool1", 32
_HEAD_BYTES = len(_MAGIC) + _SALT_BYTES
_SEGMENT_BYTES = 1 << 20
_length, _tenant = Struct("<I"), Struct("<q")
_SEVERAL = -1
_ALL = 10_000
_NONCE_BYTES, _TAG_BYTES = 12, 16
_FRAME_BYTES = _length.size + _TAG_BYTES
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


class _Turn(asyncio.Future[None]):
    """What the requests of a turn wait for together: one of them that is cancelled goes its way
    after it, and does not end it for the others."""

    def cancel(self, msg: object = None) -> bool:
        return False


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
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """The first record gets the number behind `after`; `told` is called when there are some
        more."""
        self._folder, self._place, self._key = folder, place, key
        self._durable = sync == "FULL"
        self._relieve = relieve
        self._told = told
        self._turn: _Turn | None = None
        self._tenants: list[int] = []
        self._records: list[bytes] = []
        self._last = after
        self.fresh = Fresh(after)
        """The last ones, for who moves them on in this process."""
        self._begin()

    def append(self, tenant: Tenant, record: bytes) -> Awaitable[None]:
        """Once this was awaited it outlives this process, and a power cut, where it shall. Raises
        Full, Busy then."""
        turn = self._turn
        if turn is None:
            loop = asyncio.get_running_loop()
            turn = self._turn = _Turn(loop=loop)
            loop.call_soon(self._end_turn)
        self._tenants.append(tenant)
        self._records.append(record)
        return turn

    def close(self) -> None:
        """What was appended stays."""
        self._end_turn()
        self._map.close()
        os.close(self._file)

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        tenants, self._tenants = self._tenants, []
        records, self._records = self._records, []
        try:
            for part in parts_of(records):
                self._keep(tenants[part], records[part])
            if self._durable:
                self._sync()
        except Exception as error:  # whatever it is, it is theirs who wait
            turn.set_exception(error)
            turn.exception()  # heard of, even where all who wait are gone
        else:
            turn.set_result(None)
        self._told()

    def _keep(self, tenants: Sequence[int], records: Sequence[bytes]) -> None:
        if len(records) == 1:
            plain = _tenant.pack(tenants[0]) + records[0]
        else:
            plain = _tenant.pack(_SEVERAL) + joined(tenants, records)
        size = _FRAME_BYTES + len(plain)
        if self._end + size > self._room:
            self._make_room(size)
        nonce = (self._last + 1).to_bytes(_NONCE_BYTES, "big")
        sealed = self._encrypt(nonce, plain, None)
        start, end = self._end, self._end + size
        self._map[start + _length.size : end] = sealed
        _length.pack_into(self._map, start, len(sealed))
        self._end, self._last = end, self._last + len(records)
        self.fresh.put(tenants, records)

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

    def _sync(self) -> None:
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise _complaint(error) from error


class Spooled:
    """The reading end of a place, in any process: it remembers how far it has read. `fresh` are
    the records that need not be read from the file."""

    def __init__(self, folder: Path, place: int, key: bytes) -> None:
        self._folder, self._place, self._key = folder, place, key
        self.fresh: Fresh | None = None
        self._at = (Path(), 0, 0)
        """The segment, the number of its next record, and where that begins."""

    def rows(self, after: int, count: int) -> Sequence[Row]:
        """The next records behind one, `count` or some more; fewer where there are no more. Raises
        Fault for one that was changed."""
        rows: list[Row] = []
        for segment, following in zip_longest(found := self._segments(), found[1:]):
            if following and following.first <= after + 1:
                continue
            if segment.first > after + 1:
                self._tell_missing(after + 1, segment.first - 1)
            some = self._read(segment, after, count - len(rows))
            rows += some
            after = rows[-1][0] if rows else after
            if len(rows) >= count:
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
            sealed = data[offset + _length.size : end]
            some = _opened(cipher, number, sealed)
            if some is None:
                if sealed[-1:] == b"\0" and not data[end:].strip(b"\0"):
                    break  # what a power cut leaves
                raise _changed(number, segment)
            rows += some[max(after + 1 - number, 0) :]
            number, offset = number + len(some), end
            if len(rows) >= count:
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


def _opened(cipher: AESGCM, number: int, sealed: bytes) -> list[Row] | None:
    """The records of a frame."""
    try:
        plain = cipher.decrypt(number.to_bytes(_NONCE_BYTES, "big"), sealed, None)
    except InvalidTag:
        return None
    tenant, rest = _tenant.unpack_from(plain)[0], plain[_tenant.size :]
    if tenant != _SEVERAL:
        return [(number, tenant, rest)]
    return [(number + n, *one) for n, one in enumerate(zip(*parted(rest), strict=True))]


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
