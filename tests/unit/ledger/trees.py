"""The tree by its definition (RFC 9162 section 2.1), word for word and slow: what the fast one is
compared with."""

from __future__ import annotations

from hashlib import sha256

from careplane.ledger.merkle.tiles import Tile, TileReader, grow


def mth(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    return subproof(m, entries, True)


def subproof(m: int, entries: list[bytes], known: bool) -> list[bytes]:
    if m == len(entries):
        return [] if known else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], known), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % n for n in range(count)]


class Kept:
    """Tiles in a dictionary, filled by appends."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[Tile, bytes] = {}
        self.read: TileReader = lambda tile: self.tiles.get(tile, b"")

    def append(self, leaves: list[bytes]) -> None:
        self.tiles |= grow(self.size, leaves, self.read)
        self.size += len(leaves)
