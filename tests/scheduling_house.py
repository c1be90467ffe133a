"""A clinic with schedules, over an engine, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.kernel.ids import new_id, secret_id
from careplane.ledger.audit import AuditRecord, decode
from careplane.records.door import Door
from careplane.records.parts import Parts
from careplane.rest.addressing import Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.links import Pages
from careplane.rest.service import Service as Http
from careplane.search.extract import extract
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.admission import ADMISSIONS
from careplane.telehealth.scheduling.calendars.feeds import Feeds, application
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.notices.channel import Message, Undelivered
from careplane.telehealth.scheduling.notices.letters import Sender
from careplane.telehealth.scheduling.operations import Operations
from careplane.telehealth.scheduling.proposals import Proposals
from careplane.telehealth.scheduling.service import House, Service
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.fhir_house import BASE, LIMIT, REGISTRY, TENANT, client, decider

ZONE = ZoneInfo("Europe/Berlin")
MINUTE = 60_000_000


def at(text: str) -> int:
    """Microseconds since 1970 of a time of the clinic, such as 2027-03-01T09:00."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1_000_000


NOW = at("2027-02-22T08:00")
"""A Monday."""


def rule(start: str, end: str, **more: Any) -> dict[str, Any]:
    """A rule on a Schedule."""
    kinds = {"recurrence": "valueString", "valid": "valuePeriod", "visit_type": "valueCode"}
    parts = [
        {"url": "start", "valueTime": f"{start}:00"},
        {"url": "end", "valueTime": f"{end}:00"},
    ]
    for name, value in more.items():
        url = name.replace("_", "-")
        parts.append({"url": url, kinds.get(name, "valuePositiveInt"): value})
    return {"url": names.RULE, "extension": parts}


def visit_type(code: str, minutes: int, **more: int) -> dict[str, Any]:
    """A visit type on a Schedule."""
    concept = {"coding": [{"system": "urn:visit", "code": code}]}
    return {
        "url": names.VISIT_TYPE,
        "extension": [
            {"url": "type", "valueCodeableConcept": concept},
            {"url": "minutes", "valuePositiveInt": minutes},
            *({"url": name, "valueUnsignedInt": value} for name, value in more.items()),
        ],
    }


def terms(**more: int) -> dict[str, Any]:
    """The terms of a Schedule, in minutes."""
    parts = [{"url": k.replace("_", "-"), "valueUnsignedInt": v} for k, v in more.items()]
    return {"url": names.TERMS, "extension": parts}


def closed(start: str, end: str) -> dict[str, Any]:
    """Holidays."""
    return {"url": names.CLOSED, "valuePeriod": {"start": start, "end": end}}


def zone(name: str) -> dict[str, Any]:
    """A time zone."""
    return {"url": names.TIME_ZONE, "valueCode": name}


def schedule(id: str, *extensions: Any, actors: tuple[str, ...] = ()) -> dict[str, Any]:
    """A Schedule of Practitioner/d at Location/room, if no others are named."""
    who = actors or ("Practitioner/d", "Location/room")
    return {
        "resourceType": "Schedule",
        "id": id,
        "active": True,
        "actor": [{"reference": actor} for actor in who],
        "extension": list(extensions),
    }


def location(id: str, kind: str = "ro", *extensions: Any) -> dict[str, Any]:
    """A Location in Berlin, a room if nothing else is said."""
    return {
        "resourceType": "Location",
        "id": id,
        "name": id,
        "physicalType": {"coding": [{"code": kind}]},
        "extension": [zone("Europe/Berlin"), *extensions],
    }


def appointment(start: str, end: str, *actors: str, status: str = "pending") -> dict[str, Any]:
    """An Appointment resource as a client would send it."""
    return {
        "resourceType": "Appointment",
        "status": status,
        "start": f"{datetime.fromisoformat(start).replace(tzinfo=ZONE).isoformat()}",
        "end": f"{datetime.fromisoformat(end).replace(tzinfo=ZONE).isoformat()}",
        "participant": [{"actor": {"reference": a}, "status": "accepted"} for a in actors],
    }


def parameters(**values: Any) -> dict[str, Any]:
    """A Parameters resource; a list repeats a parameter."""
    listed: list[dict[str, Any]] = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            part: dict[str, Any] = {"name": name.replace("_", "-")}
            if isinstance(one, dict) and "resourceType" in one:
                part["resource"] = one
            elif isinstance(one, dict):
                part["valueReference"] = one
            elif isinstance(one, bool):
                part["valueBoolean"] = one
            else:
                part["valueString"] = str(one)
            listed.append(part)
    return {"resourceType": "Parameters", "parameter": listed}


@dataclass
class Box:
    """A channel that keeps what it is given. `refuses` so many first."""

    messages: list[Message] = field(default_factory=list)
    refuses: int = 0

    async def send(self, message: Message) -> None:
        if self.refuses:
            self.refuses -= 1
            raise Undelivered("Not now.")
        self.messages.append(message)


@dataclass
class Clinic:
    """`http` is the front desk, with all rights."""

    store: Store
    state: StateStore
    clock: Hands
    door: Door
    desk: Desk
    feeds: Feeds
    tokens: Tokens
    app: Fhir
    http: httpx.AsyncClient
    boxes: dict[str, Box]

    def client(
        self,
        scopes: str = "system/*.cruds",
        *roles: str,
        patient: str | None = None,
        id: str = "client/test",
    ) -> httpx.AsyncClient:
        """Another client."""
        caller = Caller(TENANT, id, "Test", parse_scopes(scopes), patient, frozenset(roles))
        return client(self.app, self.tokens.issue(caller, 10**7))

    def patient(self, id: str) -> httpx.AsyncClient:
        """A patient who is signed in."""
        return self.client("patient/*.cruds", "patient", patient=id, id=f"Patient/{id}")

    def service(self, *leads: int) -> Service:
        """The service, as another process would begin it."""
        sender = Sender(BASE, "desk@clinic.example", "Clinic")
        return Service(
            House(
                self.door, self.state, TENANT, self.clock, new_id, self.desk.proposals,
                lambda: sender, self.boxes, leads,
            )
        )  # fmt: skip

    def feed_client(self) -> httpx.AsyncClient:
        """A program that cannot sign in."""
        app = application(self.feeds, Addressing("http://hospital.test"))
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),  # type: ignore[arg-type]
            base_url="http://hospital.test",
        )

    async def put(self, *resources: dict[str, Any]) -> None:
        """Store resources under their own ids."""
        for one in resources:
            answer = await self.http.put(f"{one['resourceType']}/{one['id']}", json=one)
            assert answer.status_code in (200, 201), answer.text

    async def find(self, by: httpx.AsyncClient | None = None, **asked: Any) -> list[dict[str, Any]]:
        """Proposals."""
        body = parameters(**{"start": "2027-03-01", "end": "2027-03-01", **asked})
        answer = await (by or self.http).post("Appointment/$find", json=body)
        assert answer.status_code == 200, answer.text
        return resources(answer)

    async def call(
        self, operation: str, by: httpx.AsyncClient | None = None, **asked: Any
    ) -> httpx.Response:
        """Call an operation of Appointment."""
        return await (by or self.http).post(f"Appointment/{operation}", json=parameters(**asked))

    async def one(
        self, operation: str, by: httpx.AsyncClient | None = None, **asked: Any
    ) -> dict[str, Any]:
        """Call an operation that is granted; its one Appointment."""
        answer = await self.call(operation, by, **asked)
        assert answer.status_code == 200, answer.text
        (found,) = resources(answer)
        return found

    async def audit(self) -> list[AuditRecord]:
        return [decode(record) for _, record in await self.store.tail(TENANT, 0, 100_000)]


def resources(answer: httpx.Response, mode: str = "match") -> list[dict[str, Any]]:
    """The resources of a searchset."""
    entries = answer.json().get("entry", [])
    return [entry["resource"] for entry in entries if entry["search"]["mode"] == mode]


def issues(answer: httpx.Response) -> list[dict[str, Any]]:
    """The issues of an OperationOutcome, by itself or as the only entry of a Bundle."""
    tree = answer.json()
    if tree["resourceType"] == "Bundle":
        (tree,) = [entry["resource"] for entry in tree["entry"]]
    found: list[dict[str, Any]] = tree["issue"]
    return found


def reference(id: str) -> dict[str, str]:
    """To an Appointment."""
    return {"reference": f"Appointment/{id}"}


PEOPLE: tuple[dict[str, Any], ...] = (
    {"resourceType": "Practitioner", "id": "d"},
    {"resourceType": "Practitioner", "id": "e"},
    location("room"),
    *(
        {
            "resourceType": "Patient",
            "id": id,
            "telecom": [
                {"system": "email", "value": f"{id}@example.org"},
                {"system": "phone", "use": "mobile", "value": "+49 170 0000001"},
            ],
        }
        for id in ("p", "q", "r")
    ),
)
MONDAYS = rule("09:00", "11:00", recurrence="FREQ=WEEKLY;BYDAY=MO", step=30)
HALF_HOUR = visit_type("visit", 30)


@asynccontextmanager
async def open_clinic(
    store: Store,
    clock: Hands,
    state: StateStore | None = None,
    policies: Mapping[str, str] | None = None,
) -> AsyncIterator[Clinic]:
    """Everything wired over an open store, with these policies beside the ready ones."""
    state = state or MemoryState()
    door = Door(
        Parts(
            store, store, decider(policies), REGISTRY, extract, clock, new_id, base=BASE,
            admissions=ADMISSIONS,
        )
    )  # fmt: skip

    async def stands(caller: Caller) -> bool:
        return caller.name != "Gone"

    proposals = Proposals(state, clock, secret_id)
    desk = Desk(door, proposals, clock, new_id, frozenset({"front-desk"}))
    feeds = Feeds(door, state, clock, secret_id, stands)
    operations = Operations(desk, feeds).offered()
    tokens = Tokens(bytes(32), clock)
    app = Fhir(
        Http(door, Pages(bytes(range(32))), LIMIT),
        tokens.resolve,
        Capabilities(REGISTRY, operations, clock()),
        operations,
        Addressing(),
    )
    boxes = {"email": Box(), "sms": Box()}
    everything = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
    async with client(app, tokens.issue(everything, 10**7)) as http:
        clinic = Clinic(store, state, clock, door, desk, feeds, tokens, app, http, boxes)
        await clinic.put(*PEOPLE)
        yield clinic
