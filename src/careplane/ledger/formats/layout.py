"""Where a log's resources are (c2sp.org/tlog-tiles), and bundles of entries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from careplane.kernel.errors import Malformed
from careplane.ledger.merkle.tiles import WIDTH

CHECKPOINT = "checkpoint"
LONGEST_ENTRY = 2**16 - 1
_HIGHEST = 63
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Place(NamedTuple):
    """A tile of hashes, or where `level` is None a bundle of entries; its width in a tree."""

    level: int | None
    number: int
    width: int = WIDTH

    def __str__(self) -> str:
        level = "entries" if self.level is None else self.level
        digits = f"{self.number:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        index = "/".join([*(f"x{one}" for one in groups[:-1]), groups[-1]])
        partial = f".p/{self.width}" if self.width != WIDTH else ""
        return f"tile/{level}/{index}{partial}"


def parse(path: str) -> Place:
    """A place from its path below the log's prefix. Raises Malformed."""
    found = _PATH.fullmatch(path)
    if not found:
        raise Malformed(
            "The path must be tile/LEVEL/INDEX or tile/entries/INDEX, perhaps .p/WIDTH."
        )
    level = None if found["level"] == "entries" else int(found["level"])
    width = int(found["width"] or WIDTH)
    index = int(re.sub(r"[x/]", "", found["index"]))
    place = Place(level, index, width)
    if (level or 0) > _HIGHEST or (found["width"] and width >= WIDTH) or str(place) != path:
        raise Malformed("The level, the width or the number of digits is not one that tiles have.")
    return place


def write_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each with its length in two bytes before it."""
    parts = []
    for one in entries:
        if len(one) > LONGEST_ENTRY:
            raise ValueError(f"an entry has at most {LONGEST_ENTRY} bytes")
        parts.append(len(one).to_bytes(2, "big") + one)
    return b"".join(parts)


def read_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises Malformed."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or start > len(data):
            raise Malformed(f"The bundle ends inside of its entry {len(entries)}.")
        entries.append(data[start:at])
        if len(entries) > WIDTH:
            raise Malformed(f"The bundle has more than {WIDTH} entries.")
    return entries
