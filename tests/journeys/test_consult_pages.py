"""The pages of consults without a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from tests.journeys.test_message_pages import HOSTILE, PNG, browser, sent
from tests.messages_house import COLLEAGUE, DOCTOR, NURSE, PATIENT, Practice, open_practice

pytestmark = pytest.mark.anyio
HOUR = 3600 * 1_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    store = MemoryStore(system_clock)
    async with open_practice(store) as practice:
        yield practice
    await store.close()


async def test_a_question_with_a_photo_is_answered(practice: Practice) -> None:
    async with browser(practice, PATIENT) as mine, browser(practice, NURSE) as nurse:
        page = (await mine.get("/consults/new")).text
        assert "call the emergency number" in page
        assert "within 48 hours" in page
        asked = {"subject": "A rash", "text": "It itches.", "since": "Monday", "urgent": "yes"}
        photo = [("files", ("rash.png", PNG, "image/png"))]
        answer = await mine.post("/consults/new", data=asked, files=photo)
        assert answer.status_code == 303, answer.text
        place = answer.headers["location"]
        page = (await mine.get(place)).text
        for words in ("It itches.", "Monday", "Urgent", "Promised by", 'class="photo"'):
            assert words in page
        assert "Take it" not in page
        practice.clock.now += 9 * HOUR
        assert "Late: promised by" in (await nurse.get("/consults")).text
        assert place in (await nurse.get("/tasks?box=pools")).text
        await sent(nurse, f"{place}/take")
        await sent(nurse, f"{place}/say", text="Where?", do="ask")
        page = (await mine.get(place)).text
        assert "More was asked" in page
        await sent(mine, f"{place}/say", text="My arm.", do="add")
        await sent(nurse, f"{place}/say", text="Perhaps eczema.", do="note")
        await sent(nurse, f"{place}/say", text="Please come.", do="visit")
        page = (await mine.get(place)).text
        assert "You are asked to come." in page
        assert "Perhaps eczema." not in page
        assert "<textarea" not in page
        assert "A rash" in (await mine.get("/consults?box=ended")).text
        (thread,) = set(
            re.findall(
                r'href="(/messages/[0-9a-f-]{36})"', (await mine.get("/messages?box=closed")).text
            )
        )
        moved = await mine.get(thread)
        assert (moved.status_code, moved.headers["location"]) == (303, place)


async def test_a_colleague_is_asked(practice: Practice) -> None:
    async with browser(practice, DOCTOR) as doctor, browser(practice, COLLEAGUE) as colleague:
        assert "begin in the chart" in (await doctor.get("/consults/new")).text
        assert (
            "The patient does not see this consult"
            in (await doctor.get("/consults/new?patient=p")).text
        )
        asked = {"patient": "p", "to": "Practitioner/e", "subject": "S", "text": "What is it?"}
        place = await sent(doctor, "/consults/new", **asked)
        assert "Answer and end it" not in (await doctor.get(place)).text
        await sent(colleague, f"{place}/say", text="Eczema.", do="answer")
        assert "Eczema." in (await doctor.get(place)).text
    async with browser(practice, PATIENT) as mine:
        assert (await mine.get(place)).status_code in (403, 404)
        assert place not in (await mine.get("/consults?box=ended")).text


async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(practice: Practice) -> None:
    async with browser(practice, PATIENT) as mine, browser(practice, DOCTOR) as doctor:
        answer = await mine.post(
            "/consults/new", data={"subject": "", "text": "Kept", "since": "m"}
        )
        assert answer.status_code == 400
        assert 'id="subject-wrong"' in answer.text
        assert "Kept" in answer.text
        place = f"/consults/{await practice.ask()}"
        answer = await doctor.post(f"{place}/refuse", data={"reason": " "})
        assert 'id="reason-wrong"' in answer.text
        await sent(doctor, f"{place}/refuse", reason="Call us, please")
        answer = await doctor.post(f"{place}/say", data={"text": "Late words", "do": "answer"})
        assert answer.status_code == 409
        assert "Call us, please" in (await mine.get(place)).text


async def test_hostile_words_are_words(practice: Practice) -> None:
    async with browser(practice, PATIENT) as mine, browser(practice, DOCTOR) as doctor:
        asked = {"subject": HOSTILE, "text": HOSTILE, "since": HOSTILE, "tried": HOSTILE}
        place = await sent(mine, "/consults/new", **asked)
        await sent(doctor, f"{place}/say", text=HOSTILE, do="ask")
        pages = [await doctor.get(place), await mine.get(place), await doctor.get("/consults")]
    for page in pages:
        assert not re.search(r"<script>alert|<img src=x", page.text)
        assert "&lt;script&gt;" in page.text
