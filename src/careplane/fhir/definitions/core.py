"""The conformance resources of R4 core 4.0.1, whole: StructureDefinition with snapshot, ValueSet,
CodeSystem, ConceptMap (5 Conformance Layer).

They lie in one file that `make generate` writes, without narratives and mappings: blocks of JSON,
each compressed by itself, and an index at the end. The file is mapped into memory, so processes
share it; nothing is read before the first question, and little is kept after it.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from careplane.fhir.tree import Tree

TYPES = ("StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap")
FILE = Path(__file__).parents[1] / "generated" / "core.bin"
MAGIC = b"CAREPL01"
FOOTER = struct.Struct("<QQQ")
"""Where the index begins, how long it is, how long the table of uses after it is."""

_BLOCKS = 2
_TREES = 32
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class Place(NamedTuple):
    """Where one artifact lies, and what a list of artifacts says about it."""

    block: int
    """Where its block begins in the file."""
    size: int
    """How many bytes the block has there."""
    start: int
    length: int
    version: str
    name: str
    title: str
    status: str
    of: str
    """The type that a StructureDefinition is about; empty for other artifacts."""
    kind: str
    """See `describe.kind`."""


class Artifacts:
    """A file of artifacts. Raises RuntimeError for one of another form."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        if self._data[: len(MAGIC)] != MAGIC:
            raise RuntimeError(f"{file.name} is not a file of artifacts: run `make generate`")
        self._block = lru_cache(_BLOCKS)(self._expand)
        self._tree = lru_cache(_TREES)(self._decode)

    def artifact(self, type: str, url: str) -> Tree | None:
        """The shared tree of an artifact, or None."""
        place = self.index.get(type, {}).get(url)
        return self._tree(place) if place else None

    def raw(self, place: Place) -> bytes:
        """The JSON of an artifact."""
        return self._block(place.block, place.size)[place.start : place.start + place.length]

    @cached_property
    def index(self) -> Mapping[str, Mapping[str, Place]]:
        """Type -> canonical URL -> place, both in order."""
        start, size, _ = self._footer()
        rows: dict[str, list[list[Any]]] = msgspec.json.decode(self._expand(start, size))
        return {type: {row[0]: Place(*row[1:]) for row in group} for type, group in rows.items()}

    def used_by(self, url: str) -> Sequence[tuple[str, str]]:
        """The artifacts that refer to a URL, as pairs of type and URL."""
        return tuple(self._names[number] for number in self._users.get(url, ()))

    @cached_property
    def _names(self) -> Sequence[tuple[str, str]]:
        return tuple((type, url) for type, group in self.index.items() for url in group)

    @cached_property
    def _users(self) -> Mapping[str, Sequence[int]]:
        start, size, more = self._footer()
        users: dict[str, list[int]] = msgspec.json.decode(self._expand(start + size, more))
        return users

    def _footer(self) -> tuple[int, int, int]:
        start, size, more = FOOTER.unpack(self._data[-FOOTER.size :])
        return start, size, more

    def _expand(self, start: int, size: int) -> bytes:
        import zstandard  # on first use only

        expanded: bytes = zstandard.decompress(self._data[start : start + size])
        return expanded

    def _decode(self, place: Place) -> Tree:
        tree: Tree = _decoder.decode(self.raw(place))
        return tree


@cache
def r4() -> Artifacts:
    """The file of R4, opened once."""
    return Artifacts(FILE)


def artifact(type: str, url: str) -> Tree | None:
    """The resource of this type with this canonical URL, given without version; None where R4 has
    none. It is shared: do not change it."""
    return r4().artifact(type, url)


def urls(type: str) -> Sequence[str]:
    """The canonical URLs of all artifacts of a type, sorted."""
    return tuple(r4().index.get(type, ()))
