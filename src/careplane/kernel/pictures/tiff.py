"""Directories of TIFF 6.0, as Exif 2.32 has them (CIPA DC-008): blanked in place, so that no offset
moves and what is of the picture stays where it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

GPS, MAKER_NOTE = 0x8825, 0x927C
_DROPPED: Final = frozenset({GPS, MAKER_NOTE, 700, 33723, 34377})
"""The GPS directory, what the maker alone reads, XMP, IPTC, and Photoshop's resources."""
_INNER: Final = (0x8769, 0xA005, 330)
"""Tags that lead to more directories: Exif, interoperability, pictures within."""
_OFFSET, _LENGTH = 0x0201, 0x0202
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_ENTRY, _MOST_ENTRIES, _MOST_DIRECTORIES = 12, 1000, 64


Thumbnail = Callable[[bytes], bytes | None]
"""Takes what tells the place out of a JPEG within; None where it cannot."""


def cleaned(data: bytes, thumbnail: Thumbnail) -> bytes | None:
    """Without GPS and what else is dropped, as long as before; None where it cannot be followed."""
    out = bytearray(data)
    try:
        _Walk(out, thumbnail).run()
    except (struct.error, IndexError):
        return None
    return bytes(out)


class _Walk:
    """One file, changed in place. Raises struct.error or IndexError where it leads outside. What
    follows the last entry of a directory leads to another one in the chain from the header alone;
    of the directories within some cameras write other things there."""

    def __init__(self, data: bytearray, thumbnail: Thumbnail) -> None:
        self.data, self.clean = data, thumbnail
        order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
        if order is None or struct.unpack_from(f"{order}H", data, 2)[0] != 42:
            raise IndexError
        self.order = order
        self.left = [(int(struct.unpack_from(f"{order}I", data, 4)[0]), True)]
        self.seen: set[int] = set()

    def run(self) -> None:
        while self.left:
            at, chained = self.left.pop()
            if at == 0 or at in self.seen:
                continue
            self.seen.add(at)
            if len(self.seen) > _MOST_DIRECTORIES:
                raise IndexError
            self._directory(at, chained=chained)

    def _directory(self, at: int, *, chained: bool) -> None:
        (count,) = struct.unpack_from(f"{self.order}H", self.data, at)
        end = at + 2 + count * _ENTRY
        if count > _MOST_ENTRIES or end > len(self.data):
            raise IndexError
        kept = bytearray()
        thumbnail: dict[int, int] = {}
        for place in range(at + 2, end, _ENTRY):
            tag, kind, number = struct.unpack_from(f"{self.order}HHI", self.data, place)
            if tag in _DROPPED:
                self._blank(tag, kind, number, place)
                continue
            kept += self.data[place : place + _ENTRY]
            value = int(struct.unpack_from(f"{self.order}I", self.data, place + 8)[0])
            if tag in _INNER:
                self.left += [(one, False) for one in self._offsets(number, value)]
            if tag in (_OFFSET, _LENGTH):
                thumbnail[tag] = value
        self._write(at, kept, end, chained=chained)
        if len(thumbnail) == 2:
            self._thumbnail(thumbnail[_OFFSET], thumbnail[_LENGTH])

    def _write(self, at: int, kept: bytearray, end: int, *, chained: bool) -> None:
        """Entries that stay, moved together; what is left of the directory is zero."""
        next = bytes(self.data[end : end + 4]) if chained else b""
        if chained:
            self.left.append((int(struct.unpack(f"{self.order}I", next)[0]), True))
        struct.pack_into(f"{self.order}H", self.data, at, len(kept) // _ENTRY)
        filled = bytes(kept) + next
        room = end + len(next) - at - 2
        self.data[at + 2 : at + 2 + room] = filled + bytes(room - len(filled))

    def _offsets(self, number: int, value: int) -> list[int]:
        if number == 1:
            return [value]
        if number > _MOST_DIRECTORIES:
            raise IndexError
        return list(struct.unpack_from(f"{self.order}{number}I", self.data, value))

    def _blank(self, tag: int, kind: int, number: int, place: int) -> None:
        value = int(struct.unpack_from(f"{self.order}I", self.data, place + 8)[0])
        if tag == GPS:
            self._blank_directory(value)
        size = _SIZES.get(kind, 1) * number
        if tag != GPS and size > 4:
            self._zero(value, size)

    def _blank_directory(self, at: int) -> None:
        (count,) = struct.unpack_from(f"{self.order}H", self.data, at)
        if count > _MOST_ENTRIES or at + 2 + count * _ENTRY > len(self.data):
            raise IndexError
        for place in range(at + 2, at + 2 + count * _ENTRY, _ENTRY):
            _, kind, number = struct.unpack_from(f"{self.order}HHI", self.data, place)
            size = _SIZES.get(kind, 1) * number
            if size > 4:
                (value,) = struct.unpack_from(f"{self.order}I", self.data, place + 8)
                self._zero(int(value), size)
        self._zero(at, 2 + count * _ENTRY)

    def _zero(self, at: int, size: int) -> None:
        if at < 8 or at + size > len(self.data):
            raise IndexError
        self.data[at : at + size] = bytes(size)

    def _thumbnail(self, at: int, size: int) -> None:
        """A JPEG within, which may have an Exif of its own."""
        if at + size > len(self.data):
            raise IndexError
        inner = bytes(self.data[at : at + size])
        found = self.clean(inner) if inner.startswith(b"\xff\xd8") else inner
        if found is None or len(found) > size:
            raise IndexError
        self.data[at : at + size] = found + bytes(size - len(found))
