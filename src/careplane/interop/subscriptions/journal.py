"""What is remembered of each subscription: its events by number, how far it was told, and what
could not be told. All of it is durable before it counts.

Events stand in chunks whose key ends with the number of their last event, so that "everything after
number n" is one scan. A chunk is written in one step: after a crash an event is there with its
number or not at all, and what is matched a second time is known by its sequence number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

T = TypeVar("T")
FEED, STANDING, EVENTS, DEAD = (
    "subscription-feed",
    "subscription",
    "subscription-event",
    "subscription-dead",
)
KEPT = 1000
"""Events that are kept for `$events` after they were delivered."""
_CURSOR = "cursor"
_PAGE = 100


class Event(Struct, frozen=True, array_like=True):
    """Something that happened: its number within the subscription, the sequence number and time of
    the change (microseconds since 1970), and the version."""

    number: int
    t: int
    at: int
    type: str
    id: str
    version: int
    method: str


class Standing(Struct, frozen=True, array_like=True):
    """How far a subscription is. `shaken`: its endpoint has accepted the handshake, and events
    count from sequence number `started`. `delivered` is the number, and `t` the sequence number, of
    the last event that was told; `fails` failures in a row, the next attempt at `again`
    (microseconds since 1970); `dead` events were given up."""

    shaken: bool = False
    started: int = 0
    delivered: int = 0
    t: int = 0
    fails: int = 0
    again: int = 0
    error: str = ""
    dead: int = 0


class DeadLetter(Struct, frozen=True, array_like=True):
    """Events that were given up, from number to number, and why; they stay in `$events`."""

    first: int
    last: int
    at: int
    error: str


class Journal:
    """Of one tenant."""

    def __init__(self, state: StateStore, tenant: Tenant) -> None:
        self._state = state
        self._tenant = tenant

    async def cursor(self) -> int | None:
        """The sequence number up to which changes were matched."""
        entry = await self._state.get(self._tenant, FEED, _CURSOR)
        return None if entry is None else msgspec.msgpack.decode(entry.value, type=int)

    async def follow(self, cursor: int) -> None:
        """Note that changes were matched up to here."""
        value = msgspec.msgpack.encode(cursor)
        await self._state.put(self._tenant, FEED, _CURSOR, value)

    async def standing(self, id: str) -> Standing:
        """How far a subscription is; at its beginning, where nothing is known."""
        entry = await self._state.get(self._tenant, STANDING, id)
        return Standing() if entry is None else _read(entry.value, Standing)

    async def standings(self) -> dict[str, Standing]:
        """Of all subscriptions."""
        found: dict[str, Standing] = {}
        after = ""
        while True:
            page = await self._state.scan(self._tenant, STANDING, after)
            if not page:
                return found
            found.update((entry.key, _read(entry.value, Standing)) for _, entry in page)
            after = page[-1][1].key

    async def stand(self, id: str, standing: Standing) -> None:
        """Note how far a subscription is."""
        await self._state.put(self._tenant, STANDING, id, msgspec.msgpack.encode(standing))

    async def append(self, id: str, events: Sequence[Event]) -> None:
        """Add events, whose numbers follow those that there are."""
        key = _key(id, events[-1].number)
        await self._state.put(self._tenant, EVENTS, key, msgspec.msgpack.encode(events))

    async def events(self, id: str, after: int, most: int = 1_000_000) -> list[Event]:
        """The first events whose numbers are above `after`, up to `most`."""
        found: list[Event] = []
        async for _, chunk in self._chunks(id, after):
            # Two processes that both led for a moment may have cut their chunks in two ways.
            last = found[-1].number if found else after
            found += (event for event in chunk if event.number > last)
            if len(found) >= most:
                break
        return found[:most]

    async def last(self, id: str, standing: Standing) -> tuple[int, int]:
        """Number and sequence number of the last event."""
        number, t = standing.delivered, standing.t
        async for _, chunk in self._chunks(id, standing.delivered):
            number, t = chunk[-1].number, chunk[-1].t
        return number, t

    async def prune(self, id: str, upto: int) -> None:
        """Forget chunks whose events are all at or below this number."""
        keys = []
        async for key, chunk in self._chunks(id, 0):
            if chunk[-1].number > upto:
                break
            keys.append(key)
        for key in keys:
            await self._state.drop(self._tenant, EVENTS, key)

    async def bury(self, id: str, letter: DeadLetter) -> None:
        """Note events that were given up."""
        value = msgspec.msgpack.encode(letter)
        await self._state.put(self._tenant, DEAD, _key(id, letter.last), value)

    async def dead(self, id: str) -> list[DeadLetter]:
        """What was given up."""
        page = await self._state.scan(self._tenant, DEAD, f"{id}:")
        return [_read(e.value, DeadLetter) for _, e in page if e.key.startswith(f"{id}:")]

    async def forget(self, id: str) -> None:
        """Nothing is left of a subscription that was deleted."""
        await self.prune(id, 1 << 62)
        for _, entry in await self._state.scan(self._tenant, DEAD, f"{id}:"):
            if entry.key.startswith(f"{id}:"):
                await self._state.drop(self._tenant, DEAD, entry.key)
        await self._state.drop(self._tenant, STANDING, id)

    async def _chunks(self, id: str, after: int) -> AsyncIterator[tuple[str, list[Event]]]:
        key = _key(id, after)
        while True:
            page = await self._state.scan(self._tenant, EVENTS, key, _PAGE)
            for _, entry in page:
                if not entry.key.startswith(f"{id}:"):
                    return
                yield entry.key, msgspec.msgpack.decode(entry.value, type=list[Event])
            if len(page) < _PAGE:
                return
            key = page[-1][1].key


def _key(id: str, number: int) -> str:
    return f"{id}:{number:015d}"


def _read(value: bytes, kind: type[T]) -> T:
    return msgspec.msgpack.decode(value, type=kind)
