"""Proofs from tiles: which tiles to read, and the hashes of the proof."""

from __future__ import annotations

from careplane.ledger.merkle.spans import Span, consistency, inclusion
from careplane.ledger.merkle.tiles import Hashes

Proof = tuple[bytes, ...]


def inclusion_proof(index: int, size: int, hashes: Hashes) -> Proof:
    """PATH(index, D[size]) of RFC 9162 section 2.1.3."""
    return tuple(hashes.span(one) for one in inclusion(index, Span(0, size)))


def consistency_proof(old: int, size: int, hashes: Hashes) -> Proof:
    """PROOF(old, D[size]) of RFC 9162 section 2.1.4; empty from a tree without leaves."""
    if old in (0, size):
        return ()
    return subtree_proof(Span(0, old), size, hashes)


def subtree_proof(old: Span, size: int, hashes: Hashes) -> Proof:
    """That a subtree is a part of the tree of `size`."""
    return tuple(hashes.span(one) for one in consistency(old, size))
