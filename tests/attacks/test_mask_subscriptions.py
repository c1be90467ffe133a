"""A subscription tells by what it sends, and by whether it sends: neither tells what is masked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from careplane.interop.subscriptions.catalogue import change_of
from careplane.interop.subscriptions.names import FHIR_TYPES, TOPICS
from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryState
from tests.contracts.engines import ENGINES
from tests.fhir_house import client
from tests.mask_house import FREE, MASKED, OPEN, caller, marked_patient
from tests.subscription_house import (
    Subscribing,
    open_subscribing,
    receiving,
    subscribe,
    subscription,
    until,
)

pytestmark = pytest.mark.anyio

PATIENTS = change_of("Patient")
POLICIES = {
    "masked.cedar": """
        @hides("Patient.telecom, Encounter.status")
        permit (principal in Role::"masked", action, resource);""",
    "study.cedar": '@deidentified("s") permit (principal in Role::"study", action, resource);',
    "free.cedar": OPEN,
}
BASIC = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Subscribing]:
    store, state = ENGINES["memory"](tmp_path, system_clock), MemoryState()
    async with open_subscribing(store, state, policies=POLICIES) as house:
        yield house
    await store.close()


def of(house: Subscribing, *roles: str) -> httpx.AsyncClient:
    return client(house.app, house.tokens.issue(caller(*roles), 3600))


async def test_a_payload_is_masked(house: Subscribing) -> None:
    async with receiving() as mine, receiving() as whole:
        for receiver, who in ((mine, MASKED), (whole, FREE)):
            async with client(house.app, house.tokens.issue(who, 3600)) as http:
                wanted = subscription(PATIENTS, receiver.url, content="full-resource")
                await subscribe(house, wanted, http)
        await house.put(marked_patient("p"))
        await until(lambda: mine.numbers() == whole.numbers() == [1])
    assert "mkphone" in str(whole.bundles())
    assert "Mkfamily" in str(mine.bundles())
    assert "mkphone" not in str(mine.bundles())


async def _topic(house: Subscribing, **trigger: str) -> str:
    """A topic of somebody who sees everything."""
    url = "http://example.org/topics/phone"
    inner = [{"url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Patient"}]
    for name, value in trigger.items():
        if name == "current":
            query = [{"url": "current", "valueString": value}]
            inner.append({"url": "queryCriteria", "extension": query})  # type: ignore[dict-item]
        else:
            inner.append({"url": name, "valueString": value})
    basic = {
        "resourceType": "Basic", "id": "topic",
        "code": {"coding": [{"system": FHIR_TYPES, "code": "SubscriptionTopic"}]},
        "extension": [{"url": f"{BASIC}url", "valueUri": url},
                      {"url": f"{BASIC}resourceTrigger", "extension": inner}],
    }  # fmt: skip
    await house.put(basic)
    return url


ASKING = {
    "a filter": (PATIENTS, ("Patient?phone=mkphone",), {}),
    "a filter of any type": (PATIENTS, ("phone=mkphone",), {}),
    "a ready topic": (TOPICS + "encounter-start", (), {}),
    "a topic of another": ("", (), {"current": "phone=mkphone"}),
    "a topic by FHIRPath": ("", (), {"fhirPathCriteria": "%current.telecom.exists()"}),
}


@pytest.mark.parametrize("name", ASKING)
async def test_that_it_sends_tells_nothing(house: Subscribing, name: str) -> None:
    topic, filters, trigger = ASKING[name]
    url = topic or await _topic(house, **trigger)
    wanted = subscription(url, "http://127.0.0.1:9/hook", *filters)
    async with of(house, "masked") as masked, of(house, "free") as free:
        assert (await masked.post("Subscription", json=wanted)).status_code in (400, 403, 422)
        assert (await free.post("Subscription", json=wanted)).status_code == 201


async def test_a_subscription_of_before_ends_where_its_owner_sees_less(tmp_path: Path) -> None:
    """Policies are read when a server starts."""
    store, state = ENGINES["memory"](tmp_path, system_clock), MemoryState()
    whole = {**POLICIES, "masked.cedar": 'permit (principal in Role::"masked", action, resource);'}
    async with receiving() as receiver:
        async with (
            open_subscribing(store, state, policies=whole) as house,
            of(house, "masked") as h,
        ):
            wanted = subscription(PATIENTS, receiver.url, "Patient?phone=mkphone")
            id = await subscribe(house, wanted, h)
        async with open_subscribing(store, state, policies=POLICIES) as house:

            async def refused() -> bool:
                return await house.status(id) == "error"

            await until(refused)
            await house.put(marked_patient("p"))
            assert receiver.numbers() == []
    await store.close()


async def test_who_sees_records_de_identified_subscribes_to_nothing(house: Subscribing) -> None:
    async with of(house, "study") as http:
        wanted = json.dumps(subscription(PATIENTS, "http://127.0.0.1:9/hook"))
        assert (await http.post("Subscription", content=wanted)).status_code == 403
