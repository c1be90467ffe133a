"""Bodies in few bytes: zstd with a dictionary that was trained on synthetic R4 resources.

A body says which dictionary it needs. Dictionaries are numbered files, made by
`tools/train_dictionary.py`, and none is ever removed; new bodies use the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TypeAlias

import zstandard

Packable: TypeAlias = bytes | bytearray | memoryview
Packed: TypeAlias = tuple[int, bytes]
"""A body as it is kept, after the number of its dictionary."""
PLAIN = 0
SHORT = 64
"""Bodies below this many bytes are kept as they are."""
LEVEL = 3
MANY = 200


class Bodies:
    """Compresses and inflates, for one thread at a time."""

    def __init__(self) -> None:
        folder = files("careplane.storage") / "dictionaries"
        raw = {
            int(f.name[:4]): f.read_bytes() for f in folder.iterdir() if f.name.endswith(".zdict")
        }
        known = {number: zstandard.ZstdCompressionDict(data) for number, data in raw.items()}
        self._newest = max(known)
        known[self._newest].precompute_compress(level=LEVEL)
        self._compressor = zstandard.ZstdCompressor(
            LEVEL, dict_data=known[self._newest], write_checksum=False, write_dict_id=False
        )
        self._decompressors = {
            number: zstandard.ZstdDecompressor(dict_data=data) for number, data in known.items()
        }

    def pack(self, bodies: Sequence[bytes]) -> list[Packed]:
        """Each body with the number of its dictionary; 0 for one that is kept as it is."""
        long: list[Packable] = [body for body in bodies if len(body) >= SHORT]
        packed = iter(self._compressed(long))
        return [
            (PLAIN, body) if len(body) < SHORT else (self._newest, next(packed)) for body in bodies
        ]

    def _compressed(self, bodies: list[Packable]) -> list[bytes]:
        """Many in one call, which keeps Python's lock away from them but prepares itself anew."""
        if len(bodies) < MANY:
            return [self._compressor.compress(body) for body in bodies]
        parts = self._compressor.multi_compress_to_buffer(bodies)
        return [parts[n].tobytes() for n in range(len(parts))]

    def unpack(self, dictionary: int, body: bytes) -> bytes:
        """The body as it was."""
        return body if dictionary == PLAIN else self._decompressors[dictionary].decompress(body)
