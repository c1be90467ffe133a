"""Facts put by until their turn comes: a release says them in its own order, and a concept must be
written as a whole. They stand in files of neighbouring places, so that memory holds the facts of a
few thousand concepts at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from careplane.kernel.errors import Full, TooLarge
from careplane.terminology.loading.release import Fact

_BITS = 14
_BUFFER = 16 << 20
_LENGTH = 4
_MOST = 512 << 20
"""Bytes of the facts of neighbouring concepts; SNOMED CT has ten million."""
_MOST_OF_ALL = 32 << 30
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fact).decode


class FactShelves:
    """Facts of `size` concepts, in files of an empty folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._waiting = [bytearray() for _ in range((size >> _BITS) + 1)]
        self._sizes = [0] * len(self._waiting)
        self._held = self._size = 0

    def add(self, place: int, fact: Fact) -> None:
        """Put one by."""
        raw = _encode(fact)
        shelf = self._waiting[place >> _BITS]
        shelf += place.to_bytes(_LENGTH, "little")
        shelf += len(raw).to_bytes(_LENGTH, "little")
        shelf += raw
        self._held += len(raw) + 2 * _LENGTH
        self._sizes[place >> _BITS] += len(raw)
        self._size += len(raw)
        if self._sizes[place >> _BITS] > _MOST or self._size > _MOST_OF_ALL:
            raise TooLarge(f"The release says more about {fact.code[:100]} than can be loaded.")
        if self._held > _BUFFER:
            self._put_by()

    def taken(self) -> Iterator[tuple[range, dict[int, list[Fact]]]]:
        """Neighbouring places, in order, and their facts in the order in which they were added."""
        for number, waiting in enumerate(self._waiting):
            path = self._path(number)
            raw = (path.read_bytes() if path.exists() else b"") + waiting
            path.unlink(missing_ok=True)
            waiting.clear()
            yield range(number << _BITS, (number + 1) << _BITS), _read(raw)

    def _put_by(self) -> None:
        try:
            for number, waiting in enumerate(self._waiting):
                if waiting:
                    with self._path(number).open("ab") as file:
                        file.write(waiting)
                    waiting.clear()
        except OSError as error:
            raise Full(f"There is no room to sort the release: {error.strerror}.") from error
        self._held = 0

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.facts"


def _read(raw: bytes | bytearray) -> dict[int, list[Fact]]:
    found: dict[int, list[Fact]] = {}
    at, view = 0, memoryview(raw)
    while at < len(raw):
        place = int.from_bytes(view[at : at + _LENGTH], "little")
        start = at + 2 * _LENGTH
        at = start + int.from_bytes(view[at + _LENGTH : start], "little")
        found.setdefault(place, []).append(_decode(view[start:at]))
    return found
