"""A house with subscriptions at work, and receivers for what it tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.reach import Reach
from careplane.interop.subscriptions.room import House as Room
from careplane.interop.subscriptions.room import Subscriptions
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id
from careplane.kernel.mail import Mailbox
from careplane.ledger.audit import AuditRecord, decode
from careplane.records.door import Door
from careplane.records.parts import Parts
from careplane.rest.addressing import Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.links import Pages
from careplane.rest.service import Service
from careplane.search.criterion import Setting
from careplane.search.extract import extract
from careplane.storage.ports.state import StateStore
from tests.contracts.engines import Store
from tests.fhir_house import BASE, LIMIT, REGISTRY, TENANT, client, decider, studies

LOCAL = Reach(frozenset({"127.0.0.1"}), http=True)


@dataclass
class Subscribing:
    """One installation with its service running. `http` speaks with all rights."""

    store: Store
    door: Door
    room: Subscriptions
    tokens: Tokens
    app: Fhir
    http: httpx.AsyncClient

    def caller(self, scopes: str, patient: str | None = None, id: str = "client/test") -> Caller:
        return Caller(TENANT, id, "Test", parse_scopes(scopes), patient)

    def client(
        self, scopes: str, patient: str | None = None, id: str = "client/test"
    ) -> httpx.AsyncClient:
        return client(self.app, self.tokens.issue(self.caller(scopes, patient, id), 3600))

    async def put(self, resource: dict[str, Any]) -> None:
        """Store a resource under its own id."""
        url = f"{resource['resourceType']}/{resource['id']}"
        answer = await self.http.put(url, json=resource)
        assert answer.status_code in (200, 201), answer.text

    async def status(self, id: str) -> str:
        """The status of a subscription as its resource has it."""
        return str((await self.http.get(f"Subscription/{id}")).json()["status"])

    async def audit(self) -> list[AuditRecord]:
        return [decode(record) for _, record in await self.store.tail(TENANT, 0, 100_000)]


@asynccontextmanager
async def open_subscribing(
    store: Store,
    state: StateStore,
    *,
    reach: Reach = LOCAL,
    mailbox: Mailbox | None = None,
    attempts: int = 20,
    serving: bool = True,
    policies: Mapping[str, str] | None = None,
) -> AsyncIterator[Subscribing]:
    """Everything wired over open stores."""
    room = Subscriptions(
        Room(
            state,
            TENANT,
            Pages(bytes(range(1, 33))),
            Setting(REGISTRY, BASE),
            extract,
            system_clock,
            BASE,
            reach,
            mailbox,
            attempts,
            decider(policies).view,
        )
    )
    door = Door(
        Parts(
            store,
            store,
            decider(policies),
            REGISTRY,
            extract,
            system_clock,
            new_id,
            base=BASE,
            announce=room.announced,
            admissions=room.admissions,
            studies=studies,
        )
    )
    room.open(door)
    operations = room.operations().offered()
    tokens = Tokens(bytes(32), system_clock)
    app = Fhir(
        Service(door, Pages(bytes(range(32))), LIMIT),
        tokens.resolve,
        Capabilities(REGISTRY, operations, system_clock(), lambda _, base: room.capabilities(base)),
        operations,
        Addressing(),
    )
    everything = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
    await room.warm()
    service = asyncio.create_task(room.serve()) if serving else None
    try:
        async with client(app, tokens.issue(everything, 3600)) as http:
            yield Subscribing(store, door, room, tokens, app, http)
    finally:
        if service is not None:
            service.cancel()
            with suppress(asyncio.CancelledError):
                await service
        await room.close()


@dataclass
class Receiver:
    """An HTTP server that keeps what it is sent. `answer` says with what status, per request, or
    that it never answers (0)."""

    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[int], int] = lambda number: 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def bundles(self, type: str | None = None) -> list[dict[str, Any]]:
        """The notifications so far, of one type where one is named."""
        found = [json.loads(body) for _, _, body in self.requests]
        return [one for one in found if type in (None, said(one, "type"))]

    def numbers(self) -> list[int]:
        """The numbers of events, in the order in which they came."""
        return [n for one in self.bundles("event-notification") for n in numbers(one)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        status = self.answer(len(self.requests))
        self.requests.append((first, headers, body))
        if status == 0:
            await asyncio.sleep(60)
        location = "location: http://127.0.0.1:1/elsewhere\r\n" if status == 302 else ""
        end = f"{location}content-length: 0\r\nconnection: close\r\n\r\n"
        writer.write(f"HTTP/1.1 {status} X\r\n{end}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving(answer: Callable[[int], int] | None = None) -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver()
    if answer is not None:
        receiver.answer = answer
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def one() -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await receiver.serve(reader, writer)
            writer.close()

        task = asyncio.ensure_future(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def subscription(
    topic: str,
    endpoint: str = "",
    *filters: str,
    kind: str = "rest-hook",
    content: str = "id-only",
    mime: str = "application/fhir+json",
    headers: tuple[str, ...] = (),
    **numbers: int,
) -> dict[str, Any]:
    """A Subscription of the backport."""
    urls = {
        "heartbeat": (names.HEARTBEAT, "valueUnsignedInt"),
        "timeout": (names.TIMEOUT, "valueUnsignedInt"),
        "count": (names.MAX_COUNT, "valuePositiveInt"),
    }
    channel: dict[str, Any] = {
        "type": kind,
        "payload": mime,
        "_payload": {"extension": [{"url": names.CONTENT, "valueCode": content}]},
    }
    if endpoint:
        channel["endpoint"] = endpoint
    if headers:
        channel["header"] = list(headers)
    if numbers:
        channel["extension"] = [{"url": urls[k][0], urls[k][1]: v} for k, v in numbers.items()]
    made: dict[str, Any] = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "To test",
        "criteria": topic,
        "channel": channel,
    }
    if filters:
        extension = [{"url": names.FILTER, "valueString": one} for one in filters]
        made["_criteria"] = {"extension": extension}
    return made


def said(bundle: dict[str, Any], name: str) -> Any:
    """A parameter of the status in a notification."""
    parameters = bundle["entry"][0]["resource"]["parameter"]
    for parameter in parameters:
        if parameter["name"] == name:
            return next(v for k, v in parameter.items() if k.startswith("value"))
    return None


def events(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The events in a notification, as names and values."""
    return [
        {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in one["part"]}
        for one in bundle["entry"][0]["resource"]["parameter"]
        if one["name"] == "notification-event"
    ]


def numbers(bundle: dict[str, Any]) -> list[int]:
    """The numbers of the events in a notification."""
    return [int(event["event-number"]) for event in events(bundle)]


def foci(bundle: dict[str, Any]) -> list[str]:
    """What the events are about, without the base address."""
    return [
        e["focus"]["reference"].removeprefix(BASE + "/") for e in events(bundle) if "focus" in e
    ]


async def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait for something to be true; what it came to."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


async def subscribe(house: Subscribing, resource: dict[str, Any], by: Any = None) -> str:
    """Create a subscription and wait until it is active; its id."""
    answer = await (by or house.http).post("Subscription", json=resource)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "requested"
    id = str(answer.json()["id"])

    async def active() -> bool:
        return await house.status(id) == "active"

    await until(active)
    return id
