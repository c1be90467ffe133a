"""The port to the ledger's log: leaves, the tiles of its Merkle tree, and the notes about it.

What a leaf or a tile means is the ledger's business; here they are bytes at a number. Everything is
durable before the call returns. Raises `Busy`, `Full` or `Fault`, and `Stale` where said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

Place = tuple[int, int]
"""Level and number of a tile; level 0 has the hashes of leaves."""


class Entry(Struct, frozen=True):
    """A leaf. `salt` is secret, and empty once it was erased. `said` is its statement where that
    cannot be made again from the records; it holds nothing of a patient."""

    leaf: bytes
    salt: bytes
    said: bytes = b""


class Run(Struct, frozen=True):
    """Leaves from `number` on, `count` of them, are of the versions of a tenant from `t` on, one
    after the other. Numbers are those that were given first, see `Loss`."""

    tenant: int
    t: int
    number: int
    count: int


class Loss(Struct, frozen=True):
    """Leaves `kept` to before `size` were lost. Of these `again` stand once more, from `size + 1`
    on. `known` has what is still known of the tree of `size`; `checkpoint` is the note of the tree
    of `kept`, empty where that had no leaves."""

    kept: int
    size: int
    again: int
    known: bytes
    checkpoint: bytes


class Batch(Struct, frozen=True):
    """What is appended as one. `tiles` are whole, as they are afterwards. `marks` say up to where
    each source of leaves is in the log, for whoever moves them here exactly once; `since` where
    these must have been before. `runs` say which leaves are of which versions. With a `loss`, the
    log first forgets all from leaf `kept` on."""

    start: int
    entries: Sequence[Entry]
    tiles: Sequence[tuple[Place, bytes]]
    marks: Mapping[str, int] = {}
    loss: Loss | None = None
    since: Mapping[str, int] = {}
    runs: Sequence[Run] = ()
    notes: Mapping[str, bytes] = {}


class LedgerStore(Protocol):
    """One log."""

    async def size(self) -> int:
        """How many leaves there are: one more than the highest number."""

    async def append(self, batch: Batch) -> None:
        """All of it or nothing. Raises Stale where the log has not the size `start`, with a loss
        where it is not smaller than that; and where a mark is not where `since` says."""

    async def tiles(self, places: Iterable[Place]) -> Mapping[Place, bytes]:
        """Those of the tiles that there are."""

    async def entries(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """Leaves from `start` on, in order, each with its number."""

    async def erase(self, numbers: Iterable[int]) -> int:
        """Destroy the salts of leaves, so that no later look at the files brings them back; how
        many there were."""

    async def mark(self, source: str) -> int:
        """Up to where a source of leaves is in the log; 0 at first."""

    async def places(self, tenant: int, times: Sequence[int]) -> Mapping[int, int]:
        """The numbers that the leaves of versions were given, by `t`; of those that there are."""

    async def runs(self, tenant: int, after: int = 0, count: int = 1000) -> Sequence[Run]:
        """Which leaves are of which versions, in order of `t`: runs that begin above `after`."""

    async def losses(self) -> Sequence[Loss]:
        """What was lost, the earliest first."""

    async def note(self, name: str) -> bytes:
        """A note; empty where there is none."""

    async def put_note(self, name: str, data: bytes) -> None:
        """Keep a note in the place of the one of that name."""

    async def close(self) -> None:
        """Let go of everything."""
