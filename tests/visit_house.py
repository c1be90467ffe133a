"""A house with video visits, and participants who talk on sockets without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.ids import secret_id
from careplane.rest.links import Pages
from careplane.storage.engines.memory import MemoryStore
from careplane.storage.ports.state import StateStore
from careplane.telehealth.visits.media.turn import Ice
from careplane.telehealth.visits.visits import Choice, Visits
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT, House, open_house, patient

MINUTE = 60_000_000
ICE = Ice(("turn:relay.test:3478",), ("stun:relay.test:3478",), "the relay's secret", 600)
CHOICE = Choice(30, 60, "+1 555 0100", ICE)

DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. D", parse_scopes("user/*.cruds"),
                roles=frozenset({"physician"}))  # fmt: skip
COLLEAGUE = Caller(TENANT, "Practitioner/e", "Dr. E", parse_scopes("user/*.cruds"),
                   roles=frozenset({"physician"}))  # fmt: skip
PATIENT = Caller(TENANT, "Patient/p", "Ada Quinn", parse_scopes("patient/*.rs"), "p",
                 frozenset({"patient"}))  # fmt: skip
STRANGER = Caller(TENANT, "Patient/q", "Bo Else", parse_scopes("patient/*.rs"), "q",
                  frozenset({"patient"}))  # fmt: skip


def appointment(
    id: str, now: int, *, of: str = "p", by: str = "Practitioner/d", begins: int = 0, **more: Any
) -> dict[str, Any]:
    """Of 20 minutes, beginning so many minutes from now."""
    start = now + begins * MINUTE
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "start": format_instant(start),
        "end": format_instant(start + 20 * MINUTE),
        "participant": [
            {"actor": {"reference": f"Patient/{of}"}, "status": "accepted"},
            {"actor": {"reference": by}, "status": "accepted"},
        ],
        **more,
    }


@dataclass
class Talk:
    """One socket, as a client has it."""

    app: Any
    place: dict[str, Any] = field(default_factory=dict)
    said: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    told: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None
    accepted: bool = False
    code: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)

    def open(self) -> Talk:
        """Connect."""

        async def send(event: Any) -> None:
            if event["type"] == "websocket.accept":
                self.accepted = True
            await self.told.put(dict(event))

        self.said.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/fhir/$visits", **self.place}
        self.task = asyncio.create_task(self.app(scope, self.said.get, send))
        return self

    def say(self, type: str, **more: Any) -> None:
        """One message."""
        self.raw(json.dumps({"type": type, **more}))

    def raw(self, text: str | None, data: bytes | None = None) -> None:
        """Whatever it is."""
        event: dict[str, Any] = {"type": "websocket.receive"}
        self.said.put_nowait({**event, "text": text} if data is None else {**event, "bytes": data})

    def vanish(self) -> None:
        """The network is gone."""
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def hear(self, *types: str, seconds: float = 10) -> dict[str, Any]:
        """The next message of one of these types; others before it are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self.told.get()
                if event["type"] == "websocket.close":
                    self.code = event["code"]
                    raise ConnectionError(f"closed with {self.code}; {self.seen[-1:]}")
                if event["type"] != "websocket.send":
                    continue
                message: dict[str, Any] = json.loads(event["text"])
                self.seen.append(message)
                if message["type"] in types:
                    return message

    async def closed(self, seconds: float = 10) -> int:
        """The code that the socket is closed with; all messages until then are `seen`."""
        with suppress(ConnectionError):
            await self.hear("nothing", seconds=seconds)
        return self.code

    def silent(self) -> bool:
        """Whether nothing has come that was not heard."""
        return self.told.empty()


@dataclass
class Clinic:
    """One process, or several that share a state and a store."""

    house: House
    processes: list[Visits]
    clock: Hands

    @property
    def visits(self) -> Visits:
        return self.processes[0]

    async def book(self, id: str = "a", **more: Any) -> None:
        """An appointment."""
        await self.house.put(appointment(id, self.clock(), **more))

    async def ticket(self, caller: Caller, id: str = "a") -> str:
        return self.visits.ticket(caller, await self.visits.standing(caller, id))

    def talk(self, process: int = 0) -> Talk:
        return Talk(self.processes[process].sockets).open()

    async def join(self, caller: Caller, id: str = "a", process: int = 0) -> Talk:
        """Take a seat; a patient agrees to telehealth before."""
        if caller.patient:
            await self.visits.consent(caller, id)
        talk = self.talk(process)
        talk.say("join", ticket=await self.ticket(caller, id))
        talk.seen.append(await talk.hear("welcome"))
        return talk

    async def together(self, id: str = "a", host: int = 0, other: int = 0) -> tuple[Talk, Talk]:
        """The doctor and the patient, both let in."""
        doctor = await self.join(DOCTOR, id, host)
        await doctor.hear("admitted")
        ada = await self.join(PATIENT, id, other)
        while not (waiting := (await doctor.hear("knocks"))["waiting"]):
            pass
        doctor.say("admit", seat=waiting[0]["seat"])
        await ada.hear("admitted")
        await doctor.hear("joined")
        return doctor, ada

    async def of(self, type: str, query: str = "") -> list[dict[str, Any]]:
        """Resources of a type."""
        found = (await self.house.http.get(f"{type}?{query}")).json()
        return [one["resource"] for one in found.get("entry", [])]


@asynccontextmanager
async def open_clinic(
    state: StateStore, processes: int = 1, choice: Choice = CHOICE
) -> AsyncIterator[Clinic]:
    """Everything wired. Time is by hand, and begins now."""
    clock = Hands()
    clock.now = system_clock()
    store = MemoryStore(system_clock)
    async with open_house(store, state) as house:
        await house.put(patient("p", name=[{"family": "Quinn", "given": ["Ada"]}]))
        await house.put(patient("q"))
        for id in ("d", "e"):
            await house.put({"resourceType": "Practitioner", "id": id})
        seals = Pages(bytes(range(3, 35)))
        running = [
            Visits(house.door, state, seals, clock, secret_id, choice) for _ in range(processes)
        ]
        try:
            yield Clinic(house, running, clock)
        finally:
            for one in running:
                await one.close()
    await store.close()
