"""Chunks of WebP (RFC 9649): Exif is cleaned, XMP goes, the header says what is left."""

from __future__ import annotations

from typing import Final

from careplane.kernel.pictures import jpeg, tiff

_HEAD = 12
_EXIF_PREFIX: Final = b"Exif\0\0"
_HAS_EXIF, _HAS_XMP = 0x08, 0x04


def cleaned(data: bytes) -> bytes | None:
    """Without metadata of a place; None where the chunks cannot be followed to the end."""
    if data[:4] != b"RIFF" or data[8:_HEAD] != b"WEBP":
        return None
    whole = int.from_bytes(data[4:8], "little") + 8
    if whole > len(data):
        return None
    chunks: list[tuple[bytes, bytes]] = []
    at, has = _HEAD, whole < len(data)
    while at + 8 <= whole:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size
        if end > whole:
            return None
        body = data[at + 8 : end]
        at = end + size % 2
        has = has or name in (b"EXIF", b"XMP ")
        if name == b"EXIF":
            inner = tiff.cleaned(body.removeprefix(_EXIF_PREFIX), jpeg.bare)
            if inner is not None:
                chunks.append((name, inner))
        elif name != b"XMP ":
            chunks.append((name, body))
    if not has:
        return data
    there = {name for name, _ in chunks}
    written = b"".join(_chunk(name, _flags(name, body, there)) for name, body in chunks)
    return b"RIFF" + (len(written) + 4).to_bytes(4, "little") + b"WEBP" + written


def _flags(name: bytes, body: bytes, there: set[bytes]) -> bytes:
    """The extended header, which says whether there are Exif and XMP."""
    if name != b"VP8X" or not body:
        return body
    gone = _HAS_XMP | (0 if b"EXIF" in there else _HAS_EXIF)
    return bytes((body[0] & ~gone,)) + body[1:]


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)
