"""Subscriptions from the handshake to the last event, over each engine, with a receiver that is a
server of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from careplane.fhir.codec import xml
from careplane.interop.subscriptions import courier
from careplane.interop.subscriptions.catalogue import change_of
from careplane.interop.subscriptions.channels.rest_hook import RestHook
from careplane.interop.subscriptions.journal import Journal
from careplane.interop.subscriptions.names import FHIR_TYPES, TOPICS
from careplane.interop.subscriptions.reach import Reach
from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryState, MemoryStore
from careplane.storage.ports.state import StateStore
from tests.contracts.engines import ENGINES, Store
from tests.contracts.test_state import STATES
from tests.fhir_house import bundle, entry, observation, patient
from tests.subscription_house import (
    Subscribing,
    events,
    foci,
    numbers,
    open_subscribing,
    receiving,
    said,
    subscribe,
    subscription,
    until,
)

pytestmark = pytest.mark.anyio
OBSERVATIONS = change_of("Observation")


def opened(engine: str, folder: Path) -> tuple[Store, StateStore]:
    return ENGINES[engine](folder, system_clock), STATES[engine](folder)


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subscribing]:
    store, state = opened(request.param, tmp_path)
    async with open_subscribing(store, state) as house:
        yield house
    await store.close()
    await state.close()


async def test_a_subscription_from_handshake_to_deletion(house: Subscribing) -> None:
    async with receiving() as receiver:
        wanted = subscription(
            OBSERVATIONS,
            receiver.url,
            "Observation?patient=p1",
            headers=("Authorization: Bearer x",),
        )
        id = await subscribe(house, wanted)
        (hello,) = receiver.bundles("handshake")
        assert hello["type"] == "history"
        assert said(hello, "status") == "requested"
        first, headers, _ = receiver.requests[0]
        assert first == "POST /hook HTTP/1.1"
        assert headers["authorization"] == "Bearer x"
        assert headers["content-type"] == "application/fhir+json"
        await house.put(patient("p1"))
        await house.put(patient("p2"))
        await house.put(observation("o1", "p1"))
        await house.put(observation("o2", "p2"))
        await house.put(observation("o1", "p1", "8867-4"))
        await house.http.delete("Observation/o1")
        await until(lambda: receiver.numbers() == [1, 2, 3])
        told = receiver.bundles("event-notification")
        assert [f for one in told for f in foci(one)] == ["Observation/o1"] * 3
        assert said(told[-1], "events-since-subscription-start") == "3"
        assert said(told[-1], "topic") == OBSERVATIONS
        assert (await house.http.delete(f"Subscription/{id}")).status_code in (200, 204)
        await house.put(observation("o3", "p1"))
        await asyncio.sleep(0.2)
        assert receiver.numbers() == [1, 2, 3]


async def test_payloads_say_as_much_as_was_asked_for(house: Subscribing) -> None:
    await house.put(patient("p1"))
    async with receiving() as empty, receiving() as full, receiving() as written:
        await subscribe(house, subscription(OBSERVATIONS, empty.url, content="empty"))
        await subscribe(house, subscription(OBSERVATIONS, full.url, content="full-resource"))
        mime = "application/fhir+xml"
        await subscribe(house, subscription(OBSERVATIONS, written.url, mime=mime))
        value = {"valueQuantity": {"value": 0, "unit": "kg"}}
        raw = json.dumps(observation("o1", "p1", **value)).replace('"value": 0', '"value": 1.00')
        await house.http.put("Observation/o1", content=raw)
        await until(lambda: empty.numbers() == full.numbers() == [1])
        await until(lambda: len(written.requests) == 2)
    (nothing,) = empty.bundles("event-notification")
    assert "Observation" not in json.dumps(nothing)
    assert said(nothing, "topic") is None
    body = full.requests[-1][2]
    assert b'"value":1.00' in body, "the bytes of the resource go out as they are stored"
    entry = json.loads(body)["entry"][1]
    assert entry["resource"]["id"] == "o1"
    assert entry["request"] == {"method": "PUT", "url": "Observation/o1"}
    assert written.requests[1][1]["content-type"] == mime
    assert xml.parse(written.requests[1][2])["type"] == "history"


async def test_ready_topics(house: Subscribing) -> None:
    await house.put(patient("p1"))

    def encounter(status: str, kind: str = "IMP") -> dict[str, Any]:
        system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
        return {
            "resourceType": "Encounter",
            "id": "e1",
            "status": status,
            "class": {"system": system, "code": kind},
            "subject": {"reference": "Patient/p1"},
        }

    topics = ("admission", "discharge", "encounter-start", "encounter-end")
    async with receiving() as r0, receiving() as r1, receiving() as r2, receiving() as r3:
        for name, receiver in zip(topics, (r0, r1, r2, r3), strict=True):
            await subscribe(house, subscription(TOPICS + name, receiver.url))
        for status in ("planned", "arrived", "in-progress", "finished", "finished"):
            await house.put(encounter(status))
        await house.http.delete("Encounter/e1")
        await house.put(encounter("in-progress", "AMB") | {"id": "e2"})
        await until(lambda: r2.numbers() == [1, 2])
        await until(lambda: all(r.numbers() == [1] for r in (r0, r1, r3)))


async def test_a_topic_that_a_client_posts(house: Subscribing) -> None:
    base = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
    url = "http://example.org/topics/tall"

    def topic(fhirpath: str) -> dict[str, Any]:
        trigger = [
            {"url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Observation"},
            {"url": "supportedInteraction", "valueCode": "update"},
            {"url": "fhirPathCriteria", "valueString": fhirpath},
        ]
        filters = [
            {"url": "resource", "valueUri": "Observation"},
            {"url": "filterParameter", "valueString": "patient"},
        ]
        return {
            "resourceType": "Basic",
            "code": {"coding": [{"system": FHIR_TYPES, "code": "SubscriptionTopic"}]},
            "extension": [
                {"url": base + "url", "valueUri": url},
                {"url": base + "resourceTrigger", "extension": trigger},
                {"url": base + "canFilterBy", "extension": filters},
            ],
        }

    refused = await house.http.post("Basic", json=topic("status = "))
    assert refused.status_code == 400, refused.text
    async with receiving() as receiver:
        early = await house.http.post("Subscription", json=subscription(url, receiver.url))
        assert early.status_code == 400
        assert "no such topic" in early.text
        rule = "%previous.status != 'amended' and %current.status = 'amended'"
        assert (await house.http.post("Basic", json=topic(rule))).status_code == 201
        assert (await house.http.post("Basic", json=topic(rule))).status_code == 400, "taken"
        wrong = subscription(url, receiver.url, "Observation?code=1")
        assert "cannot be filtered" in (await house.http.post("Subscription", json=wrong)).text
        await subscribe(house, subscription(url, receiver.url, "patient=p1"))
        await house.put(patient("p1"))
        await house.put(observation("o1", "p1"))
        await house.put(observation("o1", "p1") | {"status": "amended"})
        await house.put(observation("o1", "p1", "1") | {"status": "amended"})
        await house.put(observation("o2", "p1") | {"status": "amended"})
        await until(lambda: receiver.numbers() == [1])
        await asyncio.sleep(0.2)
        assert receiver.numbers() == [1]


async def test_a_notification_shows_what_its_owner_may_read(house: Subscribing) -> None:
    await house.put(patient("p1"))
    await house.put(patient("p2"))
    scopes = "patient/Observation.rs user/Subscription.cruds"
    async with receiving() as receiver, house.client(scopes, "p1") as theirs:
        wanted = subscription(OBSERVATIONS, receiver.url, content="full-resource")
        id = await subscribe(house, wanted, theirs)
        await house.put(observation("o2", "p2"))
        await house.put(observation("o1", "p1"))
        await house.http.delete("Observation/o2")
        await house.http.delete("Observation/o1")
        await until(lambda: receiver.numbers() == [1, 2])
        sent = b"".join(body for _, _, body in receiver.requests)
        assert b"p2" not in sent
        assert b"Observation/o2" not in sent
        told = [record for record in await house.audit() if record.interaction == "notify"]
        assert {record.agent for record in told} == {"client/test"}
        assert {key for record in told for key in record.versions} >= {("Observation", "o1", 2)}
        mine = (await house.http.get(f"Subscription/{id}")).json()
        assert "patient/Observation" not in json.dumps(mine), "the seal says nothing of the owner"


async def test_who_changes_a_subscription_owns_it(house: Subscribing) -> None:
    """Or else somebody could have another's records sent to himself."""
    await house.put(patient("p1"))
    async with receiving() as first, receiving() as second:
        id = await subscribe(house, subscription(OBSERVATIONS, first.url))
        async with house.client("user/Subscription.cruds") as thief:
            resource = (await thief.get(f"Subscription/{id}")).json()
            resource["channel"]["endpoint"] = second.url
            assert (await thief.put(f"Subscription/{id}", json=resource)).status_code == 200
        await until(lambda: second.bundles("handshake"))
        await house.put(observation("o1", "p1"))
        await asyncio.sleep(0.3)
        assert not first.numbers()
        assert not second.numbers()


@pytest.mark.parametrize("status", [500, 302, 404])
async def test_a_handshake_that_fails_is_an_error(house: Subscribing, status: int) -> None:
    async with receiving(lambda number: status) as receiver:
        answer = await house.http.post(
            "Subscription", json=subscription(OBSERVATIONS, receiver.url)
        )
        id = answer.json()["id"]

        async def failed() -> bool:
            return await house.status(id) == "error"

        await until(failed)
        found = (await house.http.get(f"Subscription/{id}")).json()
        assert found["error"] == f"The endpoint answered {status}."
        assert len(receiver.requests) == 1, "no redirect is followed, nothing is tried again"


async def test_a_dead_receiver_is_tried_again_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "delay", lambda fails, chance: 0.02)
    store, state = MemoryStore(system_clock), MemoryState()
    async with (
        open_subscribing(store, state, attempts=5) as house,
        receiving(lambda number: 200 if number == 0 else 503) as dead,
        receiving(lambda number: 0 if number == 1 else 200) as slow,
        receiving() as well,
    ):
        await house.put(patient("p1"))
        given_up = await subscribe(house, subscription(OBSERVATIONS, dead.url))
        await subscribe(house, subscription(OBSERVATIONS, slow.url, timeout=1))
        await subscribe(house, subscription(OBSERVATIONS, well.url, count=1))
        for number in range(5):
            await house.put(observation(f"o{number}", "p1"))
        await until(lambda: well.numbers() == [1, 2, 3, 4, 5], 2)

        async def is_off() -> bool:
            return await house.status(given_up) == "off"

        await until(is_off)
        assert len(dead.requests) == 1 + 5
        state_of = (await house.http.get(f"Subscription/{given_up}")).json()
        assert state_of["error"] == "Given up after 5 attempts. The endpoint answered 503."
        await until(lambda: slow.numbers()[-1:] == [5])
        assert set(slow.numbers()) == {1, 2, 3, 4, 5}
        again = (
            await house.http.get(f"Subscription/{given_up}/$events?eventsSinceNumber=2")
        ).json()
        assert numbers(again) == [2, 3, 4, 5], "what was given up can still be asked for"
        dead.answer = lambda number: 200
        await house.http.put(f"Subscription/{given_up}", json=state_of | {"status": "requested"})
        await until(lambda: len(dead.bundles("handshake")) == 2)

        async def is_active() -> bool:
            return await house.status(given_up) == "active"

        await until(is_active)
        await house.put(observation("o9", "p1"))
        await until(lambda: dead.numbers()[-1] == 6)


async def test_a_receiver_that_comes_back(house: Subscribing, monkeypatch: Any) -> None:
    monkeypatch.setattr(courier, "delay", lambda fails, chance: 0.05)
    await house.put(patient("p1"))
    async with receiving() as receiver:
        id = await subscribe(house, subscription(OBSERVATIONS, receiver.url))
        receiver.answer = lambda number: 503
        await house.put(observation("o1", "p1"))

        async def is_error() -> bool:
            return await house.status(id) == "error"

        await until(is_error)
        receiver.answer = lambda number: 200

        async def is_active() -> bool:
            return await house.status(id) == "active"

        await until(is_active)
        await house.put(observation("o2", "p1"))
        await until(lambda: receiver.numbers()[-1] == 2)


@pytest.mark.parametrize("engine", STATES)
async def test_what_was_written_while_nobody_served_is_told(engine: str, tmp_path: Path) -> None:
    store, state = opened(engine, tmp_path)

    def told() -> list[int]:
        """An event may come twice, where the service ended before it noted the answer."""
        return list(dict.fromkeys(receiver.numbers()))

    async with receiving() as receiver:
        async with open_subscribing(store, state) as house:
            await house.put(patient("p1"))
            id = await subscribe(house, subscription(OBSERVATIONS, receiver.url))
            await house.put(observation("o1", "p1"))
            await until(lambda: told() == [1])
        async with open_subscribing(store, state, serving=False) as house:
            await house.put(observation("o2", "p1"))
            await house.put(observation("o3", "p1"))
        async with open_subscribing(store, state) as house:
            await until(lambda: told() == [1, 2, 3])
            await house.put(observation("o4", "p1"))
            await until(lambda: told() == [1, 2, 3, 4])
            status = (await house.http.get(f"Subscription/{id}/$status")).json()
            assert said(status, "events-since-subscription-start") == "4"
            assert len(receiver.bundles("handshake")) == 1
    await store.close()
    await state.close()


async def test_what_is_not_noted_yet_while_others_are_told_is_not_lost(
    house: Subscribing, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, send = Journal.append, RestHook.send

    async def slowly(self: Journal, *what: Any) -> None:
        await asyncio.sleep(0.6)
        await append(self, *what)

    async def for_a_while(self: RestHook, *what: Any) -> None:
        await send(self, *what)
        await asyncio.sleep(0.3)

    await house.put(patient("p1"))
    async with receiving() as receiver:
        await subscribe(house, subscription(OBSERVATIONS, receiver.url))
        monkeypatch.setattr(Journal, "append", slowly)
        monkeypatch.setattr(RestHook, "send", for_a_while)
        await house.put(observation("o1", "p1"))
        await until(lambda: receiver.numbers() == [1])
        await house.put(observation("o2", "p1"))  # noted when the first one has been told
        await until(lambda: receiver.numbers() == [1, 2])


async def test_a_transaction_is_told_in_one_piece_with_its_order(house: Subscribing) -> None:
    await house.put(patient("p1"))
    async with receiving() as receiver:
        await subscribe(house, subscription(OBSERVATIONS, receiver.url, count=10))
        entries = [entry("PUT", f"Observation/o{n}", observation(f"o{n}", "p1")) for n in range(25)]
        answer = await house.http.post("", content=bundle("transaction", *entries))
        assert answer.status_code == 200, answer.text
        await until(lambda: len(receiver.numbers()) == 25)
        told = receiver.bundles("event-notification")
        assert [numbers(one) for one in told] == [
            [*range(1, 11)], [*range(11, 21)], [*range(21, 26)],
        ]  # fmt: skip
        assert sorted(f for one in told for f in foci(one)) == sorted(
            f"Observation/o{n}" for n in range(25)
        )


async def test_heartbeats(house: Subscribing, monkeypatch: pytest.MonkeyPatch) -> None:
    from careplane.interop.subscriptions import subscription as value

    monkeypatch.setattr(value, "LEAST_HEARTBEAT", 1)
    async with receiving() as receiver:
        await subscribe(house, subscription(OBSERVATIONS, receiver.url, heartbeat=1))
        await until(lambda: len(receiver.bundles("heartbeat")) >= 2)
        assert not events(receiver.bundles("heartbeat")[0])


async def test_heartbeats_go_on_after_some_that_failed(
    house: Subscribing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from careplane.interop.subscriptions import subscription as value

    monkeypatch.setattr(value, "LEAST_HEARTBEAT", 1)
    monkeypatch.setattr(courier, "delay", lambda fails, chance: 0.01)
    async with receiving(lambda number: 503 if number in (1, 2, 3) else 200) as receiver:
        id = await subscribe(house, subscription(OBSERVATIONS, receiver.url, heartbeat=1))

        async def is_error() -> bool:
            return await house.status(id) == "error"

        async def is_active() -> bool:
            return await house.status(id) == "active"

        await until(is_error)
        await until(is_active)
        assert len(receiver.requests) >= 5


async def test_a_subscription_whose_time_is_over(house: Subscribing) -> None:
    async with receiving() as receiver:
        wanted = subscription(OBSERVATIONS, receiver.url) | {"end": "2020-01-01T00:00:00Z"}
        id = (await house.http.post("Subscription", json=wanted)).json()["id"]

        async def is_off() -> bool:
            return await house.status(id) == "off"

        await until(is_off)


async def test_operations(house: Subscribing) -> None:
    await house.put(patient("p1"))
    async with receiving() as receiver:
        id = await subscribe(house, subscription(OBSERVATIONS, receiver.url))
        for number in range(3):
            await house.put(observation(f"o{number}", "p1"))
        await until(lambda: len(receiver.numbers()) == 3)
        one = (await house.http.get(f"Subscription/{id}/$status")).json()
        assert one["type"] == "searchset"
        assert said(one, "type") == "query-status"
        assert said(one, "status") == "active"
        all_of_them = (await house.http.get("Subscription/$status?status=off")).json()
        assert all_of_them["total"] == 0
        part = (
            await house.http.get(
                f"Subscription/{id}/$events?eventsSinceNumber=2&eventsUntilNumber=2"
                "&content=full-resource"
            )
        ).json()
        assert numbers(part) == [2]
        assert part["entry"][1]["resource"]["id"] == "o1"
        async with house.client("user/Subscription.rs") as blind:
            unseen = (await blind.get(f"Subscription/{id}/$events?content=full-resource")).json()
            assert numbers(unseen) == [1, 2, 3]
            assert not foci(unseen)
            assert len(unseen["entry"]) == 1
        bad = await house.http.get(f"Subscription/{id}/$events?eventsSinceNumber=x")
        assert bad.status_code == 400
        none = await house.http.get(f"Subscription/{id}/$get-ws-binding-token")
        assert none.status_code == 403
        statement = (await house.http.get("metadata")).json()
        listed = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Subscription")
        assert {o["name"] for o in listed["operation"]} == {
            "status", "events", "get-ws-binding-token",
        }  # fmt: skip
        assert OBSERVATIONS in {e["valueCanonical"] for e in listed["extension"]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"criteria": "Observation?code=1"}, "topic-based"),
        ({"criteria": "urn:careplane:topic:none"}, "no such topic"),
        ({"_criteria": "Patient?name=x"}, "tells nothing of Patient"),
        ({"_criteria": "Observation?nonsense=x"}, "no search parameter"),
        ({"_criteria": "Observation?subject.name=x"}, "no chains"),
        ({"endpoint": "ftp://example.org"}, "http or https"),
        ({"endpoint": "https://user:word@example.org"}, "without user"),
        ({"endpoint": "https://10.0.0.1/x"}, "not public"),
        ({"endpoint": "https://[::1]/x"}, "not public"),
        ({"endpoint": "https://169.254.169.254/latest"}, "not public"),
        ({"endpoint": "https://localhost/x"}, "not public"),
        ({"header": ["Host: evil"]}, "set by the server"),
        ({"header": ["A: b\r\nC: d"]}, "one line"),
        ({"payload": "text/html"}, "payload of a rest-hook"),
        ({"_payload": None}, "backport-payload-content"),
        ({"type": "sms"}, "channel is one of"),
        ({"type": "email", "endpoint": "mailto:a@example.org"}, "empty"),
    ],
)
async def test_what_cannot_be_is_refused(
    house: Subscribing, change: dict[str, Any], text: str
) -> None:
    wanted = subscription(OBSERVATIONS, "https://example.org/hook")
    for name, value in change.items():
        if name == "_criteria":
            more = subscription(OBSERVATIONS, "", value)
            wanted["_criteria"] = more["_criteria"]
        elif name == "criteria":
            wanted["criteria"] = value
        elif value is None:
            del wanted["channel"][name]
        else:
            wanted["channel"][name] = value
    answer = await house.http.post("Subscription", json=wanted)
    assert answer.status_code in (400, 501), answer.text
    assert text in answer.text


async def test_http_and_names_that_lead_inside_are_refused(tmp_path: Path) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.1.2.3"]

    store, state = MemoryStore(system_clock), MemoryState()
    async with open_subscribing(store, state, reach=Reach(resolve=inside)) as house:
        plain = await house.http.post(
            "Subscription", json=subscription(OBSERVATIONS, "http://example.org/hook")
        )
        assert "must be an https address" in plain.text
        sly = subscription(OBSERVATIONS, "https://rebinding.example.org/hook")
        id = (await house.http.post("Subscription", json=sly)).json()["id"]

        async def failed() -> bool:
            return await house.status(id) == "error"

        await until(failed)
        found = (await house.http.get(f"Subscription/{id}")).json()
        assert found["error"] == "The endpoint lies in a network that is not public."


async def test_a_message_to_another_server(house: Subscribing) -> None:
    await house.put(patient("p1"))
    async with receiving() as receiver:
        wanted = subscription(OBSERVATIONS, receiver.url, kind="message", content="full-resource")
        await subscribe(house, wanted)
        await house.put(observation("o1", "p1"))
        await until(lambda: len(receiver.requests) == 2)
    assert {first for first, _, _ in receiver.requests} == {"POST /hook/$process-message HTTP/1.1"}
    message = json.loads(receiver.requests[1][2])
    header, notification = (entry["resource"] for entry in message["entry"])
    assert message["type"] == "message"
    assert header["focus"][0]["reference"] == message["entry"][1]["fullUrl"]
    assert numbers(notification) == [1]
    assert notification["entry"][1]["resource"]["id"] == "o1"
