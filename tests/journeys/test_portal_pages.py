"""The patient's portal without a browser: what stands on its pages, what its forms do, who may."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.people.standing import Ages, rights
from careplane.access.scopes import parse_scopes
from careplane.care.corrections.corrections import LONGEST, MOST, Corrections
from careplane.care.proxies.proxies import MOST as MOST_PROXIES
from careplane.care.proxies.proxies import Proxies
from careplane.kernel.ids import new_id
from careplane.rest.addressing import Addressing
from careplane.storage.engines.memory import MemoryStore
from careplane.telehealth.consults.consult import Promise
from careplane.telehealth.consults.consults import Consults
from careplane.telehealth.messages import names
from careplane.telehealth.messages.messages import Limits, Messages
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.messages.reading import Reading
from careplane.telehealth.tasks.tasks import Tasks
from careplane.web.portal import Portal
from careplane.web.routes import application
from careplane.web.talk import Talk
from careplane.web.visit import Web
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT
from tests.scheduling_house import HALF_HOUR, MONDAYS, NOW, Clinic, open_clinic, schedule, terms

pytestmark = pytest.mark.anyio

RIGHTS = parse_scopes("patient/*.cruds")
PATIENT = Caller(TENANT, "Patient/p", "Ada Quinn", RIGHTS, "p", frozenset({"patient"}))
OTHER = Caller(TENANT, "Patient/q", "Bo Else", RIGHTS, "q", frozenset({"patient"}))
READER = Caller(TENANT, "RelatedPerson/r", "Cy Quinn", RIGHTS, "p", frozenset({"proxy"}))
ACTOR = Caller(TENANT, "RelatedPerson/r", "Cy Quinn", RIGHTS, "p",
               frozenset({"proxy", "acting-proxy"}))  # fmt: skip
PARENT = Caller(TENANT, "RelatedPerson/r", "Di Quinn", RIGHTS, "p",
                frozenset({"narrow-proxy"}))  # fmt: skip
DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. D", parse_scopes("user/*.cruds"), None,
                frozenset({"physician"}))  # fmt: skip
EVIL = '<img src=x onerror="alert(1)">'
MESSAGE = [{"coding": [{"system": names.KIND, "code": names.MESSAGE}]}]
P = {"reference": "Patient/p"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def clinic() -> AsyncIterator[Clinic]:
    clock = Hands(NOW)
    async with open_clinic(MemoryStore(clock), clock) as clinic:
        await clinic.put(
            schedule("s", MONDAYS, HALF_HOUR, terms(book_before=0)),
            {"resourceType": "RelatedPerson", "id": "r", "active": True, "patient": P},
        )
        yield clinic


def talk_of(clinic: Clinic) -> Talk:
    """Messages, tasks and consults of a clinic."""
    pools = Pools(clinic.door, clinic.clock)
    messages = Messages(clinic.door, pools, clinic.clock, new_id, Limits())
    tasks = Tasks(clinic.door, pools, clinic.clock, new_id)
    return Talk(messages, Reading(clinic.door), tasks, Consults(messages, Promise(48, 4)))


@asynccontextmanager
async def browser(clinic: Clinic, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    tools = (clinic.door, clinic.clock, new_id)
    doors = Portal(clinic.desk, clinic.feeds, Corrections(*tools), Proxies(*tools))
    web = Web(clinic.door, clinic.tokens, clock=clinic.clock, portal=doors,
              addressing=Addressing("http://testserver"),
              talk=talk_of(clinic))  # fmt: skip
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        http.cookies.set("careplane", clinic.tokens.issue(caller, 10**7), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


def lab(id: str, value: Any, when: str, code: str = "2160-0", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": P,
        "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": when,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "Creat"},
        "valueQuantity": {"value": value, "unit": "mg/dL"},
        "referenceRange": [{"low": {"value": 0.7}, "high": {"value": 1.3}}], **more,
    }  # fmt: skip


def task(id: str, code: str, **more: Any) -> dict[str, Any]:
    coded = {"coding": [{"system": "urn:careplane:task", "code": code}]}
    return {"resourceType": "Task", "id": id, "status": "requested", "intent": "order",
            "code": coded, "for": P, **more}  # fmt: skip


async def text(http: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await http.get(path)
    assert answer.status_code == status, (path, answer.text[:500])
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


async def booked(clinic: Clinic, http: httpx.AsyncClient) -> str:
    (first, *_) = await clinic.find(http)
    made = await clinic.one("$book", http, appointment_reference={
        "reference": f"Appointment/{first['id']}"}, patient_reference=P)  # fmt: skip
    return str(made["id"])


async def test_home_says_what_comes_and_what_is_new(clinic: Clinic) -> None:
    await clinic.put(
        lab("a", 1.0, "2027-01-11"), lab("b", 1.6, "2027-02-20"),
        task("f", "fill-form", description="Before your visit", owner=P),
        {"resourceType": "Communication", "id": "c", "status": "completed", "subject": P,
         "category": MESSAGE, "recipient": [P], "sent": "2027-02-20T10:00:00Z"},
        {"resourceType": "Communication", "id": "d", "status": "completed", "subject": P,
         "category": MESSAGE, "recipient": [P], "sent": "2027-02-19T10:00:00Z",
         "received": "2027-02-19T11:00:00Z"},
        {"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
         "subject": P, "medicationCodeableConcept": {"text": "Ibuprofen"}},
    )  # fmt: skip
    await booked(clinic, clinic.patient("p"))
    async with browser(clinic, PATIENT) as mine:
        page = await text(mine, "/")
    for words in (
        "Hello, Ada Quinn", "Monday, 01-Mar-2027 at 09:00", "Europe/Berlin", "Before your visit",
        "Creatinine", "Above the usual range", "1 message that you have not read.",
        "1 medicine is prescribed now.", "Who opened my record",
    ):  # fmt: skip
        assert words in page, words
    async with browser(clinic, OTHER) as other:
        page = await text(other, "/")
    assert "You have no visit to come." in page
    assert "There are no new results." in page


async def test_a_result_is_told_with_its_range_its_trend_and_what_was_said(clinic: Clinic) -> None:
    await clinic.put(
        lab("a", 1.0, "2027-01-11"), lab("b", 1.6, "2027-02-20"),
        {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Ray", "given": ["Ann"]}]},
        task("t", "acknowledge", focus={"reference": "Observation/b"},
             owner={"reference": "Practitioner/d"}, note=[{"text": "Drink more, we look again."}]),
        {"resourceType": "DiagnosticReport", "id": "r", "status": "preliminary", "subject": P,
         "code": {"text": "Kidneys"}, "result": [{"reference": "Observation/b"}],
         "conclusion": "Mild.", "effectiveDateTime": "2027-02-20",
         "presentedForm": [{"contentType": "application/pdf", "title": "Kidneys ../x",
                            "data": base64.b64encode(b"%PDF-1").decode()},
                           {"contentType": "text/html", "title": "page",
                            "data": base64.b64encode(b"<script>").decode()}]},
    )  # fmt: skip
    async with browser(clinic, PATIENT) as mine:
        page = await text(mine, "/my/results")
        assert "Kidneys" in page
        page = await text(mine, "/my/results/2160-0")
        for words in (
            "A waste product that healthy kidneys remove", "Above the usual range",
            "now above the usual range: it was 1.0 mg/dL on 11-Jan-2027",
            "Drink more, we look again.", "RAY, Ann", "Usual range: 0.7 – 1.3 mg/dL", "Kidneys",
        ):  # fmt: skip
            assert words in page, words
        answer = await mine.get("/my/results/2160-0")
        assert "Your value is 1.6 mg/dL. The usual range is 0.7 – 1.3." in answer.text
        page = await text(mine, "/my/reports/r")
        for words in ("This report is not final", "Mild.", "Drink more, we look again."):
            assert words in page, words
        pdf, html = [await mine.get(f"/my/reports/r/files/{n}") for n in (0, 1)]
        assert (pdf.content, pdf.headers["content-type"]) == (b"%PDF-1", "application/pdf")
        assert pdf.headers["content-disposition"] == 'attachment; filename="Kidneys-x.pdf"'
        assert html.headers["content-type"] == "application/octet-stream"
        assert html.headers["x-content-type-options"] == "nosniff"
        for number in ("2", "-1", "x", "99999999999999999999"):
            assert (await mine.get(f"/my/reports/r/files/{number}")).status_code == 404
        await text(mine, "/my/results/9999-9", 404)
    async with browser(clinic, OTHER) as other:
        await text(other, "/my/results/2160-0", 404)
        await text(other, "/my/reports/r", 404)
        assert (await other.get("/my/reports/r/files/0")).status_code == 404


async def test_what_is_held_back_is_not_there(clinic: Clinic) -> None:
    async with browser(clinic, PATIENT) as mine:
        await clinic.put(lab("a", 1.6, "2027-02-20", status="entered-in-error"))
        assert "There are no results yet." in await text(mine, "/my/results")
        await clinic.put({**lab("a", 1.6, "2027-02-20"), "subject": {"reference": "Patient/q"}})
        assert "There are no results yet." in await text(mine, "/my/results")


async def test_a_visit_is_seen_and_cancelled_within_the_terms(clinic: Clinic) -> None:
    id = await booked(clinic, clinic.patient("p"))
    async with browser(clinic, PATIENT) as mine, browser(clinic, OTHER) as other:
        page = await text(mine, f"/my/visits/{id}")
        for words in ("Monday, 01-Mar-2027 at 09:00", "Booked", "room", "Cancel this visit"):
            assert words in page, words
        calendar = await mine.get(f"/my/visits/{id}/ical")
        assert calendar.text.startswith("BEGIN:VCALENDAR")
        await text(other, f"/my/visits/{id}", 404)
        assert (await other.get(f"/my/visits/{id}/ical")).status_code == 404
        assert (await other.post(f"/my/visits/{id}/cancel", data={"why": ""})).status_code == 404
        clinic.clock.now += 6 * 86_400_000_000 + 20 * 3_600_000_000
        late = await mine.post(f"/my/visits/{id}/cancel", data={"why": EVIL})
        assert late.status_code == 409
        assert "please call" in late.text
        assert 'value="&lt;img' in late.text
        clinic.clock.now -= 5 * 86_400_000_000
        done = await mine.post(f"/my/visits/{id}/cancel", data={"why": EVIL})
        assert (done.status_code, done.headers["location"]) == (303, "/my/visits?said=cancelled")
        page = await text(mine, "/my/visits")
        assert "You have no visit to come." in page
        assert "Cancelled" in page
    found = (await clinic.http.get(f"Appointment/{id}")).json()
    assert found["cancelationReason"]["text"] == EVIL
    assert found["cancelationReason"]["coding"][0]["code"] == "pat"


async def test_the_summary_of_a_visit_is_found_with_it(clinic: Clinic) -> None:
    await clinic.put(
        {"resourceType": "Appointment", "id": "v", "status": "fulfilled", "description": "Review",
         "start": "2027-02-01T09:00:00Z", "end": "2027-02-01T09:30:00Z",
         "participant": [{"actor": P, "status": "accepted"}]},
        {"resourceType": "DocumentReference", "id": "s", "status": "current", "subject": P,
         "date": "2027-02-01T10:00:00Z", "type": {"text": "After-visit summary"},
         "content": [{"attachment": {"contentType": "text/plain", "title": "What to do",
                                     "data": base64.b64encode(f"Rest. {EVIL}".encode()).decode()}}],
         "context": {"related": [{"reference": "Appointment/v"}]}},
    )  # fmt: skip
    async with browser(clinic, PATIENT) as mine, browser(clinic, OTHER) as other:
        assert "/my/documents/s" in (await mine.get("/my/visits")).text
        answer = await mine.get("/my/documents/s")
        assert "Rest. &lt;img src=x" in answer.text
        assert EVIL not in answer.text
        assert (await mine.get("/my/documents/s/files/0")).content == f"Rest. {EVIL}".encode()
        await text(other, "/my/documents/s", 404)


async def test_medicines_are_told_with_how_and_what_was_asked(clinic: Clinic) -> None:
    await clinic.put(
        {"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
         "subject": P, "medicationCodeableConcept": {"text": EVIL}, "authoredOn": "2027-01-01",
         "dosageInstruction": [{"timing": {"repeat": {
             "frequency": 2, "period": 1, "periodUnit": "d", "when": ["PC"]}}}],
         "dispenseRequest": {"numberOfRepeatsAllowed": 2}},
        task("t", "refill", focus={"reference": "MedicationRequest/m"}, authoredOn="2027-02-01",
             requester=P),
    )  # fmt: skip
    async with browser(clinic, PATIENT) as mine:
        page = await text(mine, "/my/medicines")
        for words in (
            "2 times a day, after a meal", "2 refills were allowed.", "You asked for more",
        ):  # fmt: skip
            assert words in page, words
        assert EVIL not in (await mine.get("/my/medicines")).text


async def test_something_is_wrong_becomes_a_task(clinic: Clinic) -> None:
    await clinic.put(lab("a", 1.6, "2027-02-20"))
    async with browser(clinic, PATIENT) as mine, browser(clinic, OTHER) as other:
        sent = {"text": f"It was 1.2 {EVIL}", "about": "Observation/a"}
        done = await mine.post("/my/corrections", data=sent)
        assert (done.status_code, done.headers["location"]) == (303, "/my/corrections?said=sent")
        answer = await mine.get("/my/corrections")
        assert "It was 1.2 &lt;img" in answer.text
        assert "23-Apr-2027" in answer.text
        assert "It was 1.2" not in (await other.get("/my/corrections")).text
        (entry,) = (await clinic.http.get("Task?code=correction")).json()["entry"]
        tree = entry["resource"]
        assert tree["focus"] == {"reference": "Observation/a"}
        assert tree["requester"] == {"reference": "Patient/p", "display": "Ada Quinn"}
        assert tree["for"] == P
        for bad, words in (
            ({"text": " "}, "Say what is wrong"),
            ({"text": "x" * (LONGEST + 1)}, "Say what is wrong"),
            ({"text": "kept", "about": "javascript:1"}, "named as Observation/17"),
        ):
            refused = await mine.post("/my/corrections", data=bad)
            assert refused.status_code == 400
            assert words in refused.text
            assert bad["text"].strip() in refused.text
        foreign = await other.post("/my/corrections", data=sent)
        assert foreign.status_code == 400
        for _ in range(MOST - 1):
            assert (await mine.post("/my/corrections", data={"text": "x"})).status_code == 303
        many = await mine.post("/my/corrections", data={"text": "one more"})
        assert "Wait until some" in many.text
        direct = await clinic.patient("p").post("Task", json=task("z", "correction"))
        assert direct.status_code == 403


async def test_a_feed_is_shown_once_and_ended(clinic: Clinic) -> None:
    await booked(clinic, clinic.patient("p"))
    async with browser(clinic, PATIENT) as mine, clinic.feed_client() as program:
        made = await mine.post("/my/calendar")
        (address,) = re.findall(r'value="(http://testserver/calendar/[0-9a-f]+\.ics)"', made.text)
        path = address.removeprefix("http://testserver")
        assert "BEGIN:VEVENT" in (await program.get(path)).text
        assert path not in (await mine.get("/my/calendar")).text
        assert (await mine.post("/my/calendar/end")).status_code == 303
        assert (await program.get(path)).status_code == 404


async def test_a_proxy_sees_whose_record_it_is_and_acts_if_allowed(clinic: Clinic) -> None:
    id = await booked(clinic, clinic.patient("p"))
    async with browser(clinic, READER) as reader, browser(clinic, ACTOR) as actor:
        for path in ("/", "/my/results", "/my/visits", f"/my/visits/{id}", "/my/health"):
            assert "You act for" in await text(reader, path)
        assert id in (await actor.get("/my/visits")).text
        assert "What I share" not in await text(reader, "/my/menu")
        assert "Cancel this visit" not in await text(reader, f"/my/visits/{id}")
        assert "Cancel this visit" in await text(actor, f"/my/visits/{id}")
        assert "What is wrong, and" not in await text(reader, "/my/corrections")
        assert (await reader.post(f"/my/visits/{id}/cancel", data={"why": ""})).status_code == 403
        assert (await reader.post("/my/corrections", data={"text": "x"})).status_code == 403
        assert (await actor.post("/my/corrections", data={"text": "x"})).status_code == 303
        assert (await actor.post(f"/my/visits/{id}/cancel", data={"why": ""})).status_code == 303
        await clinic.put(
            {"resourceType": "RelatedPerson", "id": "r", "active": False, "patient": P}
        )
        assert id not in (await actor.get("/my/visits")).text
        await text(actor, f"/my/visits/{id}", 404)


async def test_the_parent_of_an_adolescent_sees_little(clinic: Clinic) -> None:
    await clinic.put(
        lab("a", 1.6, "2027-02-20"),
        {"resourceType": "Immunization", "id": "i", "status": "completed", "patient": P,
         "vaccineCode": {"text": "Measles"}, "occurrenceDateTime": "2026-01-01"},
        {"resourceType": "Condition", "id": "c", "subject": P, "code": {"text": "Secret"}},
    )  # fmt: skip
    id = await booked(clinic, clinic.patient("p"))
    async with browser(clinic, PARENT) as parent:
        page = await text(parent, "/")
        assert "Monday, 01-Mar-2027" in page
        for words in ("New results", "Medicines", "Test results", "Messages", "Who opened"):
            assert words not in page
        page = await text(parent, "/my/health")
        assert "Measles" in page
        assert "Secret" not in page
        assert "Conditions" not in page
        assert "Cancel this visit" not in await text(parent, f"/my/visits/{id}")
        await text(parent, "/my/results/2160-0", 404)
        assert "not open to your role" in await text(parent, "/my/results")


async def test_staff_have_their_own_home(clinic: Clinic) -> None:
    async with browser(clinic, DOCTOR) as doctor:
        page = await text(doctor, "/")
        assert "Today" in page
        assert "You act for" not in page
        for path in ("/my/results", "/my/menu", "/my/corrections"):
            answer = await doctor.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")


INVITED = {"name": f"Cy {EVIL}", "relationship": "CHILD", "rights": "act", "until": "2027-12-31"}


async def test_a_patient_lets_somebody_act_and_ends_it(clinic: Clinic) -> None:
    async with browser(clinic, PATIENT) as mine, browser(clinic, OTHER) as other:
        made = await mine.post("/my/proxies", data=INVITED)
        assert made.status_code == 200
        assert "Cy &lt;img" in made.text
        assert "sees my record and acts for me" in made.text
        found = (await clinic.http.get("RelatedPerson?patient=p&relationship=CHILD")).json()
        (tree,) = [entry["resource"] for entry in found["entry"]]
        assert tree["period"] == {"start": "2027-02-22", "end": "2027-12-31"}
        assert rights(tree, {}, date(2027, 12, 31), Ages()) == "act"
        assert rights(tree, {}, date(2028, 1, 1), Ages()) == ""
        path = f"/my/proxies/{tree['id']}/end"
        assert (await other.post(path)).status_code == 404
        assert "Cy" not in (await other.get("/my/proxies")).text
        assert (await mine.post(path)).status_code == 303
        ended = (await clinic.http.get(f"RelatedPerson/{tree['id']}")).json()
        assert (ended["active"], ended["period"]["end"]) == (False, "2027-02-22")
        direct = await clinic.patient("p").put(f"RelatedPerson/{tree['id']}", json=tree)
        assert direct.status_code in (403, 404)
        for _ in range(MOST_PROXIES - 1):
            assert (await mine.post("/my/proxies", data=INVITED)).status_code == 200
        many = await mine.post("/my/proxies", data=INVITED)
        assert many.status_code == 400
        assert "end one first" in many.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "Say the name"),
        ({"name": "x" * 121}, "Say the name"),
        ({"relationship": "BOSS"}, "Choose from the list"),
        ({"rights": "everything"}, "Choose what"),
        ({"until": "tomorrow"}, "written as 2030-12-31"),
        ({"until": "2027-02-30"}, "no such last day"),
        ({"until": "2027-02-21"}, "in the past"),
    ],
)
async def test_an_invitation_that_cannot_be(
    clinic: Clinic, wrong: dict[str, str], words: str
) -> None:
    async with browser(clinic, PATIENT) as mine:
        answer = await mine.post("/my/proxies", data={**INVITED, **wrong})
        assert answer.status_code == 400
        assert words in answer.text
        assert f'value="{wrong.get("until", "2027-12-31")}"' in answer.text
    assert (await clinic.http.get("RelatedPerson?relationship=CHILD")).json()["total"] == 0


async def test_no_proxy_makes_another(clinic: Clinic) -> None:
    async with browser(clinic, ACTOR) as actor, browser(clinic, READER) as reader:
        for proxy in (actor, reader):
            assert (await proxy.get("/my/proxies")).status_code == 403
            assert (await proxy.post("/my/proxies", data=INVITED)).status_code == 403
            assert (await proxy.post("/my/proxies/r/end")).status_code == 403
    assert (await clinic.http.get("RelatedPerson/r")).json()["active"] is True
