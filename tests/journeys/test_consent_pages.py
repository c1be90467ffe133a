"""The pages of consents and of emergency access, without a browser: forms, words and refusals."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app import keys
from careplane.app.build import build
from careplane.app.settings import Settings
from careplane.kernel.clock import system_clock
from careplane.records.break_glass import Choice
from careplane.records.commands import Update
from careplane.storage.engines.memory import MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import TENANT, House, observation, open_house, patient

pytestmark = pytest.mark.anyio

MINE = parse_scopes("patient/*.rs patient/Consent.cu")
PATIENT = Caller(TENANT, "Patient/p", "Ada Quinn", MINE, "p", frozenset({"patient"}))
CLERK = Caller(TENANT, "Practitioner/c", "Clerk", parse_scopes("user/*.cruds"), None,
               frozenset({"front-desk"}))  # fmt: skip
DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. D", parse_scopes("user/*.cruds"), None,
                frozenset({"physician"}))  # fmt: skip
OFFICER = Caller(TENANT, "Practitioner/o", "Officer", parse_scopes("user/*.rs"), None,
                 frozenset({"privacy-officer"}))  # fmt: skip
REASON = "Found unconscious in the street"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    choice = Choice(frozenset({"physician"}))
    async with open_house(MemoryStore(system_clock), choice=choice) as house:
        for record in (patient("p", name=[{"family": "Quinn", "given": ["Ada"]}]), patient("q"),
                       {"resourceType": "Practitioner", "id": "d",
                        "name": [{"family": "Ratke", "given": ["Lou"]}]},
                       observation("o", "p")):  # fmt: skip
            await house.put(record)
        yield house


@asynccontextmanager
async def browser(house: House, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    web = Web(house.door, house.tokens, glass=house.glass)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        http.cookies.set("careplane", house.tokens.issue(caller, 3600), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


async def test_a_patient_keeps_something_back_and_shares_it_again(house: House) -> None:
    async with browser(house, PATIENT) as mine, house.client_of(DOCTOR) as doctor:
        page = await mine.get("/patients/p/consent")
        assert "Nothing is kept back" in page.text
        assert "RATKE, Lou" in page.text, page.text
        assert "Where the signed paper is" not in page.text
        sent = {"share": "no", "what": "Observation", "who": "Practitioner/d", "purpose": "TREAT",
                "until": "2099-01-01"}  # fmt: skip
        saved = await mine.post("/patients/p/consent", data=sent)
        assert (saved.status_code, saved.headers["location"]) == (303, "/patients/p/consent")
        page = (await mine.get("/patients/p/consent")).text
        for words in ("Kept back", "Results and vital signs", "RATKE, Lou", "treatment"):
            assert words in page
        assert (await doctor.get("Observation/o")).status_code == 404
        assert (await doctor.get("Patient/p")).status_code == 200
        (id,) = re.findall(r"/patients/p/consent/([^/]+)/withdraw", page)
        assert (await mine.post(f"/patients/p/consent/{id}/withdraw")).status_code == 303
        assert (await doctor.get("Observation/o")).status_code == 200
        assert "Nothing is kept back" in (await mine.get("/patients/p/consent")).text


async def test_a_clerk_records_a_paper(house: House) -> None:
    async with browser(house, CLERK) as clerk, house.client_of(DOCTOR) as doctor:
        page = await clerk.get("/patients/p/consent")
        assert "Where the signed paper is" in page.text
        sent = {"share": "no", "what": "Observation", "who": "", "purpose": ""}
        assert (await clerk.post("/patients/p/consent", data=sent)).status_code == 400
        saved = await clerk.post("/patients/p/consent", data={**sent, "paper": "Binder 7"})
        assert saved.status_code == 303, saved.text
        assert (await doctor.get("Observation/o")).status_code == 404
        assert "Binder 7" in (await clerk.get("/patients/p/consent")).text


BAD = [{"what": "Everything!"}, {"purpose": "FUN"}, {"who": "anybody"}, {"until": "tomorrow"}]


@pytest.mark.parametrize("sent", BAD)
async def test_what_a_form_cannot_say_is_refused(house: House, sent: dict[str, str]) -> None:
    async with browser(house, PATIENT) as mine:
        assert (await mine.post("/patients/p/consent", data=sent)).status_code == 400
    assert (await house.http.get("Consent?_summary=count")).json()["total"] == 0


async def test_nobody_decides_for_another(house: House) -> None:
    async with browser(house, PATIENT) as mine, browser(house, DOCTOR) as doctor:
        assert (await mine.post("/patients/q/consent", data={"paper": "x"})).status_code == 403
        assert (await doctor.post("/patients/p/consent", data={"paper": "x"})).status_code == 403
        mine.headers["origin"] = "http://elsewhere"
        assert (await mine.post("/patients/p/consent", data={})).status_code == 403


async def test_an_emergency_is_opened_and_reviewed(house: House) -> None:
    async with (
        browser(house, PATIENT) as mine,
        browser(house, DOCTOR) as doctor,
        browser(house, OFFICER) as officer,
    ):
        await mine.post("/patients/p/consent", data={"share": "no"})
        assert (await doctor.get("/patients/p")).status_code == 404
        assert (await mine.get("/emergency")).status_code == 403
        assert "Open the record" in (await doctor.get("/emergency")).text
        sent = {"patient": "p", "reason": "short"}
        assert (await doctor.post("/emergency", data=sent)).status_code == 400
        opened = await doctor.post("/emergency", data={**sent, "reason": REASON})
        assert (opened.status_code, opened.headers["location"]) == (303, "/patients/p")
        page = await doctor.get("/patients/p")
        assert page.status_code == 200
        assert "Emergency access to one record" in page.text
        assert (await doctor.get("/patients/q")).status_code == 404
        queue = (await officer.get("/emergency")).text
        assert REASON in queue
        (case,) = re.findall(r'action="/emergency/([^"]+)"', queue)
        assert (await doctor.post(f"/emergency/{case}", data={"finding": "x"})).status_code == 403
        done = await officer.post(f"/emergency/{case}", data={"finding": "Justified"})
        assert done.status_code == 303
        assert "No case waits" in (await officer.get("/emergency")).text


async def test_the_session_of_a_demo_goes_on_with_emergency_access(tmp_path: Path) -> None:
    """Sessions of a demo are signed with a key of their own."""
    keys.create(tmp_path / "data")
    here = build(Settings(data=tmp_path / "data", demo=True, ledger=False))
    transport = httpx.ASGITransport(here.asgi)
    origin = "http://127.0.0.1:8000"
    headers = {"origin": origin, "accept": "text/html"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url=origin, headers=headers) as http:
            await here.door.update(
                here.operator, Update("Patient", "p", json.dumps(patient("p")).encode())
            )
            signed = await http.post("/sign-in", data={"role": "physician"})
            assert signed.status_code == 303
            opened = await http.post("/emergency", data={"patient": "p", "reason": REASON})
            assert (opened.status_code, opened.headers["location"]) == (303, "/patients/p")
            assert "Emergency access to one record" in (await http.get("/patients/p")).text
            issued = http.cookies["careplane"]
            bearer = {"authorization": f"Bearer {issued}", "accept": "application/fhir+json"}
            used = await http.get("/fhir/Patient/p", headers=bearer)
            assert used.status_code == 401, "a session of a demo is no token of the API"
    finally:
        await here.close()
