"""The root of a growing tree from a few hashes: those of the complete subtrees it is made of.

With it a log that lost its leaves can still go on from what it signed (decision 0030).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.ledger.merkle.hashes import EMPTY_ROOT, SIZE, node_hash
from careplane.ledger.merkle.spans import Node, Span, nodes


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves; `hashes` are of `spans.nodes` of it, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} has another number of complete subtrees")
        if any(len(one) != SIZE for one in self.hashes):
            raise ValueError(f"a hash has {SIZE} bytes")

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The tree with more leaf hashes at its end."""
        size, hashes = self.size, list(self.hashes)
        for one in leaves:
            carry = size
            while carry & 1:
                one = node_hash(hashes.pop(), one)
                carry >>= 1
            hashes.append(one)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """MTH of the tree."""
        if not self.hashes:
            return EMPTY_ROOT
        *left, root = self.hashes
        for one in reversed(left):
            root = node_hash(one, root)
        return root

    def nodes(self) -> dict[Node, bytes]:
        """Where each hash stands in the tree."""
        return dict(zip(nodes(Span(0, self.size)), self.hashes, strict=True))
