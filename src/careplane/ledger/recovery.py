"""A log that is shorter than what it signed: it was restored from a backup, or the disk lied.

It must not sign a smaller tree. From the frontier of what was signed it goes on behind it: an epoch
leaf says what was lost, and leaves that are still here stand once more behind that. All the
checkpoints, before and after, are of one growing tree, and every witness can see so.
"""

from __future__ import annotations

from careplane.kernel.clock import Clock
from careplane.ledger.anchor import Anchor
from careplane.ledger.formats.checkpoint import Checkpoint
from careplane.ledger.formats.note import Note
from careplane.ledger.leaf import Kind, seal
from careplane.ledger.merkle import tiles
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.merkle.tiles import Tile
from careplane.ledger.tree import Tree, edges, pack
from careplane.storage.ports.ledger import Batch, Entry, LedgerStore, Loss

_AT_ONCE = 4_096


async def recovered(
    store: LedgerStore,
    anchor: Anchor,
    kept: Checkpoint | None,
    note: Note | None,
    clock: Clock,
) -> None:
    """Bring the log to behind the tree of the anchor. `kept` is the newest checkpoint that the
    store still knows, with its `note`: what it covers can be proven by it for ever."""
    size, signed = kept.size if kept else 0, anchor.frontier
    values: dict[str, str | int] = {
        "kept": size, "size": signed.size, "root": signed.root().hex(), "recorded": clock(),
    }  # fmt: skip
    epoch = seal(Kind.EPOCH, values, b"")
    entries = [Entry(epoch.entry, b""), *await _from(store, size)]
    before = Tree(store, await store.losses())
    known = anchor.known
    cut = await _cut(before, size)
    read = tiles.bridged(size, known, signed.size, lambda tile: cut.get(tile, b""))
    bridge = {tile: read(tile) for tile in edges(signed.size) if tiles.width(tile, signed.size)}
    hashes = [leaf_hash(entry.leaf) for entry in entries]
    grown = tiles.grow(signed.size, hashes, read, known)
    loss = Loss(size, signed.size, len(entries) - 1, pack(known), bytes(note) if note else b"")
    rows = list((cut | bridge | grown).items())
    await store.append(Batch(signed.size, entries, rows, loss=loss))


async def _from(store: LedgerStore, start: int) -> list[Entry]:
    found: list[Entry] = []
    while some := await store.entries(start, _AT_ONCE):
        found += [entry for _, entry in some]
        start = some[-1][0] + 1
    return found


async def _cut(tree: Tree, size: int) -> dict[Tile, bytes]:
    """The last tiles of the tree that is kept, without what stood behind it."""
    read = await tree.edge(size)
    wide = {tile: tiles.width(tile, size) for tile in edges(size)}
    return {tile: read(tile)[: count * 32] for tile, count in wide.items() if count}
