"""Blocks of GIF 89a: XMP, comments and what other programs write beside the picture go; colours,
loops and the colour profile stay."""

from __future__ import annotations

from typing import Final

_HEAD: Final = 13
_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B
_COMMENT, _APPLICATION = 0xFE, 0xFF
_KEPT: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
_MOST_BLOCKS: Final = 5_000_000


def cleaned(data: bytes) -> bytes | None:
    """Without metadata of a place; None where the blocks cannot be followed to the end."""
    try:
        return _walked(data)
    except IndexError:
        return None


def _walked(data: bytes) -> bytes | None:
    at = _HEAD + _colours(data[10])
    kept = [data[:at]]
    while at < len(data):
        begin, kind = at, data[at]
        if kind == _END:
            return b"".join((*kept, data[at : at + 1]))
        if kind == _IMAGE:
            at = _after(data, at + 11 + _colours(data[at + 9]))
        elif kind == _EXTENSION:
            label, at = data[at + 1], _after(data, at + 2)
            name = data[begin + 3 : begin + 14]
            if label == _COMMENT or (label == _APPLICATION and name not in _KEPT):
                continue
        else:
            return None
        kept.append(data[begin:at])
    return None


def _colours(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after(data: bytes, at: int) -> int:
    """Behind a row of blocks, each with its length before it. Raises IndexError."""
    for _ in range(_MOST_BLOCKS):
        size = data[at]
        at += 1 + size
        if not size:
            return at
    raise IndexError
