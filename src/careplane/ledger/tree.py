"""The tree of one log as it is read from a store: roots, proofs and where leaves were lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from careplane.kernel.errors import NotFound
from careplane.ledger.merkle import proofs, tiles
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.spans import Node, Span, consistency, inclusion, nodes
from careplane.ledger.merkle.tiles import Hashes, Lost, Tile, TileReader
from careplane.storage.ports.ledger import Entry, LedgerStore, Loss


class Tree:
    """Reads tiles as they are needed. Raises Lost where a hash was lost, ValueError where the store
    lacks one that it should have."""

    def __init__(self, store: LedgerStore, losses: Sequence[Loss] = ()) -> None:
        self._store = store
        self.losses = losses
        self.known: dict[Node, bytes] = {}
        for loss in losses:
            self.known |= unpack(loss.known)

    async def root(self, size: int) -> bytes:
        """The root of the tree of the first leaves."""
        span = Span(0, size)
        return (await self._hashes([span])).span(span)

    async def frontier(self, size: int) -> Frontier:
        """What the tree can be continued from."""
        hashes = await self._hashes([Span(0, size)])
        return Frontier(size, tuple(map(hashes.node, nodes(Span(0, size)))))

    async def inclusion(self, number: int, size: int) -> proofs.Proof:
        """That a leaf is in the tree of the first `size` leaves. Raises Lost."""
        hashes = await self._hashes(inclusion(number, Span(0, size)))
        return proofs.inclusion_proof(number, size, hashes)

    async def consistency(self, old: int, size: int) -> proofs.Proof:
        """That the tree only grew."""
        spans = consistency(Span(0, old), size) if 0 < old < size else []
        return proofs.consistency_proof(old, size, await self._hashes(spans))

    async def bridge(self, olds: Iterable[int], size: int) -> dict[Node, bytes]:
        """The hashes that proofs from those trees to the tree of `size` are made of, as far as they
        were not lost."""
        found: dict[Node, bytes] = {}
        for old in olds:
            spans = consistency(Span(0, old), size) if 0 < old < size else []
            hashes = await self._hashes(spans)
            with contextlib.suppress(Lost):
                found |= {node: hashes.node(node) for span in spans for node in nodes(span)}
        return found

    async def edge(self, size: int) -> TileReader:
        """The tiles that are not full yet, one a level, to append to."""
        wanted = [tile for tile in edges(size) if tiles.width(tile, size)]
        return await self._reader(wanted)

    async def _hashes(self, spans: Iterable[Span]) -> Hashes:
        return Hashes(await self._reader(tiles.tiles_of(spans)), self.known)

    async def _reader(self, wanted: Iterable[Tile]) -> TileReader:
        rows = await self._store.tiles(wanted)
        return lambda tile: rows.get(tile, b"")


def edges(size: int) -> list[Tile]:
    """The last tile of each level."""
    found, level = [], 0
    while size >> tiles.HEIGHT * level:
        found.append(Tile(level, (size >> tiles.HEIGHT * level) // tiles.WIDTH))
        level += 1
    return found


def pack(known: Mapping[Node, bytes]) -> bytes:
    """Known hashes as a store keeps them."""
    return msgspec.msgpack.encode([(*node, one) for node, one in known.items()])


def unpack(data: bytes) -> dict[Node, bytes]:
    """The same back."""
    rows = msgspec.msgpack.decode(data, type=list[tuple[int, int, bytes]])
    return {Node(height, number): one for height, number, one in rows}


def place_now(number: int, losses: Sequence[Loss]) -> int:
    """Where the leaf stands that was given this number, perhaps before a loss. Raises NotFound
    for one that is gone."""
    holes: list[range] = []
    for loss in losses:
        if loss.kept <= number < loss.size:
            before = range(loss.kept, number)  # of these, those that were there came before it
            rank = len(before) - sum(len(_both(before, hole)) for hole in holes)
            if rank >= loss.again:
                raise NotFound(f"Leaf {number} was lost; an epoch leaf says so.")
            number = loss.size + 1 + rank
        holes = [_both(hole, range(loss.kept)) for hole in holes] + [range(loss.kept, loss.size)]
    return number


async def place_of(store: LedgerStore, tenant: int, t: int) -> int | None:
    """The number that the leaf of a version was given; None where it has none."""
    return (await store.places(tenant, [t])).get(t)


async def entry_of(store: LedgerStore, tenant: int, t: int) -> Entry | None:
    """The leaf of a version; None where it has none, or it was lost."""
    number = await place_of(store, tenant, t)
    if number is None:
        return None
    try:
        now = place_now(number, await store.losses())
    except NotFound:
        return None
    rows = await store.entries(now, 1)
    return rows[0][1] if rows and rows[0][0] == now else None


def _both(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
