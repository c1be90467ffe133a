"""Channels that need servers of their own: a mail server, a whole Careplane with its websocket, and
one that is killed while it delivers."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from aiosmtpd.controller import Controller

from careplane.interop.subscriptions.catalogue import change_of
from careplane.kernel.clock import system_clock
from careplane.kernel.mail import Mailbox
from careplane.storage.engines.memory import MemoryState, MemoryStore
from tests.fhir_house import observation, patient
from tests.subscription_house import (
    events,
    numbers,
    open_subscribing,
    receiving,
    said,
    subscribe,
    subscription,
    until,
)
from tools.bench import server

pytestmark = pytest.mark.anyio
OBSERVATIONS = change_of("Observation")


class Letters:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    kept = Letters()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


async def test_a_mail_says_that_something_happened_and_not_what(
    letters: tuple[Letters, int],
) -> None:
    kept, port = letters
    mailbox = Mailbox("127.0.0.1", port, "ward@example.org", "none")
    store, state = MemoryStore(system_clock), MemoryState()
    async with open_subscribing(store, state, mailbox=mailbox) as house:
        await house.put(patient("p1"))
        wanted = subscription(
            OBSERVATIONS, "mailto:me@example.org", kind="email", content="empty", mime="text/plain"
        )
        id = await subscribe(house, wanted)
        await house.put(observation("secret", "p1"))
        await until(lambda: len(kept.taken) == 2)
    to, text = kept.taken[1]
    assert to == ["me@example.org"]
    assert "Event: 1" in text
    assert f"Subscription/{id}/$events?eventsSinceNumber=1" in text
    assert "secret" not in text
    assert "p1" not in text


async def test_no_mail_without_a_mail_server() -> None:
    store, state = MemoryStore(system_clock), MemoryState()
    async with open_subscribing(store, state) as house:
        wanted = subscription(
            OBSERVATIONS, "mailto:me@example.org", kind="email", content="empty", mime="text/plain"
        )
        answer = await house.http.post("Subscription", json=wanted)
        assert answer.status_code == 501
        assert "sends no mail" in answer.text


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in (("SUBSCRIPTION_HOSTS", "127.0.0.1"), ("SUBSCRIPTION_HTTP", "true")):
        monkeypatch.setitem(server.ENVIRONMENT, f"CAREPLANE_{name}", value)
    server.command("init", data=tmp_path / "data")
    return tmp_path / "data"


def _client(running: server.Server, token: str = "") -> httpx.AsyncClient:
    headers = {
        "authorization": f"Bearer {token or running.token}",
        "content-type": "application/fhir+json",
    }
    return httpx.AsyncClient(base_url=running.base + "/", headers=headers, timeout=30)


async def _active(http: httpx.AsyncClient, wanted: dict[str, Any]) -> str:
    answer = await http.post("Subscription", json=wanted)
    assert answer.status_code == 201, answer.text
    id = str(answer.json()["id"])

    async def active() -> bool:
        return bool((await http.get(f"Subscription/{id}")).json()["status"] == "active")

    await until(active, 30)
    return id


async def test_a_websocket_is_bound_and_told(data: Path) -> None:
    with server.serving(data) as running:
        async with _client(running) as http:
            await http.put("Patient/p1", json=patient("p1"))
            one = await _active(http, subscription(OBSERVATIONS, kind="websocket"))
            two = await _active(http, subscription(change_of("Patient"), kind="websocket"))
            answer = (await http.get("Subscription/$get-ws-binding-token")).json()
            given = {
                p["name"]: next(v for k, v in p.items() if k.startswith("value"))
                for p in answer["parameter"]
            }
            async with websockets.connect(given["websocket-url"]) as socket:
                await socket.send("ping")
                assert await socket.recv() == "pong"
                await socket.send(f"bind-with-token {given['token']}")
                hello = [json.loads(await socket.recv()) for _ in range(2)]
                assert {said(h, "type") for h in hello} == {"handshake"}
                assert {said(h, "subscription")["reference"].rpartition("/")[2] for h in hello} == {
                    one, two,
                }  # fmt: skip
                await http.put("Observation/o1", json=observation("o1", "p1"))
                told = json.loads(await asyncio.wait_for(socket.recv(), 10))
                assert said(told, "type") == "event-notification"
                assert events(told)[0]["focus"]["reference"].endswith("/fhir/Observation/o1")
            async with websockets.connect(given["websocket-url"]) as socket:
                await socket.send("bind-with-token nonsense")
                with pytest.raises(websockets.ConnectionClosed):
                    await asyncio.wait_for(socket.recv(), 10)
            other = server.command(
                "token", "--scope", "system/*.cruds", "--client", "client/other", data=data
            ).strip()
            async with _client(running, other) as stranger:
                refused = await stranger.get(f"Subscription/{one}/$get-ws-binding-token")
                assert refused.status_code == 403, "a socket is for the owner"
            elsewhere = given["websocket-url"].replace("subscriptions", "other")
            with pytest.raises(websockets.InvalidStatus):
                async with websockets.connect(elsewhere):
                    pass


async def test_a_server_that_is_killed_tells_all_after_its_restart(data: Path) -> None:
    async with receiving() as receiver:
        with server.serving(data) as running:
            async with _client(running) as http:
                await http.put("Patient/p1", json=patient("p1"))
                await _active(http, subscription(OBSERVATIONS, receiver.url, count=1))
                receiver.answer = lambda number: 200 if number % 3 else 500
                for number in range(12):
                    answer = await http.put(
                        f"Observation/o{number}", json=observation(f"o{number}", "p1")
                    )
                    assert answer.status_code == 201
            running.kill(signal.SIGKILL)
        receiver.answer = lambda number: 200
        with server.serving(data):
            await until(lambda: set(receiver.numbers()) == set(range(1, 13)), 60)
        told = receiver.bundles("event-notification")
        focus = {numbers(one)[0]: events(one)[0]["focus"]["reference"] for one in told}
        assert len(set(focus.values())) == 12, "each number has kept its meaning"
        assert len(receiver.bundles("handshake")) == 1
