"""Pages of clinicians without a browser: the home of each role, results, prescriptions, refills."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import House, observation, open_house
from tests.prescribing_house import (
    COLLEAGUE,
    DOCTOR,
    NURSE,
    PATIENT,
    PHARMACIST,
    STRANGER,
    allergy,
    clinic,
    drug,
    furnish,
    order,
    staff,
)

pytestmark = pytest.mark.anyio
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LAB = [{"coding": [{"code": "laboratory"}]}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(MemoryStore(system_clock)) as house:
        await furnish(house)
        yield house


@asynccontextmanager
async def browser(house: House, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    web = Web(house.door, house.tokens, clinic=clinic(house))
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        http.cookies.set("careplane", house.tokens.issue(caller, 3600), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


def words(page: httpx.Response) -> str:
    """The text of a page, as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def potassium(id: str, **more: Any) -> dict[str, Any]:
    made = observation(id, "p", "2823-3", category=LAB, effectiveDateTime=f"{TODAY}T06:00:00Z",
                       performer=[{"reference": "Practitioner/d"}],
                       valueQuantity={"value": 6.4, "unit": "mmol/L"})  # fmt: skip
    return made | more


def appointment(id: str, by: str, status: str = "booked") -> dict[str, Any]:
    return {"resourceType": "Appointment", "id": id, "status": status, "description": f"Visit {id}",
            "start": f"{TODAY}T23:10:00Z", "end": f"{TODAY}T23:20:00Z",
            "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"},
                            {"actor": {"reference": f"Practitioner/{by}"},
                             "status": "accepted"}]}  # fmt: skip


async def test_the_home_of_each_role(house: House) -> None:
    for record in (potassium("k"), appointment("mine", "d"), appointment("hers", "e", "arrived")):
        await house.put(record)
    expected = (
        (DOCTOR, ("My day", "Visit mine", "Results to acknowledge", "Inbox", "6.4"),
         ("Visit hers",)),
        (NURSE, ("My day", "Inbox", "Needs attention"), ("Visit mine", "6.4")),
        (staff("f", "front-desk"), ("The day of everybody", "Visit mine", "Visit hers", "Arrived",
         "1 patient is here"), ("Results to acknowledge", "6.4", "Needs attention")),
        (PHARMACIST, ("Prescribed in the last 7 days",), ("Results to acknowledge", "Visit mine")),
        (staff("a", "auditor"), ("Your work", "audit trail"), ("6.4", "Visit mine")),
        (staff("z", "administrator"), ("Your work", "Terminology"), ("6.4", "Visit mine")),
    )  # fmt: skip
    for caller, there, absent in expected:
        async with browser(house, caller) as http:
            page = await http.get("/")
            assert page.status_code == 200, page.text
            text = words(page)
            for one in there:
                assert one in text, (caller.roles, one)
            for one in absent:
                assert one not in text, (caller.roles, one)
    async with browser(house, DOCTOR) as http:
        assert "Visit hers" in words(await http.get("/?whose=all"))


async def test_results_are_acknowledged_from_a_list_and_from_the_chart(house: House) -> None:
    await house.put(potassium("k", code={"text": HOSTILE}))
    await house.put(potassium("k2"))
    async with browser(house, DOCTOR) as http:
        page = await http.get("/results")
        assert 'name="result:Observation/k"' in page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        nothing = await http.post("/results", data={"comment": "typed"})
        assert (nothing.status_code, "Choose 1 to 100 results" in nothing.text) == (400, True)
        assert 'value="typed"' in nothing.text
        sent = {"result:Observation/k": "on", "comment": HOSTILE, "to_patient": "Please come",
                "next": "/patients/p/results"}  # fmt: skip
        done = await http.post("/results", data=sent)
        assert done.status_code == 303
        assert done.headers["location"] == "/patients/p/results?done=1&before=0"
        page = await http.get(done.headers["location"])
        assert "1 result acknowledged" in words(page)
        assert 'name="result:Observation/k2"' in page.text
        assert 'name="result:Observation/k"' not in page.text
        away = await http.post("/results", data={**sent, "next": "//evil.test/"})
        assert away.headers["location"].startswith("/?")
    async with browser(house, PATIENT) as mine:
        page = await mine.get("/patients/p/results")
        assert "result:Observation" not in page.text
        assert (await mine.post("/results", data=sent)).status_code == 403


FORM = {"medicine": "Amoxicillin 500 MG Oral Capsule", "dose": "1", "unit": "{capsule}",
        "route": "26643006", "often": "tds", "days": "7", "quantity": "21",
        "quantity_unit": "{capsule}", "refills": "0", "substitution": "on"}  # fmt: skip


async def test_prescribe_past_a_warning(house: House) -> None:
    await house.put(order("odd", drug(HOSTILE), requester={"display": HOSTILE}))
    await house.put(allergy("a2", HOSTILE))
    await house.put({"resourceType": "Condition", "id": "c", "code": {"text": "Sore throat"},
                     "subject": {"reference": "Patient/p"}})  # fmt: skip
    async with browser(house, DOCTOR) as http:
        page = await http.get("/patients/p/prescribe?q=warf")
        assert "Warfarin Sodium 5 MG Oral Tablet" in page.text
        assert "855332" in page.text
        bad = {**FORM, "dose": "one", "often": "custom", "frequency": "99999999"}
        wrong = await http.post("/patients/p/prescribe", data=bad)
        assert wrong.status_code == 400
        assert 'href="#dose"' in wrong.text
        assert 'aria-describedby="dose-wrong"' in wrong.text
        assert 'value="one"' in wrong.text
        warned = await http.post("/patients/p/prescribe", data=FORM)
        assert warned.status_code == 200
        assert "recorded as allergic" in words(warned)
        (field,) = re.findall(r'name="(why-allergy-pen)"', warned.text)
        assert 'value="7"' in warned.text
        empty = await http.post("/patients/p/prescribe", data={**FORM, field: " "})
        assert "Say why you prescribe" in words(empty) or empty.status_code == 200
        sent = {**FORM, field: HOSTILE, "reason": "c"}
        saved = await http.post("/patients/p/prescribe", data=sent)
        assert saved.status_code == 303, words(saved)
        page = await http.get(saved.headers["location"])
        assert "1 capsule by mouth 3 times a day, for 7 days" in words(page)
        id = saved.headers["location"].rpartition("=")[2]
        page = await http.get(f"/patients/p/medications/{id}")
        assert "Warnings that were gone past" in words(page)
        assert "Because of Sore throat" in words(page)
        for one in (page, await http.get("/patients/p/medications")):
            assert "<script>alert" not in one.text
            assert "<img src=x" not in one.text
        stop = f"/patients/p/medications/{id}/stop"
        assert (
            await http.post(stop, data={"version": "1", "reason": "nonsense"})
        ).status_code == 400
        stale = await http.post(stop, data={"version": "9", "reason": "salg"})
        assert "as it is now" in words(stale)
        assert (await http.post(stop, data={"version": "1", "reason": "salg"})).status_code == 303
        assert "Allergy" in words(await http.get(f"/patients/p/medications/{id}"))
        assert (await http.get(f"/patients/q/medications/{id}")).status_code == 404


async def test_words_of_a_sig_are_made_of_its_structure(house: House) -> None:
    dose = {"value": 2, "code": "{tbl}", "system": "http://unitsofmeasure.org"}
    said = {
        "timing": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}},
        "asNeededCodeableConcept": {"text": "pain"},
        "doseAndRate": [{"doseQuantity": dose}],
    }
    await house.put(order("s", drug("Aspirin"), dosageInstruction=[said]))
    other = {**said, "text": "as the leaflet says"}
    await house.put(order("t", drug("Codeine"), dosageInstruction=[other]))
    async with browser(house, DOCTOR) as http:
        page = words(await http.get("/patients/p/medications"))
        assert "2 tablets every 6 hours, as needed for pain" in page
        assert "as the leaflet says" in page, "words that say more than the structure stay"


async def test_a_refill_is_asked_for_and_answered(house: House) -> None:
    async with browser(house, PATIENT) as mine, browser(house, DOCTOR) as http:
        assert "Ask for a refill" in words(await mine.get("/patients/p/medications"))
        asked = await mine.post("/patients/p/medications/warfarin/refill", data={"words": HOSTILE})
        assert asked.status_code == 303
        assert "Waiting for the answer" in words(await mine.get("/patients/p/medications"))
        home = await http.get("/")
        assert "Refill asked for" in words(home)
        assert "<script>alert" not in home.text
        (path,) = set(re.findall(r'href="(/refills/[^"]+)"', home.text))
        page = await http.get(path)
        assert "<script>alert" not in page.text
        assert "Warfarin" in words(page)
        silent = await http.post(path, data={"do": "decline", "words": ""})
        assert silent.status_code == 400
        assert (await http.post(path, data={"do": "approve"})).status_code == 303
        assert "Approved" in words(await http.get(path))
        late = await http.post(path, data={"do": "decline", "words": "no"})
        assert "answered this request already" in words(late)
        assert "Refill approved" in words(await mine.get("/patients/p/medications"))
        assert (await mine.post(path, data={"do": "approve"})).status_code in (403, 404)
    async with browser(house, STRANGER) as other:
        assert (await other.get(path)).status_code == 404


async def test_a_refill_that_something_stands_against_goes_by_way_of_the_form(house: House) -> None:
    await house.put(order("naproxen", drug("Naproxen 500 MG Oral Tablet"), dosageInstruction=[
        {"text": "1 tablet twice a day"}]))  # fmt: skip
    async with browser(house, PATIENT) as mine, browser(house, DOCTOR) as http:
        await mine.post("/patients/p/medications/naproxen/refill", data={"words": ""})
        (path,) = set(re.findall(r'href="(/refills/[^"]+)"', (await http.get("/")).text))
        answer = await http.post(path, data={"do": "approve"})
        assert answer.status_code == 303
        form = await http.get(answer.headers["location"])
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form.text))
        sent = {k: html.unescape(v) for k, v in fields.items() if not k.startswith("q")}
        warned = await http.post("/patients/p/prescribe", data=sent)
        assert "bleeding becomes more likely" in words(warned)
        why = dict.fromkeys(re.findall(r'name="(why-[^"]+)"', warned.text), "INR is checked")
        saved = await http.post("/patients/p/prescribe", data={**sent, **why})
        assert saved.status_code == 303, words(saved)
        assert "Refill approved" in words(await mine.get("/patients/p/medications"))


async def test_pages_are_closed_to_who_may_not(house: House) -> None:
    for caller in (NURSE, PATIENT, staff("f", "front-desk")):
        async with browser(house, caller) as http:
            assert (await http.get("/patients/p/prescribe")).status_code == 403
            assert (await http.post("/patients/p/prescribe", data=FORM)).status_code in (403, 404)
            stop = await http.post("/patients/p/medications/warfarin/stop",
                                   data={"version": "1", "words": "no"})  # fmt: skip
            assert stop.status_code in (403, 404)


async def test_order_from_the_catalogue(house: House) -> None:
    async with browser(house, DOCTOR) as http:
        form = await http.get("/patients/p/order?kind=laboratory")
        assert "Heart failure, follow-up" in words(form)
        nothing = await http.post(
            "/patients/p/order", data={"kind": "laboratory", "words": HOSTILE}
        )
        assert nothing.status_code == 400
        assert 'href="#items"' in nothing.text
        assert "<script>alert" not in nothing.text
        sent = {"kind": "laboratory", "item:cbc": "on", "set:set-heart-failure": "on",
                "priority": "urgent", "words": HOSTILE, "note": "left arm"}  # fmt: skip
        saved = await http.post("/patients/p/order", data=sent)
        assert saved.headers["location"] == "/patients/p/orders?saved=4"
        page = await http.get("/patients/p/orders")
        assert "Complete blood count" in words(page)
        twice = await http.post("/patients/p/order", data=sent)
        assert "Ordered already" in words(twice)
        assert 'name="again"' in twice.text
        again = await http.post("/patients/p/order", data={**sent, "again": "on"})
        assert again.status_code == 303
        (path, *_) = re.findall(r'href="(/patients/p/orders/[^"]+)"', page.text)
        one = await http.get(path)
        assert "<script>alert" not in one.text
        id = path.rpartition("/")[2]
        await house.put({"resourceType": "DiagnosticReport", "id": "r", "status": "final",
                         "code": {"text": "Blood count"}, "subject": {"reference": "Patient/p"},
                         "basedOn": [{"reference": f"ServiceRequest/{id}"}]})  # fmt: skip
        assert "Results are there" in words(await http.get("/patients/p/orders"))
        empty = await http.post(f"{path}/end", data={"do": "revoked", "version": "1", "words": ""})
        assert empty.status_code == 400
        ended = {"do": "revoked", "version": "1", "words": "By mistake"}
        assert (await http.post(f"{path}/end", data=ended)).status_code == 303
        assert "By mistake" in words(await http.get(path))
        assert (await http.get(path.replace("/p/", "/q/"))).status_code == 404
    async with browser(house, NURSE) as http:
        assert (await http.get("/patients/p/order")).status_code == 403
        assert (await http.post("/patients/p/order", data=sent)).status_code == 403
        assert "Complete blood count" in words(await http.get("/patients/p/orders"))


async def test_a_referral_between_two(house: House) -> None:
    await house.put({"resourceType": "Practitioner", "id": "e", "name": [{"family": "Heart"}]})
    async with browser(house, DOCTOR) as http, browser(house, COLLEAGUE) as other:
        form = {"kind": "referral", "item:to-cardiology": "on", "words": HOSTILE}
        nobody = await http.post("/patients/p/order", data=form)
        assert (nobody.status_code, 'href="#performer"' in nobody.text) == (400, True)
        sent = await http.post("/patients/p/order", data={**form, "performer": "Practitioner/e"})
        assert sent.status_code == 303, words(sent)
        home = await other.get("/")
        assert "Referral" in words(home)
        assert "<script>alert" not in home.text
        listed = await other.get("/referrals")
        (path,) = set(re.findall(r'href="(/referrals/[^"?]+)"', listed.text))
        assert path in (await http.get("/referrals?way=out")).text
        page = await other.get(path)
        assert "<script>alert" not in page.text
        assert 'value="accept"' in page.text
        assert 'value="accept"' not in (await http.get(path)).text
        assert (await http.post(path, data={"do": "accept"})).status_code == 403
        assert (await other.post(path, data={"do": "ask", "words": " "})).status_code == 400
        assert (await other.post(path, data={"do": "ask", "words": "An ECG?"})).status_code == 303
        reply = await http.post(path, data={"do": "reply", "words": "Yes"})
        assert reply.status_code == 303
        report = {"do": "complete", "words": f"Nothing found. {HOSTILE}"}
        assert (await other.post(path, data=report)).status_code == 303
        done = await http.get(path)
        assert "Nothing found." in words(done)
        assert "<script>alert" not in done.text
        late = await other.post(path, data={"do": "decline", "words": "no"})
        assert "gone on since" in words(late)
