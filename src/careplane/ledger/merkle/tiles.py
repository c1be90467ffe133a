"""How the tree is kept: tiles of up to 256 hashes (C2SP tlog-tiles). Hash i of tile n at level l is
that of the complete subtree of 256**l leaves at position n * 256 + i.

A log that lost leaves knows of the lost part only some hashes of complete subtrees: `known`. In its
tiles the others are 32 zero bytes, which are no hash of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from careplane.ledger.merkle.hashes import EMPTY_ROOT, SIZE, node_hash
from careplane.ledger.merkle.spans import Node, Span, nodes

HEIGHT = 8
WIDTH = 1 << HEIGHT
UNKNOWN = bytes(SIZE)


class Tile(NamedTuple):
    """Where a tile stands."""

    level: int
    number: int


TileReader = Callable[[Tile], bytes]
"""The hashes of a tile, joined: as many as there are by now."""


class Lost(LookupError):
    """The hash stood in a part of the log that was lost."""


def width(tile: Tile, size: int) -> int:
    """How many hashes the tile has in a tree of `size`; 0 where there is no such tile."""
    return min(WIDTH, max(0, (size >> HEIGHT * tile.level) - tile.number * WIDTH))


def tiles_of(spans: Iterable[Span]) -> set[Tile]:
    """The tiles that hold what the hashes of these spans are computed from."""
    return {_place(node)[0] for span in spans for node in nodes(span)}


class Hashes:
    """Hashes of subtrees, computed from tiles. Raises Lost, and ValueError for a tile that is
    shorter than the tree."""

    def __init__(self, read: TileReader, known: Mapping[Node, bytes] | None = None) -> None:
        self._read = read
        self._known = known or {}

    def span(self, span: Span) -> bytes:
        """MTH(D[start:end])."""
        if span.end == span.start:
            return EMPTY_ROOT
        *left, root = [self.node(one) for one in nodes(span)]
        for one in reversed(left):
            root = node_hash(one, root)
        return root

    def node(self, node: Node) -> bytes:
        """The hash of a complete subtree."""
        if node in self._known:
            return self._known[node]
        tile, first, count = _place(node)
        row = self._read(tile)[first * SIZE : (first + count) * SIZE]
        if len(row) != count * SIZE and not self._known:
            raise ValueError(f"tile {tile.number} of level {tile.level} is shorter than the tree")
        return self.fold(row.ljust(count * SIZE, b"\0"), node)

    def fold(self, row: bytes, node: Node) -> bytes:
        """The hash of a subtree from the hashes of a tile's level below it."""
        if self._known:
            return self._patched(row, node)
        level = [row[at : at + SIZE] for at in range(0, len(row), SIZE)]
        while len(level) > 1:
            level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
        return level[0]

    def _patched(self, row: bytes, node: Node) -> bytes:
        """The same where hashes may be missing."""
        if node in self._known:
            return self._known[node]
        if len(row) == SIZE:
            if row == UNKNOWN:
                raise Lost(f"the hashes of leaves around {node.number << node.height} were lost")
            return row
        half, height, number = len(row) // 2, node.height - 1, 2 * node.number
        left = self._patched(row[:half], Node(height, number))
        return node_hash(left, self._patched(row[half:], Node(height, number + 1)))


def grow(
    size: int, leaves: Sequence[bytes], read: TileReader, known: Mapping[Node, bytes] | None = None
) -> dict[Tile, bytes]:
    """The tiles that change when these leaf hashes are appended to a tree of `size`. `read` is
    asked for the last tile of each level that has to be filled up."""
    hashes, changed, level, fresh = Hashes(read, known), {}, 0, list(leaves)
    while fresh:
        index, offset = divmod(size, WIDTH)
        above: list[bytes] = []
        while fresh:
            tile = Tile(level, index)
            row = _beginning(read, tile, offset) + b"".join(fresh[: WIDTH - offset])
            fresh = fresh[WIDTH - offset :]
            changed[tile] = row
            if len(row) == WIDTH * SIZE:
                above.append(hashes.fold(row, Node(HEIGHT * (level + 1), index)))
            index, offset = index + 1, 0
        size, level, fresh = size // WIDTH, level + 1, above
    return changed


def bridged(kept: int, known: Mapping[Node, bytes], size: int, read: TileReader) -> TileReader:
    """Tiles as they are in a tree of `size` of which all from leaf `kept` on was lost but the
    `known` hashes: read where leaves are appended to it."""

    def patched(tile: Tile) -> bytes:
        first = tile.number * WIDTH
        have = width(tile, kept)
        row = read(tile)[: have * SIZE] if have else b""
        height = HEIGHT * tile.level
        lost = range(first + have, first + width(tile, size))
        return row + b"".join(known.get(Node(height, at), UNKNOWN) for at in lost)

    return patched


def _beginning(read: TileReader, tile: Tile, offset: int) -> bytes:
    row = read(tile)[: offset * SIZE] if offset else b""
    if len(row) != offset * SIZE:
        raise ValueError(f"tile {tile.number} of level {tile.level} is shorter than the tree")
    return row


def _place(node: Node) -> tuple[Tile, int, int]:
    """The tile that holds a subtree's hash or what it is computed from: which, from where, how
    many hashes."""
    level, rest = divmod(node.height, HEIGHT)
    first = node.number << rest
    return Tile(level, first // WIDTH), first % WIDTH, 1 << rest
