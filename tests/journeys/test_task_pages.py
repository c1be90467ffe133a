"""The pages of tasks without a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from tests.journeys.test_message_pages import HOSTILE, browser, sent
from tests.messages_house import COLLEAGUE, DESK, DOCTOR, NURSE, Practice, open_practice

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    store = MemoryStore(system_clock)
    async with open_practice(store) as practice:
        yield practice
    await store.close()


def seen(page: str) -> str:
    """The version that a page was made with."""
    return re.findall(r'name="version" value="(\d+)"', page)[0]


async def test_a_task_is_asked_for_and_done(practice: Practice) -> None:
    async with browser(practice, DOCTOR) as doctor, browser(practice, NURSE) as nurse:
        assert (
            "The patient does not see this task" in (await doctor.get("/tasks/new?patient=p")).text
        )
        asked = {"title": "Call her", "owner": "HealthcareService/questions", "due": "2027-02-01"}
        assert await sent(doctor, "/tasks/new", **asked, patient="p") == "/patients/p/tasks"
        assert "Call her" in (await doctor.get("/patients/p/tasks")).text
        page = (await nurse.get("/tasks?box=pools")).text
        assert "Late: due 01-Feb-2027" in page
        (place,) = set(re.findall(r'href="(/tasks/[^"?]{20,})"', page))
        await sent(nurse, f"{place}/take")
        page = (await nurse.get(place)).text
        await sent(nurse, f"{place}/comment", note="She will come.")
        late = await nurse.post(f"{place}/complete", data={"version": seen(page)})
        assert late.status_code in (409, 412)
        assert "changed this meanwhile" in late.text
        await sent(nurse, f"{place}/complete", version=seen(late.text))
        page = (await doctor.get(place)).text
        assert "She will come." in page
        assert "It is done" not in page
        assert "Call her" in (await nurse.get("/tasks?box=ended")).text


async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(practice: Practice) -> None:
    async with browser(practice, DOCTOR) as doctor:
        answer = await doctor.post("/tasks/new", data={"title": "Kept", "due": "2027-02-30"})
        assert answer.status_code == 400
        assert 'value="Kept"' in answer.text
        assert 'id="owner-wrong"' in answer.text
        asked = {"title": "T", "owner": NURSE.id}
        await sent(doctor, "/tasks/new", **asked)
        (place,) = re.findall(
            r'href="(/tasks/[^"?]{20,})"', (await doctor.get("/tasks?box=asked")).text
        )
        answer = await doctor.post(f"{place}/refuse", data={"reason": "", "version": "1"})
        assert 'id="reason-wrong"' in answer.text


async def test_the_desk_sees_office_work(practice: Practice) -> None:
    async with browser(practice, DOCTOR) as doctor, browser(practice, DESK) as desk:
        await sent(doctor, "/tasks/new", title="Secret rash", owner=DESK.id, patient="p")
        asked = {"title": "Send the letter", "administrative": "yes"}
        await sent(doctor, "/tasks/new", **asked, owner=DESK.id)
        page = (await desk.get("/tasks")).text
        assert "Send the letter" in page
        assert "Secret rash" not in page


async def test_hostile_words_are_words(practice: Practice) -> None:
    async with browser(practice, DOCTOR) as doctor, browser(practice, COLLEAGUE) as colleague:
        await sent(doctor, "/tasks/new", title=HOSTILE, note=HOSTILE, owner=COLLEAGUE.id)
        page = (await colleague.get("/tasks")).text
        (place,) = re.findall(r'href="(/tasks/[^"?]{20,})"', page)
        for text in (page, (await colleague.get(place)).text):
            assert "<script>alert" not in text
            assert "&lt;script&gt;" in text


async def test_who_is_asked_by_reference_alone_is_called_by_name(practice: Practice) -> None:
    task = {
        "resourceType": "Task", "id": "bare", "status": "requested", "intent": "order",
        "description": "Look at it", "for": {"reference": "Patient/p"},
        "owner": {"reference": DOCTOR.id},
    }  # fmt: skip
    hers = {**task, "id": "hers", "owner": {"reference": "Patient/p"}}
    await practice.put(task, hers)
    async with browser(practice, DOCTOR) as doctor:
        assert "for Patient/p" not in (await doctor.get("/patients/p/tasks")).text
        for page in ("/tasks", "/patients/p/tasks"):
            text = (await doctor.get(page)).text
            assert "for Doyle" in text, page
            assert f"for {DOCTOR.id}" not in text
