"""Chunks of PNG (ISO/IEC 15948): Exif is cleaned, XMP and raw profiles of other programs go."""

from __future__ import annotations

import zlib
from typing import Final

from careplane.kernel.pictures import jpeg, tiff

_HEAD, _AROUND = 8, 12
_TEXTS: Final = (b"iTXt", b"tEXt", b"zTXt")
_PROFILES: Final = (b"XML:com.adobe.xmp\0", b"Raw profile type ")


def cleaned(data: bytes) -> bytes | None:
    """Without metadata of a place; None where the chunks cannot be followed to the end."""
    kept, at = [data[:_HEAD]], _HEAD
    while at + _AROUND <= len(data):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + _AROUND + length
        if end > len(data):
            return None
        body = data[at + 8 : at + 8 + length]
        if name == b"eXIf":
            kept += _exif(body)
        elif not (name in _TEXTS and body.startswith(_PROFILES)):
            kept.append(data[at:end])
        if name == b"IEND":
            return b"".join((*kept, data[end:]))
        at = end
    return None


def _exif(body: bytes) -> list[bytes]:
    inner = tiff.cleaned(body, jpeg.bare)
    if inner is None:
        return []
    checked = b"eXIf" + inner
    return [len(inner).to_bytes(4) + checked + zlib.crc32(checked).to_bytes(4)]
