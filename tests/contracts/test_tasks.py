"""Tasks over every engine: who does one, what comes first, and what patients do not see."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import CareplaneError, Conflict, Forbidden, NotFound, Precondition
from careplane.telehealth.messages.parties import NOBODY, Party
from careplane.telehealth.tasks.task import Task, Wanted
from careplane.telehealth.tasks.tasks import Box
from tests.contracts.engines import Store
from tests.fhir_house import TENANT
from tests.messages_house import (
    COLLEAGUE,
    DESK,
    DOCTOR,
    NURSE,
    PATIENT,
    Practice,
    open_practice,
)

pytestmark = pytest.mark.anyio
POOL = Party("HealthcareService/questions")
ADA = Party("Patient/p", "Ada")


@pytest.fixture
async def practice(store: Store) -> AsyncIterator[Practice]:
    async with open_practice(store) as practice:
        yield practice


async def make(
    practice: Practice, owner: Party = POOL, title: str = "Call her", **more: str
) -> str:
    return await practice.tasks.make(DOCTOR, Wanted(title, owner, ADA, **more))  # type: ignore[arg-type]


async def box(practice: Practice, who: Caller, box: Box) -> list[Task]:
    return (await practice.tasks.box(who, await practice.asker(who), box))[0]


async def test_of_two_who_take_it_one_does(practice: Practice) -> None:
    id = await make(practice)
    answers = await asyncio.gather(
        *(practice.tasks.take(who, id) for who in (DOCTOR, COLLEAGUE, NURSE)),
        return_exceptions=True,
    )
    assert Counter(type(one) for one in answers) == {type(None): 1, Conflict: 2}
    owner = (await practice.tasks.read(DOCTOR, id)).owner
    assert owner.reference in {one.id for one in (DOCTOR, COLLEAGUE, NURSE)}


@pytest.mark.parametrize("which", ["mine", "asked", "ended"])
async def test_an_app_for_itself_has_nothing_to_do(practice: Practice, which: Box) -> None:
    """It is no resource, so no task can name it: an empty list, and no error."""
    await make(practice)
    app = Caller(TENANT, "client/x", "X", parse_scopes("system/*.cruds"))
    assert await box(practice, app, which) == []
    asker = await practice.asker(app)
    assert await practice.reading.box(app, asker, "open") == ([], None)
    assert await practice.reading.unread(app, asker) == 0
    assert await practice.consults.found(app, asker) == []


async def test_a_task_goes_its_way(practice: Practice) -> None:
    id = await make(practice, due="2027-02-20")
    assert [one.id for one in await box(practice, NURSE, "pools")] == [id]
    assert await box(practice, NURSE, "mine") == []
    await practice.tasks.take(NURSE, id)
    (mine,) = await box(practice, NURSE, "mine")
    assert mine.is_late(practice.clock())
    await practice.tasks.comment(NURSE, id, "Nobody answers.")
    await practice.tasks.hand_over(NURSE, id, 0, "Practitioner/e", "Please try.")
    (asked,) = await box(practice, DOCTOR, "asked")
    assert [text for _, _, text in asked.notes] == ["Nobody answers.", "Please try."]
    await practice.tasks.change(COLLEAGUE, id, 0, "2027-03-01", "urgent")
    with pytest.raises(Precondition):
        await practice.tasks.complete(COLLEAGUE, id, 1)
    held = await practice.tasks.read(COLLEAGUE, id)
    assert (held.due, held.priority, held.is_late(practice.clock())) == (
        "2027-03-01",
        "urgent",
        False,
    )
    await practice.tasks.complete(COLLEAGUE, id, held.version)
    assert [one.status for one in await box(practice, COLLEAGUE, "ended")] == ["completed"]
    with pytest.raises(Conflict):
        await practice.tasks.take(NURSE, id)


async def test_one_refuses_and_one_gives_up(practice: Practice) -> None:
    first, second = await make(practice, Party(NURSE.id)), await make(practice, Party(NURSE.id))
    await practice.tasks.refuse(NURSE, first, 0, "On leave")
    await practice.tasks.refuse(DOCTOR, second, 0, "Not needed")
    held = [await practice.tasks.read(DOCTOR, id) for id in (first, second)]
    assert [(one.status, one.reason) for one in held] == [
        ("rejected", "On leave"),
        ("cancelled", "Not needed"),
    ]


async def test_what_is_late_comes_first_then_what_is_urgent(practice: Practice) -> None:
    me = Party(NURSE.id)
    for title, more in (
        ("soon", {"due": "2027-02-23"}),
        ("some day", {}),
        ("urgent", {"priority": "urgent"}),
        ("late", {"due": "2027-02-01"}),
        ("late and urgent", {"due": "2027-02-02", "priority": "stat"}),
    ):
        await make(practice, me, title, **more)
    found = [one.title for one in await box(practice, NURSE, "mine")]
    assert found == ["late and urgent", "late", "urgent", "soon", "some day"]


async def test_the_desk_does_office_work_alone(practice: Practice) -> None:
    await practice.tasks.make(DOCTOR, Wanted("Clinical", Party(DESK.id), ADA))
    id = await practice.tasks.make(
        DOCTOR, Wanted("Send the letter", Party(DESK.id), NOBODY, administrative=True)
    )
    assert [one.title for one in await box(practice, DESK, "mine")] == ["Send the letter"]
    await practice.tasks.complete(DESK, id, 0)


async def test_what_has_a_page_of_its_own_is_done_there(practice: Practice) -> None:
    refill = {
        "resourceType": "Task",
        "id": "refill",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "urn:careplane:task", "code": "refill"}]},
        "owner": {"reference": "Practitioner/d"},
    }
    await practice.put(refill)
    for attempt in (
        practice.tasks.complete(DOCTOR, "refill", 0),
        practice.tasks.refuse(DOCTOR, "refill", 0, "No"),
    ):
        with pytest.raises(Conflict, match="page"):
            await attempt
    await practice.tasks.take(DOCTOR, "refill")


async def test_patients_see_no_task_of_colleagues_about_them(practice: Practice) -> None:
    id = await make(practice)
    with pytest.raises((Forbidden, NotFound)):
        await practice.tasks.read(PATIENT, id)
    tree = (await practice.http.get(f"Task/{id}")).json()
    assert [one["code"] for one in tree["meta"]["security"]] == ["NOPAT"]


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"due": "tomorrow"}, "due"),
        ({"due": "2027-02-30"}, "due"),
        ({"owner": Party("Practitioner/nobody")}, "owner"),
        ({"owner": Party("Device/1")}, "owner"),
        ({"owner": NOBODY}, "owner"),
    ],
)
async def test_what_cannot_be_asked_is_told(
    practice: Practice, more: dict[str, str], where: str
) -> None:
    with pytest.raises(CareplaneError) as told:
        await make(practice, **more)  # type: ignore[arg-type]
    assert told.value.issues[0].where == where
