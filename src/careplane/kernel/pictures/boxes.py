"""Boxes of films (ISO/IEC 14496-12, QuickTime): what may tell the place is blanked where it stands,
so that no offset moves.

User data (`udta`: `©xyz`, `loci`), metadata (`meta`: keys of Apple), boxes of others (`uuid`: XMP)
and free room become free room of zeros, in the film and in its tracks. Tracks of metadata, in which
cameras write where they are as they film, go with their samples. Turning and times stay in headers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_BLANKED: Final = frozenset({b"udta", b"meta", b"uuid", b"XMP_", b"free", b"skip"})
_WITHIN: Final = {
    b"": frozenset({b"moov", b"moof"}),
    b"moov": frozenset({b"trak"}),
    b"moof": frozenset({b"traf"}),
}
_METADATA: Final = b"meta"
_MOST_BOXES, _MOST_SAMPLES = 20_000, 2_000_000


class _Box(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


class _Lost(Exception):
    """It cannot be followed."""


def cleaned(data: bytes) -> bytes | None:
    """Without what tells the place, as long as before; None where it cannot be followed."""
    try:
        holes = list(_holes(data, b"", 0, len(data), [_MOST_BOXES]))
    except (_Lost, struct.error):
        return None
    if not any(data.count(0, at, end) < end - at for _, at, end in holes):
        return data
    out = bytearray(data)
    for kind_at, at, end in holes:
        if kind_at is not None:
            out[kind_at : kind_at + 4] = b"free"
        out[at:end] = bytes(end - at)
    return bytes(out)


_Hole = tuple[int | None, int, int]
"""Where the type of a box stands that is blanked, if it is one; from where to where zeros go."""


def _holes(data: bytes, parent: bytes, at: int, end: int, left: list[int]) -> Iterator[_Hole]:
    boxes = _boxes(data, at, end, left)
    is_in_pieces = any(one.kind == b"moof" for one in boxes)
    for box in boxes:
        if box.kind == b"cmov":
            raise _Lost
        if box.kind in _BLANKED:
            yield box.start + 4, box.body, box.end
        elif box.kind == b"trak" and _handler(data, box, left) == _METADATA:
            yield box.start + 4, box.body, box.end
            yield from _samples(data, box, left)
        elif box.kind in _WITHIN.get(parent, ()):
            if is_in_pieces and box.kind == b"moov" and _has_metadata(data, box, left):
                raise _Lost  # the samples of pieces stand elsewhere
            yield from _holes(data, box.kind, box.body, box.end, left)


def _boxes(data: bytes, at: int, end: int, left: list[int]) -> list[_Box]:
    """Those that stand side by side. Raises _Lost where they do not fill the room."""
    found = []
    while at + 8 <= end:
        left[0] -= 1
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if size == 0 else at + size
        if left[0] < 0 or stop < body or stop > end:
            raise _Lost
        found.append(_Box(kind, at, body, stop))
        at = stop
    if any(data[at:end]):  # QuickTime ends some lists with four zeros
        raise _Lost
    return found


def _below(data: bytes, box: _Box, left: list[int], *path: bytes) -> _Box | None:
    for kind in path:
        inner = _boxes(data, box.body, box.end, left)
        found = next((one for one in inner if one.kind == kind), None)
        if found is None:
            return None
        box = found
    return box


def _handler(data: bytes, track: _Box, left: list[int]) -> bytes:
    box = _below(data, track, left, b"mdia", b"hdlr")
    return b"" if box is None else data[box.body + 8 : box.body + 12]


def _has_metadata(data: bytes, film: _Box, left: list[int]) -> bool:
    tracks = (one for one in _boxes(data, film.body, film.end, left) if one.kind == b"trak")
    return any(_handler(data, one, left) == _METADATA for one in tracks)


def _samples(data: bytes, track: _Box, left: list[int]) -> Iterator[_Hole]:
    """Where the samples of a track stand, a chunk each."""
    table = _below(data, track, left, b"mdia", b"minf", b"stbl")
    if table is None:
        raise _Lost
    boxes = {one.kind: one for one in _boxes(data, table.body, table.end, left)}
    if not {b"stsc", b"stsz"} <= boxes.keys() or not {b"stco", b"co64"} & boxes.keys():
        raise _Lost
    alike, count = struct.unpack_from(">II", data, boxes[b"stsz"].body + 4)
    if count > _MOST_SAMPLES:
        raise _Lost
    sizes = [alike] * count if alike else _numbers(data, boxes[b"stsz"].body + 12, count, "I")
    wide = b"co64" in boxes
    offsets_at = boxes[b"co64" if wide else b"stco"].body + 4
    (chunks,) = struct.unpack_from(">I", data, offsets_at)
    offsets = _numbers(data, offsets_at + 4, chunks, "Q" if wide else "I")
    (runs,) = struct.unpack_from(">I", data, boxes[b"stsc"].body + 4)
    run = _numbers(data, boxes[b"stsc"].body + 8, runs * 3, "I")
    per_chunk = dict(zip(run[::3], run[1::3], strict=True))
    done, each = 0, 0
    for number, offset in enumerate(offsets, 1):
        each = per_chunk.get(number, each)
        size = sum(sizes[done : done + each])
        done += each
        if offset + size > len(data):
            raise _Lost
        yield None, offset, offset + size


def _numbers(data: bytes, at: int, count: int, kind: str) -> tuple[int, ...]:
    if count > _MOST_SAMPLES * 3:
        raise _Lost
    return struct.unpack_from(f">{count}{kind}", data, at)
