"""The port to code systems that are too large to be one resource.

The store knows nothing of their meaning: a concept is a place in an order, a key to find it by, and
two texts of bytes; a posting is a name with the places that it is for. One set of numbers and
names is one version of one code system. It is filled out of sight and comes into sight as a whole;
from then on it never changes, so whatever was read of it may be kept. Raises `Busy`, `Full` or
`Fault`, and `Stale` where said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class Held(Struct, frozen=True):
    """One version of a code system. `number` is never given again; `head` is what the loader says
    of it as a whole; `count` is that of its concepts."""

    number: int
    url: str
    version: str
    head: bytes
    count: int


class Row(Struct, frozen=True):
    """One concept at its place, from 0. `key` is its own alone in its code system; `links` say what
    it stands beside, `body` what it is."""

    place: int
    key: str
    links: bytes
    body: bytes


class Posting(Struct, frozen=True):
    """Places in ascending order, as the loader packs them. A name may come in several parts, which
    are one behind the other in the order of `part`."""

    name: str
    part: int
    places: bytes


class TerminologyStore(Protocol):
    """All of an installation, for all tenants."""

    async def held(self) -> Sequence[Held]:
        """Those that are whole, in the order in which they became so."""

    async def begin(self, url: str, version: str) -> int:
        """The number of a new one, to be filled; what was begun for the same url and version and
        never finished is out of the way, as after `drop`."""

    async def put(self, number: int, rows: Sequence[Row], postings: Sequence[Posting]) -> None:
        """Add to one that was begun. Raises Stale where it is not there any more: somebody else
        began to load the same."""

    async def finish(self, number: int, head: bytes) -> None:
        """All of it is here: it comes into sight, and one that was there of the same url and
        version goes out of it. Raises Stale as `put`."""

    async def drop(self, number: int) -> bool:
        """Take one out of sight, finished or not; whether there was one. Whoever reads it by its
        number reads on until the next `sweep`."""

    async def sweep(self) -> None:
        """What is out of sight and is not being filled goes, in pieces: nobody waits for it
        long."""

    async def places(self, number: int, keys: Iterable[str]) -> Mapping[str, int]:
        """Where concepts stand; of those that there are."""

    async def keys(self, number: int, places: Iterable[int]) -> Mapping[int, str]:
        """The keys of concepts."""

    async def bodies(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        """What concepts are."""

    async def links(self, number: int, places: Iterable[int]) -> Mapping[int, bytes]:
        """What concepts stand beside."""

    async def rows(self, number: int, start: int, count: int) -> Sequence[Row]:
        """All of the concepts from a place on, in order."""

    async def postings(self, number: int, names: Iterable[str]) -> Mapping[str, bytes]:
        """Places by name, all parts joined; of those that there are."""

    async def names(self, number: int, prefix: str, after: str, limit: int) -> Sequence[str]:
        """The names that begin so, each once, in the order of their UTF-8, behind `after`."""

    async def close(self) -> None:
        """Let go of everything."""
