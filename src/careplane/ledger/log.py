"""The log: leaves go in, in the order they come; checkpoints of what is durable come out.

Appends that wait at the same time are one transaction. A checkpoint is signed over what the store
has said is on the disk, and noted in the anchor before anybody sees it. One process runs a log, the
one that holds the lease; should there be two for a moment, no append is lost or made twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError, Conflict, Fault, Incorrect, Stale
from careplane.ledger.anchor import Anchor, AnchorFile
from careplane.ledger.formats import checkpoint, keys, note
from careplane.ledger.leaf import Sealed
from careplane.ledger.merkle import tiles
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.merkle.tiles import Tile
from careplane.ledger.moved import Moved, runs_of, together
from careplane.ledger.recovery import recovered
from careplane.ledger.tree import Tree, edges
from careplane.storage.ports.ledger import Entry, LedgerStore

SIGNED, COSIGNED = "signed", "cosigned"
_MOST_AT_ONCE = 1_024
"""Their hashes are made on the event loop: some 3 ms."""
_TRIES = 3
_EVERY_SECONDS = 0.6
"""Between checkpoints: with the rest of the follower, a leaf is in one within a second."""
_WATCHED = 16
"""Trees for which proofs outlive a loss, beside those that witnesses are known to know."""


class Cosigners(Protocol):
    """Who asks the witnesses."""

    def sizes(self) -> frozenset[int]:
        """The sizes of the trees that witnesses know, as far as is known here."""

    async def cosign(self, signed: note.Note, tree: Tree) -> note.Note | None:
        """The checkpoint with cosignatures, where there are as many as the policy wants. Raises
        Conflict where witnesses know a larger tree than this."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose log it is. The first signer's name is the origin; the others sign beside it."""

    signers: tuple[keys.Signer, ...]

    def __post_init__(self) -> None:
        wrong = [one for one in self.signers if one.kind not in keys.LOG_KINDS]
        if not self.signers or wrong or len({one.name for one in self.signers}) != 1:
            raise Incorrect("A log is signed by keys of its own name, Ed25519 or ML-DSA-44.")

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.signers[0].name

    def sign(self, frontier: Frontier, seconds: int) -> note.Note:
        """A checkpoint of a tree."""
        text = checkpoint.Checkpoint(self.origin, frontier.size, frontier.root()).text
        return note.Note(text, tuple(one.sign(text, seconds) for one in self.signers))

    def believe(self, signed: note.Note) -> checkpoint.Checkpoint:
        """A checkpoint that this log signed. Raises Fault for anything else."""
        return believed(signed, [one.verifier for one in self.signers])


def believed(signed: note.Note, verifiers: Sequence[keys.VerifierKey]) -> checkpoint.Checkpoint:
    """A checkpoint that the log with these keys signed. Raises Fault for anything else."""
    found = keys.verified(signed, verifiers)
    head = checkpoint.parse(signed.text)
    if not found or head.origin != found[0].key.name:
        raise Fault("The stored checkpoint is not signed by this log: it was changed.")
    return head


def _newest(sizes: frozenset[int]) -> frozenset[int]:
    return frozenset(sorted(sizes)[-_WATCHED:])


@dataclass(slots=True)
class _Waiting:
    leaves: Sequence[Sealed]
    moved: Moved
    done: asyncio.Future[int]


class Log:
    """One log. `open` before anything else. `witnessed`: receipts are of cosigned checkpoints, so
    after a loss only what those cover counts as kept."""

    def __init__(
        self,
        store: LedgerStore,
        anchors: AnchorFile,
        identity: Identity,
        clock: Clock,
        *,
        witnessed: bool,
    ) -> None:
        self.identity, self._witnessed = identity, witnessed
        self._store, self._anchors, self._clock = store, anchors, clock
        self._tree = Tree(store)
        self._frontier = Frontier()
        self._edge: dict[Tile, bytes] = {}
        self._anchor: Anchor | None = None
        self._waiting: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._signing = asyncio.Lock()
        self._halted = ""
        self._watched: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """How many leaves are durable, as far as this process knows."""
        return self._frontier.size

    @property
    def tree(self) -> Tree:
        """What proofs are made from."""
        return self._tree

    async def open(self) -> None:
        """Read where the log is, and compare it with what was signed. A log that is shorter than
        that has lost leaves: it gets an epoch leaf and goes on behind them. Raises Fault where the
        leaves are not those that were signed. Where the anchor is missing nothing is signed."""
        self._anchor = await asyncio.to_thread(self._anchors.load)
        await self._load()
        if cosigned := await self._store.note(COSIGNED):
            self._watched |= {checkpoint.parse(note.parse(cosigned).text).size}
        if self._anchor is None:
            if await self._store.note(SIGNED):
                self._halted = "The anchor of this log is missing: put its newest copy back."
            return
        head = self.identity.believe(self._anchor.signed)
        self._watched |= {*self._anchor.watched, head.size}
        head = await self._caught_up(head)
        if head.size > self.size:
            stored = note.parse(data) if (data := await self._kept()) else None
            kept = self.identity.believe(stored) if stored else None
            await self._same(kept)
            await recovered(self._store, self._anchor, kept, stored, self._clock)
            await self._load()
        await self._same(head)
        await self._store.put_note(SIGNED, bytes(self._anchor.signed))  # where it is not yet

    async def append(self, leaves: Sequence[Sealed], moved: Moved | None = None) -> int:
        """The number of the first of these leaves, which are durable then, one after the other.
        Raises Stale where a source is not where `moved` says it was."""
        if len(leaves) > _MOST_AT_ONCE:
            raise Incorrect(f"At most {_MOST_AT_ONCE:,} leaves are appended at once.")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._waiting.append(_Waiting(leaves, moved or Moved(), done))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush())
        return await done

    async def adopt(self) -> None:
        """Go on without the anchor, from what the store says was signed. For an operator who knows
        that the log is the newest there was: witnesses refuse it otherwise."""
        data = await self._store.note(SIGNED)
        head = self.identity.believe(note.parse(data)) if data else None
        await self._same(head)
        if head:
            self._anchor = Anchor(note.parse(data), await self._tree.frontier(head.size))
            await asyncio.to_thread(self._anchors.save, self._anchor)
        self._halted = ""

    async def close(self) -> None:
        """Finish what waits, and let go of the store."""
        if self._flushing:
            await self._flushing
        await self._store.close()

    async def sign(self) -> note.Note | None:
        """Sign what is durable by now; None where nothing is new. Raises Conflict where the log
        must not sign."""
        async with self._signing:
            if self._halted:
                raise Conflict(self._halted)
            frontier, last = self._frontier, self._anchor
            if frontier == (last.frontier if last else Frontier()):
                return None
            if last:
                await self._continues(last)
            signed = self.identity.sign(frontier, self._clock() // 1_000_000)
            bridge = await self._tree.bridge(self._watched, frontier.size)
            self._anchor = Anchor(signed, frontier, self._watched, bridge)
            await asyncio.to_thread(self._anchors.save, self._anchor)
            await self._store.put_note(SIGNED, bytes(signed))
            return signed

    async def cosign(self, witnesses: Cosigners) -> note.Note | None:
        """Have the newest checkpoint cosigned, if it is not; None where too few did."""
        signed, before = await self._store.note(SIGNED), await self._store.note(COSIGNED)
        if not signed or (before and note.parse(before).text == note.parse(signed).text):
            return None
        try:
            done = await witnesses.cosign(note.parse(signed), self._tree)
        except Conflict as error:
            self._halted = error.text
            raise
        finally:
            self._watched = _newest(self._watched) | witnesses.sizes()
        if done:
            await self._store.put_note(COSIGNED, bytes(done))
        return done

    async def run(self, witnesses: Cosigners | None = None, every: float = _EVERY_SECONDS) -> None:
        """Sign and have cosigned until cancelled. What can pass by is tried again; otherwise raises
        what `sign` and `cosign` do: an operator has to look."""

        async def signing() -> None:
            while True:
                with contextlib.suppress(Busy):
                    await self.sign()
                await asyncio.sleep(every)

        async def cosigning() -> None:
            while witnesses:
                with contextlib.suppress(Busy):
                    await self.cosign(witnesses)
                await asyncio.sleep(every)

        async with asyncio.TaskGroup() as group:
            group.create_task(signing())
            group.create_task(cosigning())

    async def _continues(self, last: Anchor) -> None:
        """The files may have been put back while this process runs."""
        signed = last.frontier.size
        if self.size < signed:
            raise Conflict(f"A checkpoint of {signed} leaves was signed, and here are {self.size}.")
        await self._same(last.checkpoint)

    async def _flush(self) -> None:
        while self._waiting:
            taken, count = [], 0
            while self._waiting and count + len(self._waiting[0].leaves) <= _MOST_AT_ONCE:
                taken.append(self._waiting.pop(0))
                count += len(taken[-1].leaves)
            try:
                first = await self._store_all(taken)
            except Exception as error:  # whatever it is, it is theirs who wait
                for one in taken:
                    if not one.done.done():
                        one.done.set_exception(error)
                continue
            for one in taken:
                if not one.done.done():
                    one.done.set_result(first)
                first += len(one.leaves)

    async def _store_all(self, taken: Sequence[_Waiting]) -> int:
        leaves = [leaf for one in taken for leaf in one.leaves]
        hashes = [leaf_hash(leaf.entry) for leaf in leaves]
        entries = [Entry(leaf.entry, leaf.salt, leaf.said) for leaf in leaves]
        moved = together([one.moved for one in taken])
        for _ in range(_TRIES):
            size = self.size
            changed = tiles.grow(size, hashes, lambda t: self._edge.get(t, b""), self._tree.known)
            try:
                runs = runs_of(leaves, size)
                await self._store.append(moved.batch(size, entries, list(changed.items()), runs))
            except Stale:
                await self._load()  # another process appended
                continue
            except Exception:
                await self._load()  # it may be stored all the same
                raise
            self._frontier = self._frontier.extend(hashes)
            edge = self._edge | changed
            self._edge = {tile: edge[tile] for tile in edges(self.size) if tile in edge}
            return size
        raise Stale("Others append to the log all the time: try again.")

    async def _load(self) -> None:
        size = await self._store.size()
        self._tree = Tree(self._store, await self._store.losses())
        read = await self._tree.edge(size)
        self._edge = {tile: row for tile in edges(size) if (row := read(tile))}
        try:
            self._frontier = await self._tree.frontier(size)
        except (LookupError, ValueError) as error:
            raise Fault("Tiles of the log are missing: restore it from a backup.") from error

    async def _caught_up(self, head: checkpoint.Checkpoint) -> checkpoint.Checkpoint:
        """Another node may have signed since, with an anchor of its own."""
        data = await self._store.note(SIGNED)
        try:
            newer = self.identity.believe(note.parse(data)) if data else head
        except CareplaneError:
            return head  # a look through the log names it; what the anchor has takes its place
        if not head.size < newer.size <= self.size:
            return head
        await self._same(head)
        await self._same(newer)
        frontier = await self._tree.frontier(newer.size)
        self._anchor = Anchor(note.parse(data), frontier, self._watched)
        return newer

    async def _kept(self) -> bytes:
        return await self._store.note(COSIGNED if self._witnessed else SIGNED)

    async def _same(self, head: checkpoint.Checkpoint | None) -> None:
        """Whether the leaves are those that a checkpoint was signed over."""
        if head is None:
            return
        try:
            same = head.size <= self.size and await self._tree.root(head.size) == head.root
        except (LookupError, ValueError):
            same = False
        if not same:
            raise Fault(
                f"The leaves of this log are not the {head.size} that were signed: it was changed."
            )
