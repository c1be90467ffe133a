"""A practice whose people write to each other, over an engine, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.fhir.tree import Tree
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.records.parts import Parts
from careplane.rest.addressing import Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.links import Pages
from careplane.rest.service import Service as Http
from careplane.search.extract import extract
from careplane.telehealth.consults.consult import Promise, Question
from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.consults.operations import Operations as ConsultOperations
from careplane.telehealth.messages import names
from careplane.telehealth.messages.admission import KEEPS
from careplane.telehealth.messages.messages import Limits, Messages
from careplane.telehealth.messages.operations import Operations
from careplane.telehealth.messages.parties import Asker, Party
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.messages.reading import Box, Line, Reading
from careplane.telehealth.messages.thread import Draft
from careplane.telehealth.tasks.tasks import Tasks
from careplane.web.talk import Talk
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.fhir_house import BASE, LIMIT, OPERATIONS, REGISTRY, TENANT, client, decider, patient
from tests.scheduling_house import at

USUAL = Limits()
NOW = at("2027-02-22T08:00")


def staff(id: str, role: str, name: str, scopes: str = "user/*.cruds") -> Caller:
    """Somebody who works there."""
    return Caller(TENANT, f"Practitioner/{id}", name, parse_scopes(scopes), None, frozenset({role}))


DOCTOR = staff("d", "physician", "Dr. Doyle")
COLLEAGUE = staff("e", "physician", "Dr. Evans")
NURSE = staff("n", "nurse", "Nia Nash")
DESK = staff("f", "front-desk", "Fay Ford")
PATIENT = Caller(TENANT, "Patient/p", "Ada Quinn",
                 parse_scopes("patient/*.rs patient/Communication.cu"), "p",
                 frozenset({"patient"}))  # fmt: skip
STRANGER = Caller(TENANT, "Patient/q", "Bo Else",
                  parse_scopes("patient/*.rs patient/Communication.cu"), "q",
                  frozenset({"patient"}))  # fmt: skip
PROXY = Caller(TENANT, "RelatedPerson/r", "Uma Quinn",
               parse_scopes("patient/*.rs patient/Communication.cu"), "p",
               frozenset({"proxy", "acting-proxy"}))  # fmt: skip
APP = Caller(TENANT, "client/app", "An app", parse_scopes("patient/*.cruds"), "p")


def pool(id: str, *topics: str, **more: Any) -> Tree:
    """A pool for topics."""
    return {
        "resourceType": "HealthcareService",
        "id": id,
        "active": True,
        "name": id.title(),
        "type": [{"coding": [{"system": names.TOPIC, "code": one}]} for one in topics],
        **more,
    }


def member(of: str, who: str, **more: Any) -> Tree:
    """Somebody of a pool."""
    return {
        "resourceType": "PractitionerRole",
        "id": f"{who}-{of}",
        "active": True,
        "practitioner": {"reference": f"Practitioner/{who}", "display": who},
        "healthcareService": [{"reference": f"HealthcareService/{of}", "display": of.title()}],
        **more,
    }


PEOPLE: tuple[Tree, ...] = (
    *(
        {"resourceType": "Practitioner", "id": id, "name": [{"family": family}]}
        for id, family in (("d", "Doyle"), ("e", "Evans"), ("n", "Nash"), ("f", "Ford"))
    ),
    *(
        patient(
            id,
            telecom=[
                {"system": "email", "value": f"{id}@example.org"},
                {"system": "phone", "use": "mobile", "value": "+49 170 0000001"},
            ],
        )
        for id in ("p", "q")
    ),
    {
        "resourceType": "RelatedPerson",
        "id": "r",
        "active": True,
        "patient": {"reference": "Patient/p"},
    },
    pool("questions", "medical", "prescription"),
    pool("desk", "appointment", "billing"),
    member("questions", "d"),
    member("questions", "e"),
    member("questions", "n"),
    member("desk", "f"),
)


@dataclass
class Practice:
    """One installation. `http` speaks with all rights."""

    store: Store
    clock: Hands
    door: Door
    tokens: Tokens
    app: Fhir
    http: httpx.AsyncClient
    messages: Messages
    reading: Reading
    tasks: Tasks
    consults: Consults

    @property
    def talk(self) -> Talk:
        """For pages."""
        return Talk(self.messages, self.reading, self.tasks, self.consults)

    def as_(self, caller: Caller) -> httpx.AsyncClient:
        """A client of somebody."""
        return client(self.app, self.tokens.issue(caller, 10**7))

    async def put(self, *resources: Tree) -> None:
        """Store resources under their ids."""
        for one in resources:
            answer = await self.http.put(f"{one['resourceType']}/{one['id']}", json=one)
            assert answer.status_code in (200, 201), answer.text

    async def write(self, caller: Caller = PATIENT, topic: str = "medical", **more: Any) -> str:
        """A thread; its id."""
        draft = {"title": "A question", "text": "Is it serious?", "to": (), "topic": topic}
        return await self.messages.begin(caller, Draft(**(draft | more)))

    async def internal(self, about: str = "p", text: str = "Between us.") -> str:
        """A thread of two physicians about a patient."""
        return await self.write(
            DOCTOR,
            "",
            title="In confidence",
            text=text,
            to=(Party("Practitioner/e"),),
            patient=Party(f"Patient/{about}"),
            internal=True,
        )

    async def ask(
        self,
        caller: Caller = PATIENT,
        text: str = "It itches.",
        answers: tuple[tuple[str, str], ...] = (("since", "Monday"),),
        **more: Any,
    ) -> str:
        """A consult; the id of its Task."""
        draft = Draft(**({"title": "A rash", "text": text, "to": ()} | more))
        return await self.consults.begin(caller, Question(draft, answers))

    async def get(self, id: str) -> Tree:
        """A Communication."""
        found: Tree = (await self.http.get(f"Communication/{id}")).json()
        return found

    async def asker(self, caller: Caller) -> Asker:
        return await self.messages.pools.asker(caller)

    async def box(self, caller: Caller, box: Box = "waiting") -> list[Line]:
        """The first page of a box."""
        return (await self.reading.box(caller, await self.asker(caller), box))[0]

    async def unread(self, caller: Caller) -> int:
        return await self.reading.unread(caller, await self.asker(caller))

    async def within(self, caller: Caller, id: str) -> list[str]:
        """The texts of a thread."""
        found = await self.reading.messages(caller, await self.asker(caller), id)
        return [text for one in found for text in one.texts]

    async def read(self, caller: Caller, id: str) -> int:
        """Open a thread; how many were unread."""
        asker = await self.asker(caller)
        found = await self.reading.messages(caller, asker, id)
        return await self.messages.receive(caller, asker, [one.tree for one in found])


@asynccontextmanager
async def open_practice(
    store: Store, clock: Hands | None = None, limits: Limits = USUAL
) -> AsyncIterator[Practice]:
    """Everything wired over an open store."""
    clock = clock or Hands(NOW)
    door = Door(
        Parts(store, store, decider(), REGISTRY, extract, clock, new_id, base=BASE, keeps=KEEPS)
    )
    pools = Pools(door, clock)
    messages, reading = Messages(door, pools, clock, new_id, limits), Reading(door)
    tasks = Tasks(door, pools, clock, new_id)
    consults = Consults(messages, Promise(48, 8))
    operations = (
        *OPERATIONS,
        *Operations(messages, reading).offered(),
        *ConsultOperations(consults).offered(),
    )
    tokens = Tokens(bytes(32), clock)
    app = Fhir(
        Http(door, Pages(bytes(range(32))), LIMIT),
        tokens.resolve,
        Capabilities(REGISTRY, operations, clock()),
        operations,
        Addressing(),
    )
    everything = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
    async with client(app, tokens.issue(everything, 10**7)) as http:
        practice = Practice(
            store, clock, door, tokens, app, http, messages, reading, tasks, consults
        )
        await practice.put(*PEOPLE)
        yield practice
