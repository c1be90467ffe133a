"""The Range header, for one range of bytes (RFC 9110, 14.2)."""

from __future__ import annotations

import re

from msgspec import Struct

_ONE = re.compile(rb"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})")


class Span(Struct, frozen=True):
    """Bytes [start, end)."""

    start: int
    end: int
    whole: bool = False


def span(header: bytes | None, size: int) -> Span | None:
    """What is asked for; all of it where that is no range that is known here (several ranges, other
    units); None where it lies outside."""
    found = _ONE.fullmatch(header.strip()) if header is not None else None
    if found is None or found.groups() == (b"", b""):
        return Span(0, size, whole=True)
    first, last = found.groups()
    if not first:  # the last so many bytes
        length = min(int(last), size)
        return Span(size - length, size) if length else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return Span(0, size, whole=True)  # not a range at all
    return Span(start, end) if start < size else None
