"""Orders and referrals: over every engine."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from careplane.care.orders.catalogue import shipped
from careplane.care.orders.orders import Repeated
from careplane.care.orders.request import Wanted
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import (
    CareplaneError,
    Conflict,
    Forbidden,
    Incorrect,
    NotFound,
    Precondition,
)
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house
from tests.prescribing_house import COLLEAGUE, DOCTOR, NURSE, PATIENT, clinic, furnish, staff

pytestmark = pytest.mark.anyio
ITEMS = shipped().items
LABS = [ITEMS["cbc"], ITEMS["potassium"]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            await furnish(house)
            yield house
    finally:
        await store.close()


async def stored(house: House, type: str, query: str) -> list[dict[str, Any]]:
    answer = (await house.http.get(f"{type}?{query}")).json()
    return [entry["resource"] for entry in answer.get("entry", ())]


async def test_items_are_ordered_together_and_not_twice_unawares(house: House) -> None:
    orders = clinic(house).orders
    wanted = Wanted("p", "urgent", words="Tired", note="From the left arm", when="2026-12-01")
    first = await orders.place(DOCTOR, wanted, LABS)
    made = await stored(house, "ServiceRequest", "patient=p")
    assert {one["id"] for one in made} == set(first)
    assert len({one["requisition"]["value"] for one in made}) == 1
    assert {one["category"][0]["coding"][0]["code"] for one in made} == {"108252007"}
    assert {one["priority"] for one in made} == {"urgent"}
    with pytest.raises(Repeated) as refused:
        await orders.place(DOCTOR, wanted, [ITEMS["cbc"], ITEMS["tsh"]])
    assert refused.value.titles == ("Complete blood count",)
    assert len(await stored(house, "ServiceRequest", "patient=p")) == 2, "all or nothing"
    await orders.place(DOCTOR, wanted, [ITEMS["cbc"]], again=True)
    done = await asyncio.gather(
        *(orders.place(c, wanted, [ITEMS["crp"]]) for c in (DOCTOR, COLLEAGUE) * 2),
        return_exceptions=True,
    )
    assert sum(isinstance(one, tuple) for one in done) == 1
    assert all(isinstance(one, tuple | Repeated) for one in done), done


async def test_an_order_ends_with_a_reason(house: House) -> None:
    orders = clinic(house).orders
    (id,) = await orders.place(DOCTOR, Wanted("p"), [ITEMS["tsh"]])
    for status, reason in (("revoked", " "), ("nonsense", "x"), ("revoked", "x" * 501)):
        with pytest.raises(Incorrect):
            await orders.end(DOCTOR, id, status, reason, 1)
    with pytest.raises(Precondition):
        await orders.end(DOCTOR, id, "revoked", "Moved away", 3)
    await orders.end(COLLEAGUE, id, "revoked", "Moved away", 1)
    (made,) = await stored(house, "ServiceRequest", f"_id={id}")
    assert made["status"] == "revoked"
    assert made["extension"][0]["valueCodeableConcept"]["text"] == "Moved away"
    with pytest.raises(Conflict):
        await orders.end(DOCTOR, id, "completed", "", 2)
    with pytest.raises(NotFound):
        await orders.end(DOCTOR, "none", "completed", "", 1)


async def test_who_may_not_order(house: House) -> None:
    orders = clinic(house).orders
    (id,) = await orders.place(DOCTOR, Wanted("p"), [ITEMS["tsh"]])
    for caller in (NURSE, PATIENT, staff("f", "front-desk")):
        with pytest.raises(Forbidden):
            await orders.place(caller, Wanted("p"), LABS)
        with pytest.raises((Forbidden, NotFound)):
            await orders.end(caller, id, "revoked", "no", 1)
    with pytest.raises(Incorrect):
        await orders.place(DOCTOR, Wanted("p", "yesterday"), [])


async def test_the_institution_offers_its_own(house: House) -> None:
    mine = clinic(house).orders
    assert "cbc" in (await mine.catalogue(DOCTOR)).items
    topic = [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}]
    await house.put({"resourceType": "ActivityDefinition", "id": "pet", "url": "urn:x:pet",
                     "status": "active", "kind": "ServiceRequest", "title": "PET scan",
                     "topic": topic, "code": {"text": "PET scan"}})  # fmt: skip
    await house.put({"resourceType": "ActivityDefinition", "id": "not", "status": "active",
                     "kind": "Task", "topic": topic})  # fmt: skip
    await house.put({"resourceType": "PlanDefinition", "id": "set", "status": "active",
                     "title": "Staging", "type": {"coding": [{"code": "order-set"}]},
                     "action": [{"definitionCanonical": "urn:x:pet"}]})  # fmt: skip
    found = await mine.catalogue(DOCTOR)
    assert [item.title for item in found.of("imaging", "pet")] == ["PET scan"]
    assert set(found.items) == {"own-pet"}
    assert [one.title for one in found.sets_of("imaging")] == ["Staging"]
    (id,) = await mine.place(DOCTOR, Wanted("p"), [found.items["own-pet"]])
    (made,) = await stored(house, "ServiceRequest", f"_id={id}")
    assert made["instantiatesCanonical"] == ["urn:x:pet"]


async def refer(house: House, to: str) -> tuple[str, str]:
    """A referral of Ada to somebody: the ids of the order and of its Task."""
    wanted = Wanted("p", words="Palpitations", performer=to, performer_name="Somebody")
    (id,) = await clinic(house).orders.place(DOCTOR, wanted, [ITEMS["to-cardiology"]])
    (task,) = await stored(house, "Task", f"focus=ServiceRequest/{id}")
    return id, task["id"]


async def test_a_referral_to_an_organization_goes_to_and_fro(house: House) -> None:
    await house.put({"resourceType": "Organization", "id": "heart", "name": "Heart centre"})
    await house.put({"resourceType": "PractitionerRole", "id": "e-there",
                     "practitioner": {"reference": "Practitioner/e"},
                     "organization": {"reference": "Organization/heart"}})  # fmt: skip
    service = clinic(house).referrals
    order, task = await refer(house, "Organization/heart")
    assert [one["id"] for one in await service.listed(COLLEAGUE, incoming=True)] == [task]
    assert [one["id"] for one in await service.listed(DOCTOR, incoming=False)] == [task]
    assert await service.listed(DOCTOR, incoming=True) == []
    (seen,) = await stored(house, "Task", f"_id={task}")
    assert await service.steps(COLLEAGUE, seen) == ["accept", "decline", "ask", "complete"]
    assert await service.steps(DOCTOR, seen) == []
    for caller in (DOCTOR, staff("x")):
        with pytest.raises(Forbidden):
            await service.step(caller, task, "accept", "")
    with pytest.raises(Incorrect):
        await service.step(COLLEAGUE, task, "ask", " ")
    await service.step(COLLEAGUE, task, "ask", "Is there an ECG?")
    with pytest.raises(Forbidden):
        await service.step(COLLEAGUE, task, "reply", "No")
    await service.step(DOCTOR, task, "reply", "Yes, attached")
    await service.step(COLLEAGUE, task, "accept", "")
    await service.step(COLLEAGUE, task, "complete", "Sinus tachycardia, nothing else.")
    (seen,) = await stored(house, "Task", f"_id={task}")
    assert seen["status"] == "completed"
    assert [n["text"] for n in seen["note"]] == ["Palpitations", "Is there an ECG?",
                                                 "Yes, attached"]  # fmt: skip
    document = seen["output"][0]["valueReference"]["reference"].rpartition("/")[2]
    (report,) = await stored(house, "DocumentReference", f"_id={document}")
    words = base64.b64decode(report["content"][0]["attachment"]["data"]).decode()
    assert words == "Sinus tachycardia, nothing else."
    (made,) = await stored(house, "ServiceRequest", f"_id={order}")
    assert made["status"] == "completed"
    with pytest.raises(Conflict):
        await service.step(COLLEAGUE, task, "decline", "Too late")


async def test_of_many_steps_at_once_one_is_taken(house: House) -> None:
    _, task = await refer(house, "Practitioner/e")
    service = clinic(house).referrals
    done = await asyncio.gather(
        service.step(COLLEAGUE, task, "decline", "Full"),
        service.step(COLLEAGUE, task, "complete", "Done"),
        service.step(COLLEAGUE, task, "decline", "Also full"),
        return_exceptions=True,
    )
    assert sum(one is None for one in done) == 1, done
    assert all(one is None or isinstance(one, CareplaneError) for one in done)


async def test_who_cancels_an_order_takes_the_referral_back(house: House) -> None:
    order, task = await refer(house, "Practitioner/e")
    await clinic(house).orders.end(DOCTOR, order, "revoked", "Better already", 1)
    (seen,) = await stored(house, "Task", f"_id={task}")
    assert (seen["status"], seen["statusReason"]["text"]) == ("cancelled", "Better already")
    with pytest.raises(Conflict):
        await clinic(house).referrals.step(COLLEAGUE, task, "accept", "")
