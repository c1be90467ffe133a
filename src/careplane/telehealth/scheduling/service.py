"""The service of the process that leads: holds end, times that became free are offered to who
waits, and patients are told.

It follows what is committed, from where it ended last; what must happen at a time it looks for once
a second. Begun again elsewhere at any moment, it goes on: a message is claimed before it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import CareplaneError
from careplane.kernel.ids import NewId
from careplane.kernel.observe import describe
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling import visit
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.board import Board, Line
from careplane.telehealth.scheduling.notices.channel import Channel, Undelivered
from careplane.telehealth.scheduling.notices.letters import Kind, Sender, letters
from careplane.telehealth.scheduling.notices.sent import Sent
from careplane.telehealth.scheduling.occupancy import moment_of
from careplane.telehealth.scheduling.offering import Offering
from careplane.telehealth.scheduling.proposals import Proposals

ID = "service/scheduling"
_SCOPES = parse_scopes("system/Appointment.crus system/Patient.r system/Slot.cu")
_SPACE, _KEY = "scheduling", "cursor"
_PAGE = 500
_LOOKED_SECONDS = 1.0
_SWEPT_SECONDS = 600
_WISHES = 50
"""Of the waiting list, how many are looked at a second."""
_LATE = 120 * MINUTE
"""How late a reminder may still go, after a time when no process led."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """What a service of one tenant works with. `leads` are minutes before a visit at which it is
    reminded of; `channels` by `email` and `sms`, as far as there are some."""

    door: Door
    state: StateStore
    tenant: Tenant
    clock: Clock
    new_id: NewId
    proposals: Proposals
    sender: Callable[[], Sender]
    channels: Mapping[str, Channel] = field(default_factory=dict)
    leads: tuple[int, ...] = ()


class Service:
    """One run; another run is another Service."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._caller = Caller(house.tenant, ID, "Scheduling", _SCOPES)
        self._board = Board()
        self._sent = Sent(house.state, house.tenant, house.clock)
        self._offering = Offering(house.door, self._caller, house.clock, house.new_id)
        self._tries: dict[str, int] = {}
        self._again: list[tuple[Kind, str, int]] = []
        self._reminded: set[tuple[str, int, int]] = set()
        """What was told by this run: the claims are looked at once."""
        self._wishes: deque[str] = deque()
        self._cursor = 0
        self._stirred = True

    async def __call__(self) -> None:
        """Until it is cancelled."""
        await self.load()
        swept = 0.0
        while True:
            while await self.step():
                await asyncio.sleep(0)
            await self.tick()
            if swept <= 0:
                await self._sweep()
                swept = _SWEPT_SECONDS
            swept -= _LOOKED_SECONDS
            await asyncio.sleep(_LOOKED_SECONDS)

    async def load(self) -> None:
        """Know how things are, as of where the last run ended."""
        house = self._house
        entry = await house.state.get(house.tenant, _SPACE, _KEY)
        newest = await house.door.newest(house.tenant)
        self._cursor = msgspec.msgpack.decode(entry.value, type=int) if entry else newest
        if entry is None:
            await self._follow()
        since = format_instant(house.clock())
        for pairs in (
            (("status", "waitlist"),),
            (("status", "pending"),),
            (("status", "booked"), ("date", f"ge{since}")),
        ):
            await self._load((*pairs, ("_count", str(_PAGE))))

    async def step(self) -> int:
        """Follow a page of what was committed; how much there was."""
        house = self._house
        versions = await house.door.changes(house.tenant, self._cursor, _PAGE)
        for version in versions:
            if version.type in ("Appointment", "Schedule", "Location"):
                self._stirred = True
            if version.type == "Appointment":
                await self._meet(version)
        if versions:
            self._cursor = versions[-1].t
            await self._follow()
        return len(versions)

    async def tick(self) -> None:
        """What the time has brought."""
        now = self._house.clock()
        for line in self._board.held(now):
            self._stirred = True
            await self._quietly(self._offering.lapse(line.id))
        if self._stirred and not self._wishes:
            self._stirred = False
            self._wishes.extend(self._board.waiting())
        for _ in range(min(len(self._wishes), _WISHES)):
            await self._quietly(self._offering.offer(self._wishes.popleft()))
        leads = tuple(lead * MINUTE for lead in self._house.leads)
        due = [(o, lead) for o, lead in self._board.due(now, leads, _LATE) if self._unsent(o, lead)]
        for line, lead in due:
            if await self._tell("reminder", line.id, line.version, f"reminder-{lead // MINUTE}"):
                self._reminded.add((line.id, line.start, lead))
        again, self._again = self._again, []
        for kind, id, number in again:
            await self._hear(kind, id, number)
        self._board.forget(now)

    async def _load(self, pairs: tuple[tuple[str, str], ...]) -> None:
        cursor: str | None = None
        while True:
            command = c.Search("Appointment", pairs, cursor=cursor)
            page = await self._house.door.search(self._caller, command)
            for one in page.matches:
                if one.t <= self._cursor:
                    self._board.meet(one.id, _tree(one), one.version, one.last_updated)
            cursor = page.next
            if cursor is None:
                return

    async def _meet(self, version: Version) -> None:
        tree = None if version.deleted else _tree(version)
        left = self._board.left(version.id, tree)
        if left:
            await self._quietly(self._offering.settle(version.id, left))
        kind = self._board.meet(version.id, tree, version.version, version.last_updated)
        if kind is not None and tree is not None and "start" in tree:
            await self._hear(kind, version.id, version.version)

    async def _hear(self, kind: Kind, id: str, number: int) -> None:
        if not await self._tell(kind, id, number, f"{kind}-{number}"):
            self._again.append((kind, id, number))

    def _unsent(self, line: Line, lead: int) -> bool:
        return (line.id, line.start, lead) not in self._reminded

    async def _tell(self, kind: Kind, id: str, number: int, what: str) -> bool:
        """Tell the patients of a visit; False where it should be tried again."""
        if not self._house.channels:
            return True
        try:
            version = await self._house.door.vread(self._caller, c.Vread("Appointment", id, number))
            tree = _tree(version)
            if moment_of(tree["start"]) <= self._house.clock():
                return True
            done = [
                await self._write(kind, tree, number, f"{what}-{id}", patient)
                for patient in visit.patients_in(tree)
            ]
        except CareplaneError as error:
            _log.error("A patient could not be told of a visit: %s", describe(error))
            return True
        return all(done)

    async def _write(self, kind: Kind, tree: Tree, number: int, what: str, patient: str) -> bool:
        house, start = self._house, moment_of(tree["start"])
        id = patient.partition("/")[2]
        found = await house.door.read(self._caller, c.Read("Patient", id))
        sent = True
        for way, message in letters(
            kind, tree, number, _tree(found), house.sender(), house.clock()
        ):
            channel = house.channels.get(way)
            key = f"{what}-{way}-{id}"
            if channel is None or not await self._sent.claim(start, key):
                continue
            try:
                await channel.send(message)
            except Undelivered as error:
                tries = self._tries[key] = self._tries.get(key, 0) + 1
                await self._sent.failed(start, key, tries)
                _log.warning("A message about a visit was not sent: %s", error)
                sent = False
        return sent

    async def _follow(self) -> None:
        value = msgspec.msgpack.encode(self._cursor)
        await self._house.state.put(self._house.tenant, _SPACE, _KEY, value)

    async def _sweep(self) -> None:
        await self._sent.sweep()
        await self._house.proposals.sweep(self._house.tenant)
        self._tries.clear()
        now = self._house.clock()
        self._reminded = {one for one in self._reminded if one[1] > now}

    async def _quietly(self, work: Awaitable[object]) -> None:
        try:
            await work
        except CareplaneError as error:
            _log.info("The scheduling service passed something over: %s", describe(error))


def _tree(version: Version) -> Tree:
    return json.parse(whole(version))
