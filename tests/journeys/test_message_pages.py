"""The pages of messages without a browser: who is shown what, forms, and words that are hostile."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.documents.documents import Documents
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id
from careplane.storage.engines.memory import MemoryStore
from careplane.telehealth.messages.messages import Limits
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.file_house import png
from tests.messages_house import (
    COLLEAGUE,
    DESK,
    DOCTOR,
    NURSE,
    PATIENT,
    PROXY,
    STRANGER,
    Practice,
    member,
    open_practice,
    pool,
)

pytestmark = pytest.mark.anyio
PNG = png()
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}%s\u202e"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    store = MemoryStore(system_clock)
    async with open_practice(store) as practice:
        yield practice
    await store.close()


@asynccontextmanager
async def browser(practice: Practice, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    web = Web(
        practice.door,
        practice.tokens,
        clock=practice.clock,
        talk=practice.talk,
        documents=Documents(practice.door, practice.clock, new_id, 100_000),
    )
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = practice.tokens.issue(caller, 10**7)
        http.cookies.set("careplane", token, domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


async def sent(http: httpx.AsyncClient, path: str, **fields: str) -> str:
    """A form that was taken; where it led to."""
    answer = await http.post(path, data=fields or {"sure": "yes"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("#")[0]


async def test_a_question_is_asked_taken_and_answered(practice: Practice) -> None:
    async with browser(practice, PATIENT) as mine, browser(practice, DOCTOR) as doctor:
        page = (await mine.get("/messages/new")).text
        assert "call the emergency number" in page
        asked = {"topic": "medical", "subject": "My knee", "text": "It hurts."}
        place = await sent(mine, "/messages/new", **asked)
        assert "It hurts." in (await mine.get(place)).text
        assert "1</span>" not in (await mine.get("/messages/unread")).text
        assert '<span class="count"' in (await doctor.get("/messages/unread")).text
        inbox = (await doctor.get("/messages")).text
        assert "My knee" in inbox
        assert "1 new message" in inbox
        assert "Nobody has taken it" in inbox
        assert "My knee" in (await doctor.get("/patients/p/messages")).text
        page = (await doctor.get(place)).text
        assert "Take it" in page
        await sent(doctor, f"{place}/take", instead_of="")
        await sent(doctor, place, text="Rest it.")
        assert "Nothing waits for you" in (await doctor.get("/messages")).text
        await sent(doctor, place, text="Perhaps his mother worries.", note="yes")
        page = (await mine.get(place)).text
        assert "Rest it." in page
        assert "Perhaps his mother" not in page
        assert "Take it" not in page
        page = (await doctor.get(place)).text
        assert "Internal note" in page
        assert "Read by Ada Quinn (22-Feb-2027" in page
        await sent(doctor, f"{place}/close")
        assert "My knee" in (await doctor.get("/messages?box=closed")).text
        await sent(doctor, f"{place}/reopen")


async def test_who_comes_late_is_told(practice: Practice) -> None:
    id = await practice.write()
    async with browser(practice, DOCTOR) as doctor, browser(practice, NURSE) as nurse:
        await sent(doctor, f"/messages/{id}/take", instead_of="")
        late = await nurse.post(f"/messages/{id}/take", data={"instead_of": ""})
        assert late.status_code == 409
        assert "changed this meanwhile" in late.text
        assert "Dr. Doyle answers this." in late.text
        await sent(doctor, f"/messages/{id}/hand-over", to="Practitioner/n", note="Yours.")
        assert "You answer this." in (await nurse.get(f"/messages/{id}")).text


async def test_who_may_search_for_no_messages_reads_what_a_thread_is_about(
    practice: Practice,
) -> None:
    thread, consult = await practice.write(text="It hurts."), await practice.ask(text="It hurts.")
    reading = replace(PATIENT, scopes=parse_scopes("patient/*.r"))
    async with browser(practice, reading) as mine:
        for path in (f"/messages/{thread}", f"/consults/{consult}"):
            page = await mine.get(path)
            assert page.status_code == 200, page.text
            assert "Messages: not open to your role." in page.text
            assert "It hurts." not in page.text


async def test_colleagues_write_about_a_patient(practice: Practice) -> None:
    async with browser(practice, DOCTOR) as doctor, browser(practice, COLLEAGUE) as colleague:
        page = (await doctor.get("/messages/new?patient=p")).text
        assert "the patient does not see it" in page
        said = {"patient": "p", "kind": "internal", "to": "Practitioner/e", "subject": "S"}
        place = await sent(doctor, "/messages/new", **said, text="In confidence")
        assert "In confidence" in (await colleague.get(place)).text
        assert "about no patient" in (await doctor.get("/messages/new")).text
        lunch = await sent(doctor, "/messages/new", to="Practitioner/e", subject="L", text="Lunch?")
        assert "Lunch?" in (await colleague.get(lunch)).text
        said = {
            "patient": "p",
            "kind": "patient",
            "subject": "Your results",
            "text": "All is well.",
        }
        told = await sent(doctor, "/messages/new", **said)
    for who in (PATIENT, PROXY):
        async with browser(practice, who) as mine:
            for path in ("/messages", "/messages?box=closed", "/patients/p/messages"):
                page = (await mine.get(path)).text
                assert "confidence" not in page
            assert (await mine.get(place)).status_code == 404
            assert "All is well." in (await mine.get(told)).text
    async with browser(practice, STRANGER) as other:
        assert (await other.get(told)).status_code == 404


async def test_the_desk_has_its_own_topics(practice: Practice) -> None:
    medical, billing = await practice.write(), await practice.write(topic="billing", title="A bill")
    async with browser(practice, DESK) as desk:
        page = (await desk.get("/messages")).text
        assert "A bill" in page
        assert "A question" not in page
        assert (await desk.get(f"/messages/{medical}")).status_code == 404
        await sent(desk, f"/messages/{billing}", text="Paid.")


FORMS: tuple[tuple[dict[str, str], str], ...] = (
    ({"topic": "medical", "subject": "S", "text": " "}, "text"),
    ({"topic": "medical", "subject": " ", "text": "kept"}, "subject"),
    ({"subject": "S", "text": "kept"}, "topic"),
    ({"topic": "medical", "subject": "x" * 201, "text": "kept"}, "subject"),
)


@pytest.mark.parametrize(("form", "field"), FORMS)
async def test_what_is_wrong_is_said_at_the_field(
    practice: Practice, form: dict[str, str], field: str
) -> None:
    async with browser(practice, PATIENT) as mine:
        answer = await mine.post("/messages/new", data=form)
        assert answer.status_code == 400
        assert f'href="#{field}"' in answer.text
        assert f'id="{field}-wrong"' in answer.text
        assert form["text"].strip() in answer.text


async def test_a_flood_is_told_and_what_was_typed_is_kept() -> None:
    store = MemoryStore(system_clock)
    async with open_practice(store, limits=Limits(messages=1)) as practice:
        id = await practice.write()
        async with browser(practice, PATIENT) as mine:
            answer = await mine.post(f"/messages/{id}", data={"text": "Hello again"})
        assert answer.status_code == 429
        assert "many messages within a short time" in answer.text
        assert "Hello again" in answer.text
    await store.close()


async def test_absence_is_told_to_who_writes(practice: Practice) -> None:
    away = [{"description": "Back on Monday", "during": {"end": "2027-03-01"}}]
    await practice.put(
        pool("questions", "medical", notAvailable=away), member("questions", "n", notAvailable=away)
    )
    id = await practice.write()
    async with browser(practice, PATIENT) as mine, browser(practice, DOCTOR) as doctor:
        assert "Back on Monday" in (await mine.get("/messages/new")).text
        assert "Back on Monday" in (await mine.get(f"/messages/{id}")).text
        assert "away: Back on Monday" in (await doctor.get(f"/messages/{id}")).text
        practice.clock.now += 30 * 86_400 * 1_000_000
        assert "Back on Monday" not in (await mine.get("/messages/new")).text


async def test_without_a_pool_nothing_is_promised(practice: Practice) -> None:
    for id in ("questions", "desk"):
        await practice.put(pool(id, "medical", active=False))
    async with browser(practice, PATIENT) as mine:
        page = (await mine.get("/messages/new")).text
        assert "takes no messages here" in page
        assert "<textarea" not in page
        form = {"topic": "medical", "subject": "S", "text": "T"}
        assert (await mine.post("/messages/new", data=form)).status_code == 400


async def test_hostile_words_are_words(practice: Practice) -> None:
    await practice.put(pool("questions", "medical", name=HOSTILE))
    asked = {"topic": "medical", "subject": HOSTILE, "text": HOSTILE}
    async with browser(practice, PATIENT) as mine, browser(practice, DOCTOR) as doctor:
        place = await sent(mine, "/messages/new", **asked)
        await sent(doctor, place, text=HOSTILE)
        await sent(doctor, f"{place}/hand-over", to="HealthcareService/desk", note=HOSTILE)
        pages = [
            await doctor.get(path) for path in (place, "/messages?box=open", "/patients/p/messages")
        ]
        pages += [await mine.get(path) for path in (place, "/messages")]
        pages.append(await mine.post("/messages/new", data={**asked, "topic": ""}))
    for page in pages:
        assert not re.search(r"<script>alert|<img src=x|\\b49\\b", page.text)
        assert "&lt;script&gt;" in page.text


async def test_a_photo_goes_with_the_message(practice: Practice) -> None:
    asked = {"topic": "medical", "subject": "A rash", "text": "Look."}
    photo = ("files", ("rash.png", PNG, "image/png"))
    async with browser(practice, PATIENT) as mine, browser(practice, DOCTOR) as doctor:
        answer = await mine.post("/messages/new", data=asked, files=[photo])
        assert answer.status_code == 303, answer.text
        place = answer.headers["location"]
        page = (await doctor.get(place)).text
        (src,) = re.findall(r'<img class="photo" src="([^"]+)"', page)
        shown = await doctor.get(src)
        assert (shown.status_code, shown.content) == (200, PNG)
        assert (await mine.get(src)).content == PNG
        noted = {"text": "A note with a picture", "note": "yes"}
        answer = await doctor.post(place, data=noted, files=[photo])
        assert answer.status_code == 303, answer.text
        page = (await doctor.get(place)).text
        hidden = next(one for one in re.findall(r'src="([^"]+/file)"', page) if one != src)
        assert (await doctor.get(hidden)).status_code == 200
        assert (await mine.get(hidden)).status_code == 404
    async with practice.as_(PATIENT) as app:
        found = (await app.get("DocumentReference?subject=Patient/p")).json()
        assert found["total"] == 1


@pytest.mark.parametrize("path", ["", "/messages/new", "/consults/new"])
@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("rash.png", b"<script>alert(1)</script>", "image/png"), "script or markup"),
        (("rash.pdf", PNG, "application/pdf"), "something else than it says"),
        (("rash.png", b"", "image/png"), "A file is empty"),
        (("rash.png", PNG + bytes(200_000), "image/png"), "too large"),
    ],
)
async def test_files_that_lie_are_refused(
    practice: Practice, file: tuple[str, bytes, str], words: str, path: str
) -> None:
    path = path or f"/messages/{await practice.write()}"
    async with browser(practice, PATIENT) as mine:
        answer = await mine.post(path, data={"text": "Look at this."}, files=[("files", file)])
    assert words in answer.text
    assert answer.status_code in (400, 413)
    assert "Look at this." in answer.text, "what was typed is kept"
    stored = (await practice.http.get("DocumentReference?_summary=count")).json()["total"]
    assert stored == 0
