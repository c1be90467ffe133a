"""Which parts of a tree proofs are made of, by position alone.

A `Span` is a subtree as draft-ietf-plants-merkle-tree-certs section 4.1 has it: leaves
`start <= i < end`, `start` a multiple of the smallest power of two that is not below `end - start`.
A `Node` is a complete one: the `number`-th run of `2**height` leaves.
"""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Leaves from `start` to before `end`."""

    start: int
    end: int


class Node(NamedTuple):
    """Leaves from `number << height` to before `(number + 1) << height`."""

    height: int
    number: int


def is_span(start: int, end: int) -> bool:
    """Whether some tree has a subtree of just these leaves."""
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def nodes(span: Span) -> list[Node]:
    """The complete subtrees that a span is made of, the largest and leftmost first."""
    found, at, left = [], span.start, span.end - span.start
    while left:
        height = left.bit_length() - 1
        found.append(Node(height, at >> height))
        at += 1 << height
        left -= 1 << height
    return found


def inclusion(index: int, span: Span) -> list[Span]:
    """PATH(index, D[span]): the siblings from the leaf up."""
    if not span.start <= index < span.end:
        raise ValueError(f"leaf {index} is not among leaves {span.start} to {span.end - 1}")
    start, end = span
    path = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(start, middle))
            start = middle
    return path[::-1]


def consistency(old: Span, size: int) -> list[Span]:
    """SUBTREE_PROOF(old, D[size]), which is PROOF of RFC 9162 section 2.1.4 where `old` starts at
    0: what proves to somebody who knows the hash of `old` that it is a part of the tree."""
    if not is_span(*old) or old.end > size:
        raise ValueError(f"leaves {old.start} to {old.end} are no subtree of a tree of {size}")
    path, (first, last), known = [], old, True
    start, end = 0, size
    while (first, last) != (start, end):
        middle = start + _split(end - start)
        if last <= middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(start, middle))
            start = middle
            if first < middle:
                first, known = middle, False
    return ([] if known else [Span(start, end)]) + path[::-1]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
