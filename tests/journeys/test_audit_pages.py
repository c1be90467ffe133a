"""Pages over the trail: who opened my record, the accounting of disclosures, and what auditors
see."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app.auditing import sees_all
from careplane.kernel.clock import system_clock
from careplane.ledger.audit import AuditRecord, Outcome, encode
from careplane.ledger.trail import Trail
from careplane.records.audits.anomalies.looking import Looking
from careplane.records.audits.anomalies.material import Limits
from careplane.records.audits.anomalies.review import Reviews
from careplane.storage.engines.memory import MemoryState, MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Audits, Web
from tests.fhir_house import TENANT, House, decider, observation, open_house, patient

pytestmark = pytest.mark.anyio
YEAR = 366 * 86_400_000_000


def caller(id: str, role: str, scopes: str = "user/*.cruds", **more: Any) -> Caller:
    return Caller(TENANT, id, id, parse_scopes(scopes), roles=frozenset({role}), **more)


DOCTOR = caller("Practitioner/d", "physician")
AUDITOR = caller("Practitioner/a", "auditor", "user/*.rs")
MINE = caller("Patient/p", "patient", "patient/*.rs", patient="p")
OTHER = caller("Patient/q", "patient", "patient/*.rs", patient="q")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(MemoryStore(system_clock)) as house:
        for id in ("p", "q"):
            await house.put(patient(id, name=[{"family": f"Family-{id}"}]))
            await house.put(observation(f"o-{id}", id))
        await house.put({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Okafor"}]})
        async with house.client_of(DOCTOR) as http:
            await http.get("Observation?patient=p")
            await http.get("Patient/p")
        yield house


def browser(house: House, who: Caller) -> httpx.AsyncClient:
    looking = Looking(Trail(house.store), house.door, TENANT, Limits())
    reviews = Reviews(house.state, TENANT, system_clock)
    audits = Audits(lambda _: looking, lambda _: reviews, partial(sees_all, decider()))
    web = Web(house.door, house.tokens, audits=audits)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application(web)),
        base_url="http://testserver",
        cookies={"careplane": house.tokens.issue(who, 3600)},
        headers={"sec-fetch-site": "same-origin", "origin": "http://testserver"},
    )


async def keep(house: House, at: int, purpose: str, **more: Any) -> None:
    values = {"versions": (("Observation", "o-p", 1),), "patients": ("p",), **more}
    agent = values.pop("agent", "Practitioner/d")
    record = AuditRecord(at, 1, agent, "read", Outcome.SUCCESS, purpose=purpose, **values)
    await house.store.append(TENANT, encode(record))


async def test_a_patient_reads_who_opened_their_record(house: House) -> None:
    async with browser(house, MINE) as page:
        answer = await page.get("/patients/p/access")
        assert answer.status_code == 200
        assert "OKAFOR" in answer.text
        assert "for treatment" in answer.text
        assert "searched" in answer.text
        assert "Family-q" not in answer.text


async def test_nobody_else_reads_it(house: House) -> None:
    async with browser(house, OTHER) as page:
        assert (await page.get("/patients/p/access")).status_code == 404
        assert (await page.get("/patients/p/disclosures")).status_code == 404
        lines = await page.get("/patients/p/disclosures/csv")
        assert lines.text.count("\r\n") <= 1, "a head at most"
    async with browser(house, DOCTOR) as page:
        assert "OKAFOR" not in (await page.get("/patients/p/access")).text
        assert (await page.get("/patients/p/disclosures")).status_code == 403


async def test_the_accounting_leaves_out_what_the_rule_leaves_out(house: House) -> None:
    now = system_clock()
    research = now - YEAR
    await keep(house, research, "HRESCH")
    for left_out in ("", "TREAT", "ETREAT", "HPAYMT", "HOPERAT", "PATRQT"):
        await keep(house, research, left_out)
    await keep(house, research, "PUBHLTH", agent="Patient/p")
    await keep(house, now - 7 * YEAR, "HRESCH")
    await keep(house, research, "HRESCH", patients=("q",), versions=(("Patient", "q", 1),))
    async with house.client_of(MINE) as http:
        path = "Patient/p/$accounting-of-disclosures"
        found = (await http.get(path)).json()
        assert len(found["entry"]) == 1
        assert found["entry"][0]["resource"]["purposeOfEvent"][0]["coding"][0]["code"] == "HRESCH"
        written = await http.get(f"{path}?output=csv")
        assert written.headers["content-type"].startswith("text/csv")
        head, line = csv.reader(io.StringIO(written.text))
        assert head[0] == "when"
        assert line[1:] == ["Practitioner/d", "", "Observation/o-p/_history/1", "HRESCH"]
        extended = (await http.get(f"{path}?extended=true")).json()
        assert len(extended["entry"]) > 5
        assert (await http.get(f"{path}?output=pdf")).status_code == 400
    async with house.client_of(OTHER) as http:
        assert "entry" not in (await http.get(path)).json()
    async with browser(house, MINE) as page:
        text = (await page.get("/patients/p/disclosures")).text
        assert "Observation/o-p/_history/1" in text
        assert "OKAFOR" in text


async def test_an_auditor_reviews_what_was_found(house: House) -> None:
    async with browser(house, AUDITOR) as page:
        text = (await page.get("/audit")).text
        assert "No part in the care" in text
        key = text.split('name="key" value="')[1].split('"')[0]
        said = {"key": key, "verdict": "explained", "note": "a <consult>", "days": "7"}
        answer = await page.post("/audit", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, "/audit?days=7")
        text = (await page.get("/audit")).text
        assert "a &lt;consult&gt;" in text
        assert (await page.post("/audit", data={**said, "note": ""})).status_code == 400
        assert (await page.post("/audit", data={**said, "verdict": "x"})).status_code == 400
        evil = {"sec-fetch-site": "cross-site", "origin": "http://evil"}
        stranger = await page.post("/audit", data=said, headers=evil)
        assert stranger.status_code == 403
    interactions = [r.interaction for r in await house.audit() if r.agent == "Practitioner/a"]
    assert {"audit-anomalies", "audit-review"} <= set(interactions)


@pytest.mark.parametrize("who", [DOCTOR, MINE, OTHER], ids=lambda who: who.id)
async def test_nobody_else_sees_the_auditors_page(house: House, who: Caller) -> None:
    async with browser(house, who) as page:
        assert (await page.get("/audit")).status_code == 403
        said = {"key": "a" * 18, "verdict": "seen"}
        assert (await page.post("/audit", data=said)).status_code == 403
    reviews = Reviews(MemoryState(), TENANT, system_clock)
    assert await reviews.all() == {}
