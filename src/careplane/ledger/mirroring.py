"""A verified copy of a log of others: its leaves and tiles, as files at the paths of tlog-tiles.

Every leaf is hashed, and the tree must be that of the checkpoint, and a continuation of the tree
that the copy had. What does not hold is not put into the copy; the checkpoint that was signed over
it is kept beside as evidence.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from careplane.kernel import files
from careplane.kernel.errors import Conflict
from careplane.ledger.formats import checkpoint, keys, layout, note
from careplane.ledger.formats.layout import Place
from careplane.ledger.log import believed
from careplane.ledger.merkle import tiles
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import SIZE, leaf_hash
from careplane.ledger.merkle.tiles import Tile

Fetch = Callable[[str], Awaitable[bytes]]
"""What stands at a path of the log. Raises NotFound, Busy."""
EVIDENCE = "checkpoint.refused"
_ASIDE = ".fresh"


async def mirrored(
    fetch: Fetch, folder: Path, verifiers: Sequence[keys.VerifierKey]
) -> checkpoint.Checkpoint:
    """Bring the copy to the log's newest checkpoint. Raises Fault for a checkpoint that the log did
    not sign, Conflict where the log was rewritten or rolled back."""
    signed = note.parse(await fetch(layout.CHECKPOINT))
    head = believed(signed, verifiers)
    before = _before(folder, verifiers)
    if before and head.size < before.size:
        raise _refused(folder, signed, f"shows {head.size} leaves, and {before.size} are here")
    folder.mkdir(parents=True, exist_ok=True)
    copy = _Copy(fetch, folder)
    await copy.to(head.size, before.size if before else 0)
    if before and copy.old != before.root:
        raise _refused(folder, signed, "does not continue the tree that is here")
    if copy.frontier.root() != head.root:
        raise _refused(folder, signed, "signed another tree than that of its leaves")
    await asyncio.to_thread(copy.keep)
    await asyncio.to_thread(files.replace, folder / layout.CHECKPOINT, bytes(signed))
    return head


class _Copy:
    """What is fetched and computed stands aside until it is known to be right. Leaves that are in
    the folder are read from there: the tree is hashed anew each time."""

    def __init__(self, fetch: Fetch, folder: Path) -> None:
        self._fetch, self._folder, self._aside = fetch, folder, folder / _ASIDE
        self.frontier, self.old = Frontier(), Frontier().root()
        self._edge: dict[Tile, bytes] = {}
        shutil.rmtree(self._aside, ignore_errors=True)

    async def to(self, size: int, old: int) -> None:
        """All leaves of a tree of `size`; `old` is the size of the tree that was here."""
        for number in range(-(-size // tiles.WIDTH)):
            width = tiles.width(Tile(0, number), size)
            entries = await self._bundle(str(Place(None, number, width)), width)
            hashes = [leaf_hash(one) for one in entries]
            start = number * tiles.WIDTH
            if start < old <= start + width:
                self.old = self.frontier.extend(hashes[: old - start]).root()
            await asyncio.to_thread(self._grow, start, hashes)
            self.frontier = self.frontier.extend(hashes)
        for tile, row in self._edge.items():
            self._stage(tile, row)

    async def _bundle(self, path: str, width: int) -> list[bytes]:
        there = self._folder / path
        here = there.exists()
        data = await asyncio.to_thread(there.read_bytes) if here else await self._fetch(path)
        entries = layout.read_bundle(data)
        if len(entries) != width:
            raise Conflict(f"{path} of the log has {len(entries)} leaves in the place of {width}.")
        if not here:
            _put(self._aside / path, data)
        return entries

    def _grow(self, start: int, hashes: Sequence[bytes]) -> None:
        self._edge |= tiles.grow(start, hashes, lambda tile: self._edge.get(tile, b""))
        for tile, row in list(self._edge.items()):
            if len(row) == tiles.WIDTH * SIZE:
                self._stage(tile, row)
                del self._edge[tile]

    def _stage(self, tile: Tile, row: bytes) -> None:
        path = str(Place(tile.level, tile.number, len(row) // SIZE))
        if not (self._folder / path).exists():
            _put(self._aside / path, row)

    def keep(self) -> None:
        """It is right: all of it takes its place."""
        for path in [one for one in self._aside.rglob("*") if one.is_file()]:
            target = self._folder / path.relative_to(self._aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        shutil.rmtree(self._aside, ignore_errors=True)


def _before(folder: Path, verifiers: Sequence[keys.VerifierKey]) -> checkpoint.Checkpoint | None:
    path = folder / layout.CHECKPOINT
    return believed(note.parse(path.read_bytes()), verifiers) if path.exists() else None


def _refused(folder: Path, signed: note.Note, why: str) -> Conflict:
    _put(folder / EVIDENCE, bytes(signed))
    return Conflict(f"The log {why}: it was changed. Its checkpoint is kept as {EVIDENCE}.")


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
