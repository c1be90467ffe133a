"""A look through a whole log: is every leaf, every tile and every checkpoint what it was?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from careplane.kernel.errors import CareplaneError
from careplane.ledger.anchor import AnchorFile
from careplane.ledger.formats import keys, note
from careplane.ledger.leaf import Kind, kind_of, read
from careplane.ledger.log import COSIGNED, SIGNED, Identity, believed
from careplane.ledger.merkle import tiles
from careplane.ledger.merkle.hashes import SIZE, leaf_hash
from careplane.ledger.merkle.spans import Node
from careplane.ledger.merkle.tiles import Hashes, Lost, Tile
from careplane.ledger.tree import Tree, place_now
from careplane.storage.ports.ledger import LedgerStore, Loss

_MOST = 100
"""More damages than this are not told one by one."""


async def damages(store: LedgerStore, verifiers: list[keys.VerifierKey]) -> list[str]:
    """What is not as it was signed, in words; empty where all is well. `verifiers` are the keys of
    the log itself. Reads the store alone, so compare with the anchor too (`Log.open`)."""
    found: list[str] = []
    async for one in _damages(store, verifiers):
        found.append(one)
        if len(found) == _MOST:
            return [*found, "... and perhaps more"]
    return found


async def apart(store: LedgerStore, anchors: AnchorFile, identity: Identity) -> str:
    """What the anchor says, and the log does not, in words; empty where all is well."""
    try:
        anchor = await asyncio.to_thread(anchors.load)
        if anchor is None:
            signed = await store.note(SIGNED)
            return "The anchor of this log is missing: put its newest copy back." if signed else ""
        tree, size = Tree(store, await store.losses()), await store.size()
        return await _note(tree, bytes(anchor.signed), size, [k.verifier for k in identity.signers])
    except CareplaneError as error:
        return error.text


async def _damages(store: LedgerStore, verifiers: list[keys.VerifierKey]) -> AsyncIterator[str]:
    size = await store.size()
    tree = Tree(store, await store.losses())
    lost = [range(loss.kept, loss.size) for loss in tree.losses]
    for number in range(-(-size // tiles.WIDTH)):
        for damage in await _leaves(store, number, size, lost):
            yield damage
    level = 0
    while size >> tiles.HEIGHT * (level + 1):
        async for damage in _level(store, tree, level, size):
            yield damage
        level += 1
    for loss in tree.losses:
        if not await _told(store, tree, loss):
            yield f"Leaves {loss.kept} to {loss.size} are called lost, and no epoch leaf says so."
    behind = await store.entries(size, 1)
    size = await store.size()  # others may have appended since
    if behind and behind[0][0] >= size:
        yield f"There is a leaf {behind[0][0]}, behind the {size} of the log."
    for name in (SIGNED, COSIGNED):
        data = await store.note(name)
        if data and (wrong := await _note(tree, data, size, verifiers)):
            yield f"The checkpoint that was {name}: {wrong}"


async def _leaves(store: LedgerStore, number: int, size: int, lost: list[range]) -> list[str]:
    """Leaves of a tile against its hashes."""
    start = number * tiles.WIDTH
    width = tiles.width(Tile(0, number), size)
    rows = await store.entries(start, width)
    entries = {at: entry.leaf for at, entry in rows if at < start + width}
    row = (await store.tiles([(0, number)])).get((0, number), b"")
    found = []
    for at in range(start, start + width):
        offset = (at - start) * SIZE
        if at not in entries:
            if not any(at in one for one in lost):
                found.append(f"Leaf {at} is missing.")
        elif leaf_hash(entries[at]) != row[offset : offset + SIZE]:
            found.append(f"Leaf {at} is not the one that was logged.")
        elif not _is_leaf(entries[at]):
            found.append(f"Leaf {at} is of no known form.")
    return found


async def _level(store: LedgerStore, tree: Tree, level: int, size: int) -> AsyncIterator[str]:
    """Full tiles of a level against the hashes above them."""
    for number in range(size >> tiles.HEIGHT * (level + 1)):
        above = Tile(level + 1, number // tiles.WIDTH)
        rows = await store.tiles([(level, number), above])
        offset = number % tiles.WIDTH * SIZE
        stated = rows.get(above, b"")[offset : offset + SIZE]
        row = rows.get((level, number), b"")
        if stated == tiles.UNKNOWN or (tree.known and len(stated) < SIZE):
            continue  # it was lost
        try:
            made = Hashes(lambda _: b"", tree.known).fold(
                row.ljust(tiles.WIDTH * SIZE, b"\0"), Node(tiles.HEIGHT * (level + 1), number)
            )
        except Lost:
            continue
        if made != stated:
            yield f"Tile {number} of level {level} is not the one that was signed."


async def _told(store: LedgerStore, tree: Tree, loss: Loss) -> bool:
    """Whether the epoch leaf of a loss says what the store says."""
    try:
        rows = await store.entries(place_now(loss.size, tree.losses), 1)
        if kind_of(rows[0][1].leaf) is not Kind.EPOCH:
            return False
        told = read(Kind.EPOCH, rows[0][1].leaf[2:])
        root = (await tree.root(loss.size)).hex()
    except (CareplaneError, LookupError, ValueError):
        return False
    return (told["kept"], told["size"], told["root"]) == (str(loss.kept), str(loss.size), root)


async def _note(tree: Tree, data: bytes, size: int, verifiers: list[keys.VerifierKey]) -> str:
    """What is wrong with a stored checkpoint, in words."""
    try:
        head = believed(note.parse(data), verifiers)
        if head.size > size:
            return f"it is of {head.size} leaves, and there are {size}."
        if await tree.root(head.size) != head.root:
            return "its root is not that of the leaves."
    except (CareplaneError, LookupError, ValueError) as error:
        return str(error)
    return ""


def _is_leaf(entry: bytes) -> bool:
    try:
        kind_of(entry)
    except CareplaneError:
        return False
    return True
