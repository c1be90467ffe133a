"""A referral from one institution to another of the same installation: by agreement of both, with
the patient's consent, taken in by a person, and what becomes of it said back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.app.caring import prescribing_of
from careplane.app.charting import clinic_of
from careplane.app.tenancy.partners import Agreements
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.kernel.ids import new_id, secret_id
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.rest.addressing import Addressing
from careplane.sharing.desk import SharingDesk
from careplane.sharing.exchange.exchange import Exchange, Wish
from careplane.sharing.exchange.partner import organization
from careplane.sharing.ips.summaries import Summaries
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import observation, patient
from tests.policy_house import team
from tests.tenant_house import TenantHouse, open_tenant_house, put

pytestmark = pytest.mark.anyio
EVIL = "<script>alert(1)</script>"
BASE = "http://localhost/fhir"
ALL = parse_scopes("user/*.cruds")
WISH = Wish(True, ("letter",), True)


@dataclass
class Two:
    """North refers, south receives."""

    house: TenantHouse
    exchange: Exchange
    ada: Caller
    sue: Caller

    async def agree(self, one: str, other: str, *, end: bool = False) -> None:
        """As `careplane tenant exchange` does."""
        register = self.house.here.tenancy.register
        number = (await register.get(other)).number
        await register.change(one, lambda i: _with(i, () if end else (number,)))
        await self.house.here.tenancy.known.look()

    async def read(self, who: Caller, type: str, id: str) -> Any:
        return json.loads(whole(await self.house.here.door.read(who, c.Read(type, id))))

    async def found(self, who: Caller, type: str, *pairs: tuple[str, str]) -> list[Any]:
        page = await self.house.here.door.search(who, c.Search(type, tuple(pairs)))
        return [json.loads(whole(one)) for one in page.matches]

    async def incoming(self) -> Any:
        (task,) = await self.exchange.intake.waiting(self.sue)
        return task


def _with(one: Any, exchanges: tuple[int, ...]) -> Any:
    from msgspec.structs import replace as replaced

    return replaced(one, exchanges=exchanges)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with open_tenant_house(tmp_path / "data", filled=False) as house:
        here, of = house.here, house.institutions
        agreements = Agreements(here.tenancy.known)
        exchange = Exchange(
            here.door, Summaries(here.door, system_clock, secret_id), agreements, system_clock,
            new_id,
        )  # fmt: skip
        ada = Caller(of["north"].tenant, "Practitioner/ada", "Dr. Ada", ALL, None,
                     frozenset({"physician", "intake"}))  # fmt: skip
        sue = replace(ada, tenant=of["south"].tenant, id="Practitioner/sue", name=f"Sue {EVIL}")
        two = Two(house, exchange, ada, sue)
        await two.agree("north", "south")
        await two.agree("south", "north")
        south = agreements.myself(of["south"].tenant)
        assert south is not None
        await put(
            house.north,
            patient("p", name=[{"family": f"Quinn {EVIL}", "given": ["Ann"]}], gender="female",
                    birthDate="1970-01-01", telecom=[{"system": "phone", "value": "555"}]),
            observation("o", "p", valueString="secret of north"),
            organization(south),
            {**LETTER, "id": "letter"},
            {**REQUEST, "id": "order", "performer": [south.party()]},
            {**TASK, "id": "task", "owner": south.party()},
        )  # fmt: skip
        yield two


LETTER: dict[str, Any] = {
    "resourceType": "DocumentReference", "status": "current", "description": "Letter",
    "subject": {"reference": "Patient/p"},
    "content": [{"attachment": {"contentType": "text/plain", "title": "Letter",
                                "data": base64.b64encode(b"Dear colleague").decode()}}],
}  # fmt: skip
KEPT_FROM_SOUTH: dict[str, Any] = {
    "resourceType": "Consent", "id": "no", "status": "active",
    "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope",
                          "code": "patient-privacy"}]},
    "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
    "patient": {"reference": "Patient/p"}, "policyRule": {"text": "x"},
    "provision": {"type": "permit", "provision": [{
        "type": "deny",
        "actor": [{"role": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "code": "IRCP"}]},
            "reference": {"reference": "Organization/institution-south"}}],
        "class": [{"system": "http://hl7.org/fhir/resource-types",
                   "code": "DocumentReference"}]}]},
}  # fmt: skip
REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest", "status": "active", "intent": "order",
    "subject": {"reference": "Patient/p"}, "code": {"text": "Nephrology"},
    "requester": {"reference": "Practitioner/ada", "display": "Dr. Ada"},
    "reasonCode": [{"text": f"Tired {EVIL}"}],
}  # fmt: skip
TASK: dict[str, Any] = {
    "resourceType": "Task", "status": "requested", "intent": "order",
    "code": {"coding": [{"system": "urn:careplane:task", "code": "referral"}]},
    "description": "Nephrology", "focus": {"reference": "ServiceRequest/order"},
    "for": {"reference": "Patient/p"},
    "requester": {"reference": "Practitioner/ada", "display": "Dr. Ada"},
    "authoredOn": "2026-11-01T10:00:00Z", "lastModified": "2026-11-01T10:00:00.000Z",
}  # fmt: skip


async def test_it_is_taken_in_by_a_person_and_answered(two: Two) -> None:
    await two.exchange.send(two.ada, "task", WISH, BASE)
    sent = await two.read(two.ada, "Task", "task")
    assert sent["identifier"][0]["value"] == f"{int(two.ada.tenant)}-task"
    task = await two.incoming()
    assert "for" not in task
    assert await two.found(two.sue, "Patient") == [], "nothing is matched by itself"
    _, opened = await two.exchange.intake.opened(two.sue, task["id"])
    assert [one["description"] for one in opened.documents] == [
        "International Patient Summary", "Letter",
    ]  # fmt: skip
    done = await two.exchange.intake.take(two.sue, task["id"], "")
    who, came = done.patient, task["id"]
    here = await two.read(two.sue, "Patient", who)
    assert here["name"][0]["given"] == ["Ann"]
    task = await two.read(two.sue, "Task", done.task)
    assert (task["status"], task["for"]["reference"]) == ("received", f"Patient/{who}")
    closed = await two.read(two.sue, "Task", came)
    assert (closed["status"], closed["for"]) == ("completed", task["for"])
    assert not {"input"} & {*closed, *task}, "what was sent stands in the record now"
    (order,) = await two.found(two.sue, "ServiceRequest", ("patient", who))
    assert order["requester"] == {"display": "Dr. Ada"}
    documents = await two.found(two.sue, "DocumentReference", ("patient", who))
    assert {one["author"][0]["display"] for one in documents} == {"North"}
    assert (await two.read(two.ada, "Task", "task"))["status"] == "received"

    door = two.house.here.door
    clinic = clinic_of(door, system_clock, prescribing_of(door, system_clock))
    await clinic.referrals.step(two.sue, task["id"], "ask", "Since when?")
    await two.exchange.follow(two.sue.tenant, await two.read(two.sue, "Task", task["id"]))
    asked = await two.read(two.ada, "Task", "task")
    assert (asked["status"], asked["statusReason"]["text"]) == ("on-hold", "Since when?")
    assert asked["note"][-1]["authorString"] == two.sue.name
    await clinic.referrals.step(two.ada, "task", "reply", "Since May")
    await two.exchange.follow(two.ada.tenant, await two.read(two.ada, "Task", "task"))
    replied = await two.read(two.sue, "Task", task["id"])
    assert (replied["status"], replied["note"][-1]["text"]) == ("requested", "Since May")
    await clinic.referrals.step(two.sue, task["id"], "complete", "Kidneys are fine")
    await two.exchange.follow(two.sue.tenant, await two.read(two.sue, "Task", task["id"]))
    done = await two.read(two.ada, "Task", "task")
    assert done["status"] == "completed"
    report = done["output"][0]["valueReference"]["reference"].removeprefix("DocumentReference/")
    document = await two.read(two.ada, "DocumentReference", report)
    assert base64.b64decode(document["content"][0]["attachment"]["data"]) == b"Kidneys are fine"
    assert document["subject"]["reference"] == "Patient/p"
    assert (await two.read(two.ada, "ServiceRequest", "order"))["status"] == "completed"
    before = await two.read(two.ada, "Task", "task")
    await two.exchange.follow(two.ada.tenant, before)
    assert await two.read(two.ada, "Task", "task") == before, "it is said once"


async def test_both_trails_have_what_left_and_what_came(two: Two) -> None:
    await two.exchange.send(two.ada, "task", WISH, BASE)
    await two.exchange.intake.take(two.sue, (await two.incoming())["id"], "")
    north = {one.interaction: one for one in await two.house.audit("north")}
    south = {one.interaction: one for one in await two.house.audit("south")}
    left, came = north["$send-referral"], south["$receive-referral"]
    assert left.agent == "Practitioner/ada"
    assert "Organization/institution-south" in str(left)
    assert came.agent == "Organization/institution-north"
    assert north["$referral-news"].agent == "Organization/institution-south"
    assert south["$take-referral"].agent == "Practitioner/sue"
    (agreed,) = await two.found(two.ada, "Consent")
    actor = agreed["provision"]["actor"][0]["reference"]["reference"]
    assert actor == "Organization/institution-south"
    reads = [one for one in await two.house.audit("north") if "DocumentReference" in str(one)]
    assert any(one.agent == "Organization/institution-south" for one in reads), "what was sent"


async def test_a_patient_who_is_here_is_chosen(two: Two) -> None:
    await put(two.house.south, patient("known", name=[{"family": "Quinn"}]))
    await two.exchange.send(two.ada, "task", replace(WISH, summary=False, documents=()), BASE)
    task = await two.incoming()
    with pytest.raises(NotFound):
        await two.exchange.intake.take(two.sue, task["id"], "nobody")
    assert (await two.exchange.intake.take(two.sue, task["id"], "known")).patient == "known"
    assert len(await two.found(two.sue, "Patient")) == 1
    with pytest.raises(NotFound):
        await two.exchange.intake.take(two.sue, task["id"], "known")


async def test_a_clerk_takes_it_in_and_hands_it_on(two: Two) -> None:
    await put(two.house.south, {"resourceType": "Practitioner", "id": "kim",
                                "name": [{"given": ["Kim"], "family": "Lee"}]})  # fmt: skip
    desk = replace(two.sue, id="Practitioner/desk", roles=frozenset({"front-desk", "intake"}))
    await two.exchange.send(two.ada, "task", WISH, BASE)
    for others in ({"front-desk"}, {"physician"}):
        nobody = replace(desk, roles=frozenset(others))
        assert await two.exchange.intake.waiting(nobody) == []
        with pytest.raises(NotFound):
            await two.exchange.intake.take(nobody, (await two.incoming())["id"], "", "kim")
    async with browser(two, desk) as http:
        (at,) = re.findall(r'href="(/intake/[^"]+)"', (await http.get("/referrals")).text)
        assert "LEE, Kim</option>" in (await http.get(at)).text
        mine = await http.post(at, data={"do": "take", "patient": "new"})
        assert mine.status_code == 400
        assert "Choose who goes on with it" in mine.text
        done = await http.post(at, data={"do": "take", "patient": "new", "to": "kim"})
        assert (await http.get(done.headers["location"])).status_code == 200
        assert (await http.get(at)).status_code == 404
    doctor = replace(two.sue, roles=frozenset({"physician"}))
    (task,) = await two.found(doctor, "Task")
    assert task["owner"] == {"reference": "Practitioner/kim", "display": "Kim Lee"}
    with pytest.raises(Forbidden):
        await two.found(desk, "DocumentReference")
    assert len(await two.found(doctor, "DocumentReference")) == 2


async def test_who_treats_the_patient_sends_and_nobody_else_by_that_role(two: Two) -> None:
    treating = replace(two.ada, roles=frozenset({"treating-physician"}))
    with pytest.raises(NotFound):
        await two.exchange.send(treating, "task", WISH, BASE)
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": "Bees of north"},
               "clinicalStatus": {"coding": [{
                   "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                   "code": "active"}]},
               "patient": {"reference": "Patient/p"}}  # fmt: skip
    await put(two.house.north, allergy, team("team", "p", "active", "Practitioner/ada"))
    await two.exchange.send(treating, "task", WISH, BASE)
    _, opened = await two.exchange.intake.opened(two.sue, (await two.incoming())["id"])
    summary, letter = opened.documents
    assert letter["description"] == "Letter"
    data = base64.b64decode(summary["content"][0]["attachment"]["data"])
    assert b"Bees of north" in data
    other = replace(treating, id="Practitioner/other")
    with pytest.raises(NotFound):
        await two.exchange.send(other, "task", WISH, BASE)


async def test_who_treats_the_patient_sends_no_more_than_consents_let_go(two: Two) -> None:
    treating = replace(two.ada, roles=frozenset({"treating-physician"}))
    await put(two.house.north, team("team", "p", "active", "Practitioner/ada"), KEPT_FROM_SOUTH)
    with pytest.raises((NotFound, Forbidden)):
        await two.exchange.send(treating, "task", WISH, BASE)
    assert await two.exchange.intake.waiting(two.sue) == []


async def test_who_sees_by_relation_alone_takes_it_in(two: Two) -> None:
    sue = replace(two.sue, roles=frozenset({"treating-physician", "intake"}))
    await two.exchange.send(two.ada, "task", WISH, BASE)
    async with browser(two, sue) as http:
        (at,) = re.findall(r'href="(/intake/[^"]+)"', (await http.get("/referrals")).text)
        done = await http.post(at, data={"do": "take", "patient": "new"})
        assert done.headers["location"] == "/referrals"
        (task,) = await two.found(two.sue, "Task", ("code", "urn:careplane:task|referral"))
        who = task["for"]["reference"].removeprefix("Patient/")
        await put(two.house.south, team("team", who, "active", sue.id))
        assert (await http.get(f"/referrals/{task['id']}")).status_code == 200
        await http.post(f"/referrals/{task['id']}", data={"do": "complete", "words": "Fine"})
    assert (await two.read(two.ada, "Task", "task"))["status"] == "completed"


async def test_it_is_refused_with_a_reason_that_the_sender_reads(two: Two) -> None:
    await two.exchange.send(two.ada, "task", WISH, BASE)
    task = await two.incoming()
    with pytest.raises(Incorrect):
        await two.exchange.intake.refuse(two.sue, task["id"], " ")
    await two.exchange.intake.refuse(two.sue, task["id"], "No bed")
    assert "input" not in await two.read(two.sue, "Task", task["id"])
    mine = await two.read(two.ada, "Task", "task")
    assert (mine["status"], mine["statusReason"]["text"]) == ("rejected", "No bed")
    assert await two.found(two.sue, "Patient") == []


async def test_an_order_that_is_revoked_is_taken_back_there(two: Two) -> None:
    await two.exchange.send(two.ada, "task", WISH, BASE)
    door = two.house.here.door
    clinic = clinic_of(door, system_clock, prescribing_of(door, system_clock))
    await clinic.orders.end(two.ada, "order", "revoked", "Is well again", 1)
    await two.exchange.follow(two.ada.tenant, await two.read(two.ada, "Task", "task"))
    assert await two.exchange.intake.waiting(two.sue) == []
    (theirs,) = await two.found(two.sue, "Task")
    assert theirs["status"] == "cancelled"
    assert "input" not in theirs


@pytest.mark.parametrize("side", ["north", "south"])
async def test_nothing_goes_unless_both_have_agreed(two: Two, side: str) -> None:
    await two.agree(side, "south" if side == "north" else "north", end=True)
    with pytest.raises(Conflict):
        await two.exchange.send(two.ada, "task", WISH, BASE)
    assert await two.found(two.sue, "Task") == []


async def test_an_agreement_that_ends_ends_what_is_said(two: Two) -> None:
    await two.exchange.send(two.ada, "task", WISH, BASE)
    task = await two.incoming()
    await two.agree("north", "south", end=True)
    await two.exchange.intake.refuse(two.sue, task["id"], "No bed")
    assert (await two.read(two.ada, "Task", "task"))["status"] == "requested"


async def test_no_third_institution_speaks_for_the_receiver(two: Two) -> None:
    await two.exchange.send(two.ada, "task", WISH, BASE)
    third = await two.house.add("third")
    register = two.house.here.tenancy.register
    north, south = await register.get("north"), await register.get("south")
    await register.change("third", lambda i: _with(i, (north.number,)))
    await register.change("north", lambda i: _with(i, (south.number, third.number)))
    await two.house.here.tenancy.known.look()
    forged = {
        **TASK, "id": "forged", "status": "completed", "lastModified": "2099-01-01T00:00:00.000Z",
        "identifier": [{"system": "urn:careplane:exchange", "value": f"{north.number}-task"}],
        "note": [{"text": "not by south"}],
    }  # fmt: skip
    await put(two.house.client("third", "third"), forged)
    evil = replace(two.sue, tenant=third.tenant)
    await two.exchange.follow(third.tenant, await two.read(evil, "Task", "forged"))
    mine = await two.read(two.ada, "Task", "task")
    assert mine["status"] == "requested"
    assert "note" not in mine
    assert "note" in await two.read(evil, "Task", "forged")


async def test_who_sends_and_what(two: Two) -> None:
    other = {**LETTER, "id": "others", "subject": {"reference": "Patient/q"}}
    await put(two.house.north, patient("q"), other)
    for who, wish, error in (
        (two.ada, replace(WISH, agreed=False), Incorrect),
        (replace(two.ada, id="Practitioner/other"), WISH, Forbidden),
        (replace(two.ada, id="client/x"), WISH, Forbidden),
        (replace(two.ada, id="Patient/p", patient="p", roles=frozenset({"patient"})), WISH,
         Forbidden),
        (two.ada, replace(WISH, documents=("others",)), NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            await two.exchange.send(who, "task", wish, BASE)
    assert await two.found(two.sue, "Task") == []
    await two.exchange.send(two.ada, "task", WISH, BASE)
    await two.exchange.send(two.ada, "task", WISH, BASE)
    await two.incoming()


async def test_what_the_patient_keeps_from_that_institution_stays(two: Two) -> None:
    await put(two.house.north, KEPT_FROM_SOUTH)
    with pytest.raises((NotFound, Forbidden)):
        await two.exchange.send(two.ada, "task", WISH, BASE)
    await two.exchange.send(two.ada, "task", replace(WISH, documents=()), BASE)
    await two.incoming()


@asynccontextmanager
async def browser(two: Two, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    door = two.house.here.door
    tokens = Tokens(b"k" * 32, system_clock)
    summaries = two.exchange.summaries
    desk = SharingDesk(summaries, None, None, two.exchange)  # type: ignore[arg-type]
    clinic = clinic_of(door, system_clock, prescribing_of(door, system_clock))
    web = Web(door, tokens, sharing=desk, clinic=clinic,
              addressing=Addressing("http://testserver"))  # fmt: skip
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        http.cookies.set("careplane", tokens.issue(caller, 3600), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


async def test_the_pages_of_both_sides(two: Two) -> None:
    async with browser(two, two.ada) as http:
        page = (await http.get("/referrals/task")).text
        assert "Send it to South" in page
        assert 'name="d-letter"' in page
        refused = await http.post("/referrals/task/send", data={"summary": "1"})
        assert "the patient has agreed to it" in (await http.get(refused.headers["location"])).text
        sent = {"summary": "1", "d-letter": "1", "agreed": "1"}
        done = await http.post("/referrals/task/send", data=sent)
        assert "Sent to South" in (await http.get(done.headers["location"])).text
    await put(two.house.south, patient("known", birthDate="1970-01-01", name=[{"family": "Quinn"}]))
    async with browser(two, two.sue) as http:
        listed = (await http.get("/referrals")).text
        (at,) = re.findall(r'href="(/intake/[^"]+)"', listed)
        page = (await http.get(at)).text
        assert "Dear colleague" in page
        assert EVIL not in page
        assert 'value="known"' in page
        assert (await http.post(at, data={"do": "take"})).status_code == 400
        assert (await http.post(at, data={"do": "refuse", "reason": ""})).status_code == 400
        taken = await http.post(at, data={"do": "take", "patient": "known"})
        page = (await http.get(taken.headers["location"])).text
        assert "Referral: Nephrology" in page
        assert (await http.get(at)).status_code == 404
        here = taken.headers["location"]
        await http.post(here, data={"do": "complete", "words": f"Fine {EVIL}"})
    async with browser(two, two.ada) as http:
        page = (await http.get("/referrals/task")).text
        assert "Answered" in page
        assert "Fine &lt;script&gt;" in page
        assert EVIL not in page
