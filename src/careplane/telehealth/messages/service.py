"""The service of the process that leads: plain Communications join threads, patients are told that
there is something to read, and whoever must answer is told what has waited too long.

It follows what is committed, from where it ended last; what has waited too long it looks for once a
minute. Begun again elsewhere at any moment, it goes on: a notice is claimed before it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.kernel.ids import NewId
from careplane.kernel.observe import describe
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.messages import names, thread
from careplane.telehealth.messages.adopting import Adopting, is_plain
from careplane.telehealth.messages.letters import Kind, letter
from careplane.telehealth.messages.parties import Party, parties
from careplane.telehealth.messages.thread import Thread
from careplane.telehealth.scheduling.notices.channel import Channel, Undelivered
from careplane.telehealth.scheduling.notices.letters import Sender
from careplane.telehealth.scheduling.notices.sent import Sent

ID = "service/messages"
_SCOPES = parse_scopes(
    "system/Communication.crus system/Task.rs system/Patient.r system/RelatedPerson.r "
    "system/Practitioner.r system/HealthcareService.r"
)
_SPACE, _KEY = "messages", "cursor"
_PAGE = 500
_LATE = "200"
_LOOKED_SECONDS = 1.0
_TICKS = 60
"""Looks at what has waited too long once in so many looks at what was committed."""
_HOUR = 3600 * 1_000_000
_CONSULTS = (
    ("code", "urn:careplane:task|consult"),
    ("status", "requested,received,accepted,ready,in-progress"),
    ("_sort", "authored-on"),
    ("_count", _LATE),
)
_WAITING = (
    ("category", f"{names.KIND}|{names.THREAD}"),
    ("status", "in-progress"),
    ("_tag", f"{names.STATE}|{names.WAITING}"),
    ("_sort", "_lastUpdated"),
    ("_count", _LATE),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """What a service of one tenant works with. `hours` is after how many a message has waited too
    long; 0 for never. `channels` are by `email` and `sms`, as far as there are some."""

    door: Door
    state: StateStore
    tenant: Tenant
    clock: Clock
    new_id: NewId
    sender: Callable[[], Sender]
    channels: Mapping[str, Channel] = field(default_factory=dict)
    hours: int = 48


class Service:
    """One run; another run is another Service."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._caller = Caller(house.tenant, ID, "Messages", _SCOPES)
        self._adopting = Adopting(house.door, self._caller, house.clock, house.new_id)
        self._sent = Sent(house.state, house.tenant, house.clock)
        self._cursor = 0

    async def __call__(self) -> None:
        """Until it is cancelled."""
        await self.load()
        ticks = 0
        while True:
            while await self.step():
                await asyncio.sleep(0)
            if ticks == 0:
                await self.tick()
            ticks = (ticks + 1) % _TICKS
            await asyncio.sleep(_LOOKED_SECONDS)

    async def load(self) -> None:
        """Know where the last run ended; the first begins with what comes."""
        house = self._house
        entry = await house.state.get(house.tenant, _SPACE, _KEY)
        if entry is None:
            self._cursor = await house.door.newest(house.tenant)
            await self._follow()
        else:
            self._cursor = msgspec.msgpack.decode(entry.value, type=int)

    async def step(self) -> int:
        """Follow a page of what was committed; how much there was."""
        house = self._house
        versions = await house.door.changes(house.tenant, self._cursor, _PAGE)
        for version in versions:
            if version.type == "Communication" and not version.deleted:
                await self._quietly(self._meet(version))
        if versions:
            self._cursor = versions[-1].t
            await self._follow()
        return len(versions)

    async def tick(self) -> None:
        """What has waited too long."""
        house, now = self._house, self._house.clock()
        for tree in await self._find("Task", _CONSULTS):
            due = str(tree.get("restriction", {}).get("period", {}).get("end", ""))
            if due and interval(due)[1] <= now:
                owner = parties([tree.get("owner", {})])
                await self._tell("late-consult", owner, interval(due)[1], str(tree["id"]))
        if not house.hours:
            return
        for tree in await self._find("Communication", _WAITING):
            head = Thread(tree)
            if not head.begun_by.is_patient or not head.waits_since or tree.get("about"):
                continue
            late = interval(head.waits_since)[0] + house.hours * _HOUR
            if late <= now:
                whom = [head.owner] if head.owner.reference else list(head.pools)
                await self._tell("late-message", whom, late, head.id)

    async def _meet(self, version: Version) -> None:
        tree = json.parse(whole(version))
        if is_plain(tree, self._house.clock()):
            await self._adopting.adopt(tree)
        elif thread.is_message(tree) and "received" not in tree:
            whom = [one for one in parties(tree.get("recipient")) if one.is_patient]
            if names.has(tree.get("category"), names.KIND, names.INTERNAL) or not whom:
                return
            # One notice an hour for a thread: whoever reads one message reads them all.
            hour = version.last_updated // _HOUR * _HOUR
            head = str(tree["partOf"][0]["reference"]).rpartition("/")[2]
            await self._tell("message", whom, hour, head)

    async def _find(self, type: str, pairs: tuple[tuple[str, str], ...]) -> list[Tree]:
        found = await self._house.door.search(self._caller, c.Search(type, pairs))
        return [json.parse(whole(version)) for version in found.matches]

    async def _tell(self, kind: Kind, whom: Sequence[Party], at: int, what: str) -> None:
        for one in whom:
            if self._house.channels and one.reference:
                await self._quietly(self._write(kind, one, at, what))

    async def _write(self, kind: Kind, to: Party, at: int, what: str) -> None:
        house = self._house
        type, _, id = to.reference.partition("/")
        if type not in ("Patient", "RelatedPerson", "Practitioner", "HealthcareService"):
            return
        tree = json.parse(whole(await house.door.read(self._caller, c.Read(type, id))))
        for way, message in letter(kind, tree, house.sender(), house.clock()):
            channel = house.channels.get(way)
            if channel is None or not await self._sent.claim(at, f"{kind}-{what}-{way}-{id}"):
                continue
            try:
                await channel.send(message)
            except Undelivered as error:
                _log.warning("A notice of a message was not sent: %s", error)

    async def _follow(self) -> None:
        value = msgspec.msgpack.encode(self._cursor)
        await self._house.state.put(self._house.tenant, _SPACE, _KEY, value)

    async def _quietly(self, work: Awaitable[object]) -> None:
        try:
            await work
        except CareplaneError as error:
            _log.info("The service of messages passed something over: %s", describe(error))
