"""The rooms of one process, and the way to those of others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError
from careplane.kernel.observe import describe
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits import relay
from careplane.telehealth.visits.hearing import hear
from careplane.telehealth.visits.homes import RENEWED, Homes
from careplane.telehealth.visits.line import Queued
from careplane.telehealth.visits.media.growth import Growth
from careplane.telehealth.visits.media.port import Media
from careplane.telehealth.visits.minding import Minder
from careplane.telehealth.visits.noted import Noted
from careplane.telehealth.visits.record import Record
from careplane.telehealth.visits.room import Room
from careplane.telehealth.visits.seats import RESTART
from careplane.telehealth.visits.tokens import Pass, Seals

_log = logging.getLogger(__name__)
_TICK = 1.0
_HURRY = 15
"""Ticks after which those who wait are told anew how long it may take."""
_TRIES = 20
Key = tuple[Tenant, str]


@dataclass(slots=True, eq=False)
class _Here:
    """A room of this process, and its note. What is for the record is written in its order."""

    room: Room
    revision: int
    renewed: int
    notes: asyncio.Queue[Noted] = field(default_factory=asyncio.Queue)
    writing: asyncio.Task[None] | None = None
    minder: Minder | None = None
    ending: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Sitting:
    """A seat as its socket uses it."""

    heard: Callable[[m.Heard], None]
    left: Callable[[], None]


class Rooms:
    """Made by `visits.Visits`. `media` is how sound and picture go in each, `larger` makes the way
    of a visit that more take part in."""

    def __init__(
        self,
        record: Record,
        state: StateStore,
        seals: Seals,
        media: Media,
        clock: Clock,
        phone: str,
        *,
        records: bool,
        larger: Callable[[Tenant, str], Media] | None = None,
    ) -> None:
        self._record = record
        self._homes = Homes(state, clock)
        self._seals = seals
        self._media = media
        self._larger = larger
        self._clock = clock
        self._phone = phone
        self._records = records
        self._here: dict[Key, _Here] = {}
        self._locks: dict[Key, asyncio.Lock] = {}
        self._relay = relay.Relay(seals, clock, self._from_elsewhere)
        self._ticking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def open(self) -> int:
        """How many rooms this process has."""
        return len(self._here)

    async def enter(self, held: Pass, line: Queued) -> Sitting:
        """A seat, here or in the process that has the room. Raises Busy where there is none to be
        had now."""
        key = (Tenant(held.tenant), held.visit)
        for attempt in range(_TRIES):
            async with self._lock(key):
                if key not in self._here:
                    found = await self._found(key, held)
                    if isinstance(found, relay.Remote):
                        found.start(line, RESTART)
                        return Sitting(found.heard, found.left)
                if self._has(key):
                    return self._seated(key, held, line)
            await asyncio.sleep(0.02 * (attempt + 1))
        raise Busy("The room of this visit is changing hands; try again.")

    async def close(self) -> None:
        """Let go of all rooms; whoever is in one comes back to another process."""
        self._closed = True
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        endings = [here.ending for here in self._here.values() if here.ending]
        await asyncio.gather(*endings, return_exceptions=True)
        for key, here in list(self._here.items()):
            here.room.scatter(RESTART)
            await self._forget(key, here, ended=False)
        await self._relay.close()

    def _has(self, key: Key) -> bool:
        here = self._here.get(key)
        return here is not None and not here.room.over

    def _lock(self, key: Key) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _found(self, key: Key, held: Pass) -> relay.Remote | None:
        """A seat elsewhere; or None, and then the room is here, or there is a new note to read."""
        if self._closed:
            raise Busy("This server is about to stop; try again.")
        tenant, visit = key
        mine = await self._relay.place()
        home, revision = await self._homes.of(tenant, visit)
        if home is not None and home.place != mine:
            self._homes.require_reachable(home)
            if home.node == self._homes.node:
                with suppress(OSError, TimeoutError):
                    return await relay.reach(home.place, self._seals, held, self._clock())
        taken = await self._homes.take(tenant, visit, mine, revision)
        if taken is not None:
            self._open(key, taken)
        return None

    def _open(self, key: Key, revision: int) -> None:
        notes: asyncio.Queue[Noted] = asyncio.Queue()
        larger = self._larger(*key) if self._larger else None
        minder = Minder(larger) if larger else None
        room = Room(
            self._seals,
            self._clock,
            Growth(self._media, larger),
            notes.put_nowait,
            self._phone,
            minder.stir if minder else lambda: None,
        )
        here = self._here[key] = _Here(room, revision, self._clock(), notes, minder=minder)
        if minder is not None:
            minder.start(room)
        here.writing = asyncio.create_task(self._write_down(key, here))
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())

    def _seated(self, key: Key, held: Pass, line: Queued) -> Sitting:
        here = self._here[key]
        seat = here.room.enter(held, line)
        if seat is None:
            return Sitting(lambda message: None, lambda: None)
        if not seat.held.admitted:
            here.room.hurry(seat, 0, 0)

        def heard(message: m.Heard) -> None:
            if here.room.seats.get(seat.id) is seat and seat.line is line:
                hear(here.room, seat, message, records=self._records)

        return Sitting(heard, lambda: here.room.dropped(seat, line))

    async def _from_elsewhere(
        self, held: Pass, line: Queued
    ) -> tuple[relay.Heard, relay.Left] | None:
        key = (Tenant(held.tenant), held.visit)
        if not self._has(key):
            return None
        sitting = self._seated(key, held, line)
        return lambda raw: sitting.heard(m.heard(raw)), sitting.left

    async def _write_down(self, key: Key, here: _Here) -> None:
        tenant, visit = key
        while True:
            noted = await here.notes.get()
            try:
                await self._one(tenant, visit, here.room, noted)
            except CareplaneError as error:
                _log.error("A visit could not be written down: %s", describe(error))
                text = "This could not be put into the record. It is in the log of the server."
                here.room.tell_hosts(m.Problem("record", text))
            finally:
                here.notes.task_done()

    async def _one(self, tenant: Tenant, visit: str, room: Room, noted: Noted) -> None:
        record = self._record
        if noted.kind == "arrived":
            await record.arrived(tenant, visit)
            await self._hurry(tenant, visit, room)
        elif noted.kind == "kept":
            await record.keep(noted.by.caller.caller(), visit, noted.lines)
            room.tell_all(m.Kept([one.line for one in noted.lines]))
        elif noted.kind == "recording":
            await record.agreed_to_recording(tenant, visit, noted.by, noted.presences)
        else:
            ended = noted.kind == "ended"
            found = await record.moved(
                tenant, visit, "finished" if ended else "in-progress", noted.presences
            )
            room.tell_hosts(m.Recorded(found))

    async def _hurry(self, tenant: Tenant, visit: str, room: Room) -> None:
        before, seconds = await self._record.wait(tenant, visit)
        for seat in room.waiting:
            room.hurry(seat, before, seconds)

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(_TICK)
            count += 1
            for key, here in list(self._here.items()):
                try:
                    await self._care(key, here, hurry=count % _HURRY == 0)
                except CareplaneError:
                    continue  # the store is busy: with the next tick
            for key in [key for key, lock in self._locks.items() if not lock.locked()]:
                if key not in self._here:
                    del self._locks[key]

    async def _care(self, key: Key, here: _Here, *, hurry: bool) -> None:
        room = here.room
        room.tick()
        if not room.seats:
            if here.ending is None or here.ending.done():
                here.ending = asyncio.create_task(self._end(key, here))
            return
        if self._clock() - here.renewed >= RENEWED:
            place = await self._relay.place()
            taken = await self._homes.take(*key, place, here.revision)
            if taken is None:  # taken over: this process was away for long
                del self._here[key]
                if here.minder is not None:
                    await here.minder.stop()
                room.scatter(RESTART)
                return
            here.revision, here.renewed = taken, self._clock()
        if hurry and room.waiting:
            await self._hurry(*key, room)

    async def _end(self, key: Key, here: _Here) -> None:
        """Nobody is there any more; in a task of its own, for a media server may be slow."""
        async with self._lock(key):
            if not here.room.seats:
                here.room.over = True  # nobody comes in from elsewhere any more
                with suppress(CareplaneError):  # the store is busy: with the next tick
                    await self._forget(key, here)

    async def _forget(self, key: Key, here: _Here, *, ended: bool = True) -> None:
        """What is to be written is written, then the room is nowhere; unless it has `ended` its
        media go on, for the process that has it next."""
        await here.notes.join()
        if here.writing is not None:
            here.writing.cancel()
        if here.minder is not None:
            await (here.minder.end(here.room) if ended else here.minder.stop())
        del self._here[key]
        await self._homes.drop(*key, here.revision)
