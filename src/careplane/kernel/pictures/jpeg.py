"""Segments of JPEG (ITU-T T.81, annex B): metadata that may tell the place go, the picture stays.

Kept of application segments are JFIF, a cleaned Exif, the colour profile and Adobe's colour
transform; all others, comments and what follows the end of the picture (further pictures, films of
the moment) go.
"""

from __future__ import annotations

import re
from typing import Final

from careplane.kernel.pictures import tiff

START: Final = b"\xff\xd8"
_EXIF: Final = b"Exif\0\0"
_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_MARKER: Final = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_KEPT: Final = {0xE0: (b"JFIF\0", b"JFXX\0"), 0xE2: (b"ICC_PROFILE\0",), 0xEE: (b"Adobe",)}
"""Application segments that say nothing of a place, by how they begin."""
_MOST_SEGMENTS = 10_000


def bare(data: bytes) -> bytes | None:
    """As `cleaned`, without any Exif: what a thumbnail within one is."""
    return _walked(data, keeps_exif=False)


def cleaned(data: bytes) -> bytes | None:
    """Without metadata of a place; None where the segments cannot be followed to the end."""
    return _walked(data, keeps_exif=True)


def _walked(data: bytes, *, keeps_exif: bool) -> bytes | None:
    if not data.startswith(START):
        return None
    kept, at = [START], len(START)
    for _ in range(_MOST_SEGMENTS):
        begin = at
        if at >= len(data) or data[at] != 0xFF:
            return None
        while at < len(data) and data[at] == 0xFF:
            at += 1
        marker = data[at] if at < len(data) else 0
        at += 1
        if marker == _END:
            return b"".join((*kept, data[begin:at]))
        if marker not in _ALONE:
            length = int.from_bytes(data[at : at + 2])
            if length < 2 or at + length > len(data):
                return None
            body, at = data[at + 2 : at + length], at + length
            if marker == _SCAN:
                found = _MARKER.search(data, at)
                if found is None:
                    return None
                at = found.start()
            elif marker == _COMMENT or 0xE0 <= marker <= 0xEF:
                kept += _segment(marker, body, keeps_exif=keeps_exif)
                continue
        kept.append(data[begin:at])
    return None


def _segment(marker: int, body: bytes, *, keeps_exif: bool) -> list[bytes]:
    """A segment of metadata as it stays; nothing where it goes."""
    if marker == 0xE1 and body.startswith(_EXIF) and keeps_exif:
        inner = tiff.cleaned(body[len(_EXIF) :], bare)
        if inner is None:
            return []
        body = _EXIF + inner
    elif not body.startswith(_KEPT.get(marker, ())):
        return []
    return [bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body]
