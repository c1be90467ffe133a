"""Photographs with all that tells where they were taken, made by their standards."""

from __future__ import annotations

import struct

PLACE = struct.pack(">6I", 48, 1, 8, 1, 2347, 100)
"""Degrees, minutes and seconds as rationals."""
SCAN = (
    b"\xff\xdb\0\x43\0" + b"\x10" * 64 + b"\xff\xc0\0\x0b\x08\0\x08\0\x08\1\1\x11\0"
    b"\xff\xc4\0\x14\0" + b"\1" + b"\0" * 16 + b"\xff\xda\0\x08\1\1\0\0?\0" + b"\xd2\xcf\xff\0\x20"
    b"\xff\xd0\x77"
)
"""Tables, a frame and a scan with a stuffed byte and a restart marker: what is of the picture."""


def entry(order: str, tag: int, kind: int, number: int, value: int) -> bytes:
    return struct.pack(f"{order}HHII", tag, kind, number, value)


def exif(order: str = ">", thumbnail: bytes = b"", note: bytes = b"") -> bytes:
    """Orientation, a maker's note, GPS, and perhaps a thumbnail."""
    head = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, 8)
    first, inner, gps = 8, 8 + 2 + 4 * 12 + 4, 8 + 2 + 4 * 12 + 4 + 2 + 12 + 4
    values = gps + 2 + 2 * 12 + 4
    second = values + len(PLACE) + len(note)
    picture = second + 2 + 2 * 12 + 4
    turned = entry(order, 0x0112, 3, 1, 6 << 16 if order == ">" else 6)
    return head + b"".join((
        struct.pack(f"{order}H", 4), turned, entry(order, 0x8769, 4, 1, inner),
        entry(order, 0x8825, 4, 1, gps), entry(order, 0x9003, 2, 1, 0),
        struct.pack(f"{order}I", second if thumbnail else 0),
        struct.pack(f"{order}H", 1),
        entry(order, 0x927C, 7, max(len(note), 5), values + len(PLACE) if note else values),
        struct.pack(f"{order}I", 0),
        struct.pack(f"{order}H", 2), entry(order, 1, 2, 2, 0x4E000000),
        entry(order, 2, 5, 3, values), struct.pack(f"{order}I", 0),
        PLACE, note,
        struct.pack(f"{order}H", 2) + entry(order, 0x0201, 4, 1, picture)
        + entry(order, 0x0202, 4, 1, len(thumbnail)) + struct.pack(f"{order}I", 0),
        thumbnail,
    ))[8 - first:]  # fmt: skip


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def jpeg(*segments: bytes, after: bytes = b"") -> bytes:
    return b"\xff\xd8" + b"".join(segments) + SCAN + b"\xff\xd9" + after


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
PROFILE = segment(0xE2, b"ICC_PROFILE\0\1\1profile")
ADOBE = segment(0xEE, b"Adobe\0d\0\0\0\0\1")
XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='48,8N'/>")
