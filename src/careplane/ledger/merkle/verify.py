"""Verification of proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2; subtrees as in
draft-ietf-plants-merkle-tree-certs section 4). Every function answers with yes or no: a proof that
is too long, too short or not made of hashes proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from careplane.ledger.merkle.hashes import EMPTY_ROOT, SIZE, node_hash
from careplane.ledger.merkle.spans import Span, is_span

MOST_HASHES = 64
"""More than a proof in a tree of 2**63 leaves has."""


def includes(index: int, leaf: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the leaf hash is that of leaf `index` of the tree."""
    return subtree_includes(index, leaf, Span(0, size), root, proof)


def subtree_includes(
    index: int, leaf: bytes, span: Span, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the leaf hash is that of leaf `index`, given the hash of a subtree."""
    if not is_span(*span) or not span.start <= index < span.end or not _hashes(leaf, root, *proof):
        return False
    at, last = index - span.start, span.end - span.start - 1
    made = leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            made = node_hash(one, made)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            made = node_hash(made, one)
        at, last = at >> 1, last >> 1
    return last == 0 and made == root


def consistent(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `old` leaves is the beginning of the tree of `size`. The tree without
    leaves begins every tree."""
    if old == 0:
        beginning = old_root == EMPTY_ROOT and not proof
        return beginning and (_hashes(root) if size > 0 else root == EMPTY_ROOT)
    return subtree_consistent(Span(0, old), old_root, size, root, proof)


def subtree_consistent(
    span: Span, node: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the subtree with the hash `node` is a part of the tree of `size`. One without leaves
    is, whatever the tree."""
    if 0 <= span.start == span.end <= size:
        return node == EMPTY_ROOT and not proof
    if not is_span(*span) or span.end > size or not _hashes(*proof):
        return False
    first, at, last = span.start, span.end - 1, size - 1
    while first != at and (at == last or at & 1):
        first, at, last = first >> 1, at >> 1, last >> 1
    rest = list(proof)
    if first == at:  # the subtree is complete, or the tree's right side: its hash is on the path
        old = made = node
    elif rest:
        old = made = rest.pop(0)
    else:
        return False
    for one in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            if first < at:
                old = node_hash(one, old)
            made = node_hash(one, made)
            while at and not at & 1:
                first, at, last = first >> 1, at >> 1, last >> 1
        else:
            made = node_hash(made, one)
        first, at, last = first >> 1, at >> 1, last >> 1
    return last == 0 and old == node and made == root


def _hashes(*values: bytes) -> bool:
    return len(values) <= MOST_HASHES + 2 and all(len(one) == SIZE for one in values)
