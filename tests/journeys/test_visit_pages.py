"""The pages of visits without a browser: who is shown what, forms, and what other pages may not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.storage.engines.memory import MemoryState
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.livekit_house import Played
from tests.visit_house import (
    CHOICE,
    DOCTOR,
    PATIENT,
    STRANGER,
    Clinic,
    appointment,
    open_clinic,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def clinic() -> AsyncIterator[Clinic]:
    async with open_clinic(MemoryState()) as clinic:
        await clinic.book()
        yield clinic


@asynccontextmanager
async def browser(clinic: Clinic, caller: Caller | None = None) -> AsyncIterator[httpx.AsyncClient]:
    tokens = clinic.house.tokens
    web = Web(clinic.house.door, tokens, visits=clinic.visits)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        if caller:
            http.cookies.set("careplane", tokens.issue(caller, 3600), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


async def test_a_patient_agrees_and_gets_a_ticket(clinic: Clinic) -> None:
    async with browser(clinic, PATIENT) as mine:
        page = (await mine.get("/visits/a")).text
        assert "I agree to be seen by video" in page
        assert "<video-visit" not in page
        assert "+1 555 0100" in page
        agreed = await mine.post("/visits/a/consent")
        assert (agreed.status_code, agreed.headers["location"]) == (303, "/visits/a")
        page = (await mine.get("/visits/a")).text
        assert '<video-visit data-visit="/visits/a" data-role="patient">' in page
        assert "What the patient takes home" not in page
        mine.headers["accept-language"] = "ar"
        page = (await mine.get("/visits/a")).text
        forms = re.findall('data-word="wait-(zero|one|two|few|many|other)">([^<]+)<', page)
        assert len(set(forms)) == 6
        assert "دقائق" in dict(forms)["few"]
        assert "{minutes}" in dict(forms)["few"]
        assert "دقيقتين" in dict(forms)["two"]
        given = (await mine.post("/visits/a/ticket")).json()
    assert given["url"] == "ws://testserver/fhir/$visits?visit=a"
    talk = clinic.talk()
    talk.say("join", ticket=given["ticket"])
    assert (await talk.hear("welcome"))["role"] == "patient"


async def test_a_host_invites_and_writes_a_summary(clinic: Clinic) -> None:
    await clinic.together()
    async with browser(clinic, DOCTOR) as host:
        assert 'href="/patients/p"' in (await host.get("/visits/a")).text
        link = (await host.post("/visits/a/invite", data={"name": "Interpreter"})).json()["url"]
        assert urlsplit(link).path == "/visit"
        talk = clinic.talk()
        talk.say("join", guest=urlsplit(link).fragment, name="Ana")
        await talk.hear("waiting")
        saved = await host.post("/visits/a/summary", data={"text": "Rest."})
        assert saved.headers["location"] == "/visits/a?saved=1"
        assert "The summary is in the record" in (await host.get("/visits/a?saved=1")).text
        await clinic.book(status="fulfilled")
        assert "What the patient takes home" in (await host.get("/visits/a")).text
    (document,) = await clinic.of("DocumentReference")
    assert document["content"][0]["attachment"]["title"] == "After-visit summary"


async def test_files_are_what_they_say(clinic: Clinic) -> None:
    await clinic.together()
    async with browser(clinic, PATIENT) as mine:
        path, pdf = "/visits/a/files?title=%3Cb%3Erash.pdf", {"content-type": "application/pdf"}
        assert (await mine.post(path, content=b"<html>", headers=pdf)).status_code == 400
        assert (await mine.post(path, content=bytes(5_000_001), headers=pdf)).status_code == 413
        answer = await mine.post(path, content=b"%PDF-1.7 %%EOF", headers=pdf)
    assert answer.json()["document"].startswith("DocumentReference/")
    (document,) = await clinic.of("DocumentReference")
    assert document["content"][0]["attachment"]["title"] == "<b>rash.pdf"


async def test_others_see_nothing(clinic: Clinic) -> None:
    async with browser(clinic, STRANGER) as other, browser(clinic) as nobody:
        assert (await other.get("/visits/a")).status_code == 404
        for path in ("consent", "ticket", "invite", "summary", "files"):
            assert (await other.post(f"/visits/a/{path}", data={"name": "x"})).status_code == 404
            assert (await nobody.post(f"/visits/a/{path}", data={})).status_code == 303
        assert (await nobody.get("/visits/a")).headers["location"].startswith("/sign-in")
        page = await nobody.get("/visit")
        assert '<video-visit data-guest data-role="guest">' in page.text
    async with browser(clinic, PATIENT) as mine:
        mine.headers["origin"] = "http://elsewhere.test"
        assert (await mine.post("/visits/a/consent")).status_code == 403
    assert await clinic.of("Consent") == []


async def test_only_visits_may_ask_for_the_camera(clinic: Clinic) -> None:
    async with browser(clinic, DOCTOR) as host:
        for path, allowed in (("/visits/a", True), ("/visit", True), ("/patients", False)):
            answer = await host.get(path)
            assert ("camera=(self)" in answer.headers["permissions-policy"]) is allowed
            assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_group_is_told_how_many_can_take_part(clinic: Clinic) -> None:
    more = [f"Practitioner/{id}" for id in ("e", "f", "g")]
    for one in more:
        await clinic.house.put({"resourceType": "Practitioner", "id": one.partition("/")[2]})
    tree = appointment("b", clinic.clock())
    tree["participant"] += [{"actor": {"reference": one}, "status": "accepted"} for one in more]
    await clinic.house.put(tree)
    async with browser(clinic, DOCTOR) as host:
        assert "More are expected (5) than can take part in a visit here (4)" in (
            (await host.get("/visits/b")).text
        )
        assert "More are expected" not in (await host.get("/visits/a")).text
    choice = replace(CHOICE, livekit=Played(url="wss://media.test:7443").house())
    async with open_clinic(MemoryState(), choice=choice) as other:
        for one in more:
            await other.house.put({"resourceType": "Practitioner", "id": one.partition("/")[2]})
        await other.house.put(tree)
        await other.book()
        async with browser(other, DOCTOR) as host:
            large = await host.get("/visits/b")
            small = await host.get("/visits/a")
    assert "More are expected" not in large.text
    assert " data-large>" in large.text
    assert " data-large" not in small.text
    for page in (large, small):
        assert (
            "connect-src 'self' wss://media.test:7443;" in page.headers["content-security-policy"]
        )


async def test_without_visits_there_are_no_pages(clinic: Clinic) -> None:
    web = Web(clinic.house.door, clinic.house.tokens)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        assert (await http.get("/visit")).status_code == 404
