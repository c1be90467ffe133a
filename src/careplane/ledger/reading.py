"""What a log shows: receipts for those whom a leaf concerns, tiles and checkpoints for everybody
who may watch it (c2sp.org/tlog-tiles)."""

from __future__ import annotations

from careplane.kernel.errors import Busy, NotFound
from careplane.ledger.formats import checkpoint, layout, note
from careplane.ledger.formats.proof import Receipt
from careplane.ledger.formats.submission import Submission
from careplane.ledger.leaf import Opening
from careplane.ledger.log import COSIGNED, SIGNED
from careplane.ledger.merkle import tiles
from careplane.ledger.merkle.tiles import Lost, Tile
from careplane.ledger.stamps import STAMPS, unpack
from careplane.ledger.tree import Tree, place_now
from careplane.storage.ports.ledger import LedgerStore

_CLOSED, _OPENED = b"\x00", b"\x01"


class Reading:
    """A log as others see it. `cosigned`: only what witnesses have cosigned is shown in receipts.
    Needs no key and no lease."""

    def __init__(self, store: LedgerStore, *, cosigned: bool) -> None:
        self._store = store
        self._name = COSIGNED if cosigned else SIGNED

    async def receipt(self, number: int, opening: Opening | None = None) -> Receipt:
        """That a leaf is in the log, under the number that `append` gave it; with what it says
        where its `opening` is at hand. Raises NotFound where there is no such leaf, or it was lost;
        Busy where the next checkpoint will have it."""
        losses = await self._store.losses()
        tree, number = Tree(self._store, losses), place_now(number, losses)
        entry = await self._entry(number)
        if opening and opening.entry() != entry:
            raise NotFound("What was opened is not the leaf of that number.")
        extra = _OPENED + bytes(opening) if opening else _CLOSED + entry
        for signed in [await self._store.note(self._name), *(loss.checkpoint for loss in losses)]:
            if signed and number < checkpoint.parse(note.parse(signed).text).size:
                made = await _proven(tree, number, entry, note.parse(signed), extra)
                if made:
                    return made
        raise Busy("The leaf is in no checkpoint yet: try again in a few seconds.")

    async def growth(self, old: int) -> Submission:
        """That the newest checkpoint continues the tree of `old` leaves."""
        signed = note.parse(await self._newest())
        size = checkpoint.parse(signed.text).size
        if not 0 <= old <= size:
            raise NotFound(f"The newest checkpoint is of {size} leaves.")
        tree = Tree(self._store, await self._store.losses())
        try:
            return Submission(old, await tree.consistency(old, size), signed)
        except Lost as lost:
            raise NotFound(f"A proof from {old} leaves is not possible: {lost}") from None

    async def resource(self, path: str) -> bytes:
        """What stands at a path of tlog-tiles. Raises Malformed for another path, NotFound for what
        the newest checkpoint does not cover or was lost."""
        if path == layout.CHECKPOINT:
            return await self._newest()
        place = layout.parse(path)
        size = checkpoint.parse(note.parse(await self._newest()).text).size
        if place.width > tiles.width(Tile(place.level or 0, place.number), size):
            raise NotFound(f"The newest checkpoint does not cover {path}.")
        if place.level is None:
            return await self._bundle(place)
        key = (place.level, place.number)
        row = (await self._store.tiles([key])).get(key, b"")[: place.width * 32]
        hashes = {row[at : at + 32] for at in range(0, len(row), 32)}
        if len(row) < place.width * 32 or tiles.UNKNOWN in hashes:
            raise NotFound(f"{path} was lost; an epoch leaf says so.")
        return row

    async def stamped(self, name: str) -> bytes:
        """`DAY.tsr`, a time stamp, or `DAY.checkpoint`, what it is of. Raises NotFound."""
        day, _, what = name.rpartition(".")
        for stamp in unpack(await self._store.note(STAMPS)):
            if stamp.day == day and what in ("tsr", "checkpoint"):
                return stamp.response if what == "tsr" else stamp.checkpoint
        raise NotFound(f"There is no time stamp {name[:32]!r}.")

    async def days(self) -> list[str]:
        """The days that have a time stamp, the earliest first."""
        return [stamp.day for stamp in unpack(await self._store.note(STAMPS))]

    async def _bundle(self, place: layout.Place) -> bytes:
        start = place.number * tiles.WIDTH
        rows = await self._store.entries(start, place.width)
        if [number for number, _ in rows] != list(range(start, start + place.width)):
            raise NotFound(f"{place} was lost; an epoch leaf says so.")
        return layout.write_bundle(entry.leaf for _, entry in rows)

    async def _entry(self, number: int) -> bytes:
        rows = await self._store.entries(number, 1) if number >= 0 else []
        if not rows or rows[0][0] != number:
            raise NotFound(f"There is no leaf {number}.")
        return rows[0][1].leaf

    async def _newest(self) -> bytes:
        data = await self._store.note(SIGNED)
        if not data:
            raise NotFound("The log has no checkpoint yet.")
        return data


async def _proven(
    tree: Tree, number: int, entry: bytes, signed: note.Note, extra: bytes
) -> Receipt | None:
    size = checkpoint.parse(signed.text).size
    try:
        proof = await tree.inclusion(number, size)
    except Lost:
        return None
    return Receipt(number, proof, signed, extra)
