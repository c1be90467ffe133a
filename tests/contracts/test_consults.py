"""Consults over every engine: who answers one, what becomes of its parts, and what is promised."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.kernel.errors import CareplaneError, Conflict, Forbidden, NotFound
from careplane.telehealth.messages.messages import Limits
from careplane.telehealth.messages.parties import NOBODY, Party
from tests.contracts.engines import Store
from tests.messages_house import (
    COLLEAGUE,
    DESK,
    DOCTOR,
    NURSE,
    PATIENT,
    PROXY,
    STRANGER,
    Practice,
    open_practice,
)

pytestmark = pytest.mark.anyio
HOUR = 3600 * 1_000_000


@pytest.fixture
async def practice(store: Store) -> AsyncIterator[Practice]:
    async with open_practice(store) as practice:
        yield practice


async def parts(practice: Practice, id: str) -> dict[str, Any]:
    """The statuses of all that a consult is made of."""
    held = await practice.consults.read(DOCTOR, id)
    http = practice.http
    return {
        "task": held.task.status,
        "encounter": (await http.get(f"Encounter/{held.encounter}")).json()["status"],
        "request": (await http.get(f"ServiceRequest/{held.request}")).json()["status"],
        "thread": (await practice.get(held.thread))["status"],
    }


async def test_a_question_is_asked_asked_back_and_answered(practice: Practice) -> None:
    id = await practice.ask()
    assert await parts(practice, id) == {
        "task": "requested",
        "encounter": "planned",
        "request": "active",
        "thread": "in-progress",
    }
    held = await practice.consults.read(PATIENT, id)
    assert held.task.due == "2027-02-24T07:00:00.000Z"
    encounter = (await practice.http.get(f"Encounter/{held.encounter}")).json()
    assert encounter["class"]["code"] == "VR"
    response = (await practice.http.get(f"QuestionnaireResponse/{held.answers}")).json()
    assert response["item"][0]["answer"] == [{"valueString": "Monday"}]
    await practice.consults.take(NURSE, id)
    practice.clock.now += 40 * HOUR
    await practice.consults.ask_back(NURSE, id, "Where?")
    held = await practice.consults.read(PATIENT, id)
    practice.clock.now += 20 * HOUR
    assert held.is_asked_back
    assert not held.is_late(practice.clock())
    await practice.consults.add(PATIENT, id, "On my arm.")
    held = await practice.consults.read(PATIENT, id)
    assert (held.is_asked_back, held.task.due) == (False, "2027-02-26T19:00:00.000Z")
    practice.clock.now += HOUR
    await practice.consults.answer(NURSE, id, "Use the ointment.")
    assert await parts(practice, id) == {
        "task": "completed",
        "encounter": "finished",
        "request": "completed",
        "thread": "completed",
    }
    encounter = (await practice.http.get(f"Encounter/{held.encounter}")).json()
    assert [one["individual"]["reference"] for one in encounter["participant"]] == [NURSE.id]
    said = ["It itches.", "Where?", "On my arm.", "Use the ointment."]
    assert await practice.within(PATIENT, held.thread) == said
    assert await practice.unread(PATIENT) == 2
    with pytest.raises(Conflict):
        await practice.consults.add(PATIENT, id, "Thank you")


async def test_of_two_who_take_it_one_does(practice: Practice) -> None:
    id = await practice.ask()
    answers = await asyncio.gather(
        *(practice.consults.take(who, id) for who in (DOCTOR, COLLEAGUE, NURSE)),
        return_exceptions=True,
    )
    assert Counter(type(one) for one in answers) == {type(None): 1, Conflict: 2}


async def test_what_is_late_comes_first(practice: Practice) -> None:
    routine = await practice.ask()
    practice.clock.now += HOUR
    urgent = await practice.ask(priority="urgent")
    asker = await practice.asker(DOCTOR)
    found = await practice.consults.found(DOCTOR, asker)
    assert [one.id for one in found] == [urgent, routine]
    practice.clock.now += 20 * HOUR
    assert [one.is_late(practice.clock()) for one in found] == [True, False]
    await practice.consults.take(DOCTOR, urgent)
    await practice.consults.answer(DOCTOR, urgent, "Come at once.", visit=True)
    (ended,) = await practice.consults.found(DOCTOR, asker, ended=True)
    assert ended.wants_visit
    assert [one.id for one in await practice.consults.found(DOCTOR, asker)] == [routine]


async def test_a_colleague_is_asked_in_confidence(practice: Practice) -> None:
    id = await practice.ask(
        DOCTOR,
        "What do you think?",
        (),
        to=(Party("Practitioner/e"),),
        patient=Party("Patient/p", "Ada"),
    )
    held = await practice.consults.read(COLLEAGUE, id)
    assert (held.is_internal, held.answers) == (True, "")
    with pytest.raises(Forbidden):
        await practice.consults.answer(DOCTOR, id, "I answer myself")
    with pytest.raises(Forbidden):
        await practice.consults.answer(NURSE, id, "Nobody asked me")
    practice.clock.now += HOUR
    await practice.consults.answer(COLLEAGUE, id, "Eczema.")
    assert await practice.within(DOCTOR, held.thread) == ["What do you think?", "Eczema."]
    assert await practice.unread(DOCTOR) == 1
    places = (
        f"Task/{id}",
        f"Communication/{held.thread}",
        f"Encounter/{held.encounter}",
        f"ServiceRequest/{held.request}",
    )
    for who in (PATIENT, PROXY):
        assert await practice.consults.found(who, await practice.asker(who), ended=True) == []
        async with practice.as_(who) as mine:
            for place in places:
                assert (await mine.get(place)).status_code in (403, 404)


async def test_it_is_refused_or_withdrawn_or_handed_over(practice: Practice) -> None:
    first, second, third = [await practice.ask() for _ in range(3)]
    await practice.consults.refuse(DOCTOR, first, "Please go to the emergency room.")
    held = await practice.consults.read(PATIENT, first)
    assert (held.task.status, held.task.reason) == ("rejected", "Please go to the emergency room.")
    assert "Please go to the emergency room." in await practice.within(PATIENT, held.thread)
    await practice.consults.withdraw(PATIENT, second)
    assert await parts(practice, second) == {
        "task": "cancelled",
        "encounter": "cancelled",
        "request": "revoked",
        "thread": "completed",
    }
    with pytest.raises(CareplaneError, match="no such questions"):
        await practice.consults.hand_over(DOCTOR, third, "HealthcareService/desk")
    await practice.consults.hand_over(DOCTOR, third, "Practitioner/e", "For you.")
    await practice.consults.note(COLLEAGUE, third, "I look at it tomorrow.")
    held = await practice.consults.read(COLLEAGUE, third)
    assert held.task.owner.reference == "Practitioner/e"
    assert await practice.within(PATIENT, held.thread) == ["It itches."]
    assert "For you." in await practice.within(COLLEAGUE, held.thread)


async def test_others_have_no_say(practice: Practice) -> None:
    id = await practice.ask()
    with pytest.raises(NotFound):
        await practice.consults.read(STRANGER, id)
    for attempt in (
        practice.consults.answer(PATIENT, id, "I answer"),
        practice.consults.take(PATIENT, id),
        practice.consults.add(STRANGER, id, "Mine"),
        practice.consults.answer(DESK, id, "We answer"),
        practice.consults.withdraw(DOCTOR, id),
    ):
        with pytest.raises((Forbidden, NotFound)):
            await attempt


async def test_who_acts_for_a_patient_asks_for_them(practice: Practice) -> None:
    id = await practice.ask(PROXY)
    await practice.consults.ask_back(DOCTOR, id, "How old is she?")
    await practice.consults.add(PATIENT, id, "Eight.")
    assert (await practice.consults.read(PROXY, id)).task.requester.reference == PROXY.id


async def test_a_patient_cannot_flood(store: Store) -> None:
    async with open_practice(store, limits=Limits(messages=10, threads=1)) as practice:
        await practice.ask()
        with pytest.raises(CareplaneError, match="many messages"):
            await practice.ask()


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"title": ""}, "subject"),
        ({"text": ""}, "text"),
        ({"answers": (("since", "x" * 1001),)}, "since"),
        ({"caller": DOCTOR, "patient": NOBODY, "to": (Party("Practitioner/e"),)}, "patient"),
        ({"caller": DOCTOR, "patient": Party("Patient/p")}, "to"),
    ],
)
async def test_what_cannot_be_asked_is_told(
    practice: Practice, more: dict[str, Any], where: str
) -> None:
    with pytest.raises(CareplaneError) as told:
        await practice.ask(**more)
    assert told.value.issues[0].where == where


async def test_by_api(practice: Practice) -> None:
    def body(**values: str) -> dict[str, object]:
        made = [{"name": name, "valueString": value} for name, value in values.items()]
        return {"resourceType": "Parameters", "parameter": made}

    async with practice.as_(PATIENT) as mine, practice.as_(DOCTOR) as doctor:
        asked = await mine.post(
            "Task/$consult", json=body(reason="A rash", text="Look", fever="No")
        )
        place = asked.json()["parameter"][0]["valueReference"]["reference"]
        assert (await doctor.post(f"{place}/$consult-take")).status_code == 200
        assert (await doctor.post(f"{place}/$consult-ask", json=body(text="Where?"))).is_success
        assert (await mine.post(f"{place}/$consult-add", json=body(text="Here"))).is_success
        assert (await doctor.post(f"{place}/$consult-answer", json=body(text="Well"))).is_success
        assert (await mine.get(place)).json()["status"] == "completed"
        late = await mine.post(f"{place}/$consult-withdraw")
        assert late.status_code == 409
