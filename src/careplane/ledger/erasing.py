"""Erasure: the salts of a patient's leaves are destroyed, and an erase leaf says of how many.

First the leaf, then the salts: whoever is killed in between has the versions still, and does it
again. Which leaves were erased stands in a note that the leaf commits to, so that a salt that is
gone without an erase leaf is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

import msgspec

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, NotFound, Stale
from careplane.ledger.following import versions_of
from careplane.ledger.leaf import Kind, Sealed, seal
from careplane.ledger.log import Log
from careplane.ledger.moved import Moved
from careplane.ledger.tree import place_now
from careplane.ledger.versions import Values
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import RecordStore, Tenant

_SECONDS, _PATIENCE_SECONDS = 10.0, 1.0
_LOOK_SECONDS = 0.1
_TRIES = 20
CatchUp = Callable[[], Awaitable[None]]
Named = tuple[str, str, int]
"""A version by type, id and number."""


class Erasing:
    """The door for whoever removes versions for good; from any process. `follows`: whether leaves
    are made of versions at all; `catch_up` makes those that are lacking."""

    def __init__(
        self,
        log: Log,
        store: LedgerStore,
        records: RecordStore,
        secret: bytes,
        clock: Clock,
        *,
        follows: bool = True,
        catch_up: CatchUp | None = None,
    ) -> None:
        self._log, self._store, self._records = log, store, records
        self._secret, self._clock, self._follows = secret, clock, follows
        self._catch_up = catch_up

    async def erase_patient(self, tenant: Tenant, versions: Sequence[Named]) -> int:
        """Nobody can open the leaves of these versions any more; how many there were. Call it
        while the versions are still in the store, and remove them then; it can be called again.
        Versions that are not there are passed over. Raises Busy where leaves are not made yet."""
        numbers = sorted(await self._numbers(tenant, versions))
        if not numbers:
            return 0
        losses = await self._store.losses()
        places = []
        for number in numbers:
            try:
                places.append(place_now(number, losses))
            except NotFound:
                continue  # it was lost, and its salt with it
        places.sort()
        note, total = erased_note(places)
        values: Values = {
            "tenant": tenant, "leaves": len(places), "recorded": self._clock(), "sha256": total,
        }  # fmt: skip
        leaf = seal(Kind.ERASE, values, self._secret)
        await self._append(leaf, Moved(notes={note: pack(places)}))
        await self._store.erase(places)
        return len(places)

    async def _append(self, leaf: Sealed, moved: Moved) -> None:
        for _ in range(_TRIES):
            try:
                await self._log.append([leaf], moved)
                return
            except Stale:
                await asyncio.sleep(_LOOK_SECONDS)  # another process appends all the time
        raise Busy("The log takes no erasure now: try again.")

    async def _numbers(self, tenant: Tenant, versions: Sequence[Named]) -> set[int]:
        read = [await self._records.vread(tenant, *named) for named in versions]
        times = [version.t for version in read if version is not None]
        if self._follows:
            await self._followed(tenant, max(times, default=0))
        return {*(await self._store.places(tenant, times)).values()}

    async def _followed(self, tenant: Tenant, t: int) -> None:
        """A leaf that is being made must not come after its erasure. Where nobody makes them, as on
        the command line, they are made here."""
        began, helped = asyncio.get_running_loop().time(), False
        while await self._store.mark(versions_of(tenant)) < t:
            waited = asyncio.get_running_loop().time() - began
            if waited > _SECONDS:
                raise Busy("The newest versions have no leaves yet: try again in a minute.")
            if waited > _PATIENCE_SECONDS and not helped and self._catch_up is not None:
                helped = True
                await self._catch_up()
            await asyncio.sleep(_LOOK_SECONDS)


def erased_note(places: Sequence[int]) -> tuple[str, str]:
    """The name of the note that has these numbers, and what their erase leaf says of them."""
    total = sha256("".join(f"{number}\n" for number in places).encode()).hexdigest()
    return f"erased/{total}", total


def pack(places: Sequence[int]) -> bytes:
    """Numbers in order, each as its distance from the one before."""
    last, steps = 0, []
    for number in places:
        steps.append(number - last)
        last = number
    return msgspec.msgpack.encode(steps)


def unpack(data: bytes) -> list[int]:
    """The same back; nothing for no note."""
    found, last = [], 0
    for step in msgspec.msgpack.decode(data, type=list[int]) if data else ():
        last += step
        found.append(last)
    return found
