"""Brings all bodies under current keys: after keys were superseded, or from the time before bodies
were encrypted. The log of versions is gone through in small steps, from where the last one ended;
at its end, keys that nothing is under any more are destroyed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from careplane.records.bodies import rows_of
from careplane.records.parts import Parts
from careplane.storage.keys.bodies import patient_of
from careplane.storage.ports.keys import KeyKeeper, Reseal
from careplane.storage.ports.records import Tenant, Version
from careplane.storage.ports.state import StateStore

_SPACE, _KEY = "keys", "resealing"
_STEP = 200
_BETWEEN_SECONDS = 0.05
_SLACK_SECONDS = 0.5
Told = Callable[[float], None]
"""Hears which part of all is done."""


class Resealed(Struct, frozen=True):
    """How many versions were looked at and encrypted anew, and how many old keys destroyed."""

    seen: int
    resealed: int
    retired: int


class Resealing:
    """Of one tenant. A process may end at any moment, and another goes on."""

    def __init__(self, parts: Parts, keeper: KeyKeeper, state: StateStore, tenant: Tenant) -> None:
        self._parts = parts
        self._keeper = keeper
        self._state = state
        self._tenant = tenant

    async def begin(self) -> None:
        """Supersede all keys, unless bodies are on their way under new ones already."""
        if await self._place() is None:
            await self._note(0)
            await self._keeper.supersede(self._tenant, None)

    async def run(self, told: Told = lambda part: None, rest: float = 0.0) -> Resealed:
        """All of it, with a rest between steps."""
        await asyncio.sleep(self._keeper.fresh_seconds + _SLACK_SECONDS)
        after, seen, done = await self._place() or 0, 0, 0
        while versions := await self._parts.store.changes(self._tenant, after, _STEP):
            items = [self._item(version) for version in versions]
            done += await self._keeper.reseal(self._tenant, items)
            seen, after = seen + len(versions), versions[-1].t
            await self._note(after)
            told(after / max(1, (await self._parts.store.horizon(self._tenant))[0]))
            await asyncio.sleep(rest)
        retired = await self._keeper.retire(self._tenant)
        await self._state.drop(self._tenant, _SPACE, _KEY)
        return Resealed(seen, done, retired)

    async def part(self) -> float | None:
        """Which part of what was begun is done; None where nothing is under way."""
        place = await self._place()
        if place is None:
            return None
        return place / max(1, (await self._parts.store.horizon(self._tenant))[0])

    async def __call__(self) -> None:
        """The service: encrypt what is not, or go on with what was begun; then it rests."""
        census = await self._keeper.census(self._tenant)
        if census.plain or await self._place() is not None:
            await self.run(rest=_BETWEEN_SECONDS)
        await asyncio.Event().wait()

    def _item(self, version: Version) -> Reseal:
        rows = rows_of(self._parts.extract, version)
        patient = patient_of(version.type, version.id, rows)
        return Reseal(version.type, version.id, version.version, version.t, patient)

    async def _place(self) -> int | None:
        entry = await self._state.get(self._tenant, _SPACE, _KEY)
        return msgspec.msgpack.decode(entry.value, type=int) if entry else None

    async def _note(self, t: int) -> None:
        await self._state.put(self._tenant, _SPACE, _KEY, msgspec.msgpack.encode(t))
