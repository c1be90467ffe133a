"""Pieces: what is read at once and stored as one unit; and how a stream of NDJSON is cut.

A piece is a whole file (a Bundle or one resource), or up to `LINES` lines of NDJSON. Memory is
bounded by the largest piece, whatever a file claims.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from careplane.kernel.errors import Malformed, TooLarge

LINES = 1000
LARGEST = 256_000_000
LONGEST = LARGEST // 16
_MAGIC = b"\x1f\x8b"
_GZIP = 31
_STEP = 1 << 20

Format = Literal["json", "xml", "ndjson"]


class Piece(Struct, frozen=True):
    """Bytes to store as one unit. `origin` is where they are from, for people; `line` is the number
    of the first line, from 1, for NDJSON; `type` is what all resources must be, where that was
    said."""

    origin: str
    format: Format
    data: bytes
    line: int = 1
    type: str | None = None


class Cutter:
    """Cuts NDJSON that comes in any portions into pieces, always the same ones."""

    def __init__(self, origin: str, type: str | None = None) -> None:
        self._origin, self._type = origin, type
        self._begun: list[bytes] = []
        self._begun_size = 0
        self._kept: list[bytes] = []
        self._size, self._first, self._number = 0, 1, 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """More bytes; the pieces that are whole now. Raises TooLarge for a line without end."""
        at = 0
        while (end := data.find(b"\n", at) + 1) > 0:
            yield from self._line(data[at:end])
            at = end
        rest = data[at:]
        if rest:
            self._begun.append(rest)
            self._begun_size += len(rest)
            self._bound(self._begun_size)

    def end(self) -> Iterator[Piece]:
        """There is no more."""
        if self._begun:
            yield from self._line(b"")
        if self._kept:
            yield self._cut()

    def _line(self, tail: bytes) -> Iterator[Piece]:
        line = b"".join((*self._begun, tail))
        self._bound(len(line))
        self._begun, self._begun_size = [], 0
        self._number += 1
        self._kept.append(line)
        self._size += len(line)
        if len(self._kept) == LINES or self._size > LONGEST:
            yield self._cut()

    def _cut(self) -> Piece:
        data = b"".join(self._kept)
        piece = Piece(self._origin, "ndjson", data, self._first, self._type)
        self._kept, self._size, self._first = [], 0, self._number + 1
        return piece

    def _bound(self, size: int) -> None:
        if size > LONGEST:
            raise TooLarge(f"A line has more than {LONGEST // 1_000_000} MB.")


class Unpacker:
    """Gzip, known by its first bytes, or what is plain; in bounded portions."""

    def __init__(self) -> None:
        self._start = b""
        self._plain = False
        self._unpack: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """More bytes, unpacked. Raises Malformed."""
        if self._plain:
            yield data
            return
        if self._unpack is None:
            data = self._start + data
            if len(data) < len(_MAGIC):
                self._start = data
                return
            self._start = b""
            if not data.startswith(_MAGIC):
                self._plain = True
                yield data
                return
            self._unpack = zlib.decompressobj(_GZIP)
        yield from self._members(data)

    def end(self) -> bytes:
        """What is left. Raises Malformed where the gzip file is not whole."""
        if self._unpack is not None and not self._unpack.eof:
            raise Malformed("The file is no whole gzip file.")
        return self._start

    def _members(self, data: bytes) -> Iterator[bytes]:
        assert self._unpack is not None
        try:
            while data:
                if self._unpack.eof:  # another member follows (RFC 1952, 2.2)
                    self._unpack = zlib.decompressobj(_GZIP)
                yield self._unpack.decompress(data, _STEP)
                data = self._unpack.unused_data or self._unpack.unconsumed_tail
        except zlib.error:
            raise Malformed("The file is no whole gzip file.") from None
