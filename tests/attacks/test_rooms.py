"""Attacks by way of the rooms of care at a distance: another's record through an operation, a page,
a calendar or an assistant; what is not for patients; what somebody may read and not change."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.consent.consents import House as Choices
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryState, MemoryStore
from tests.consent_house import actor, consent
from tests.fhir_house import TENANT, House, bundle, entry, open_house
from tests.oracle.marks import marked
from tests.oracle.population import WORLD
from tests.oracle.rooms import TO_BOOK
from tests.oracle.services import LABELS, Rooms, Services
from tests.policy_house import patients_of

pytestmark = pytest.mark.anyio
_OWN = "patient/*.rs patient/Communication.cu patient/Appointment.cu patient/Consent.cu"


def _own(id: str, patient: str, *roles: str) -> Caller:
    return Caller(TENANT, id, "Own", parse_scopes(_OWN), patient, frozenset(roles))


ADA, BO = _own("Patient/p8", "p8", "patient"), _own("Patient/p40", "p40", "patient")
ACTING = _own("RelatedPerson/r40", "p40", "proxy", "acting-proxy")
SEEING = _own("RelatedPerson/r40", "p40", "proxy")
NARROW = _own("RelatedPerson/r40", "p40", "narrow-proxy")
APP = Caller(TENANT, "client/app", "App", parse_scopes("patient/*.rs"), "p40")
DOCTOR = Caller(TENANT, "Practitioner/m", "Doctor", parse_scopes("user/*.cruds"), None,
                frozenset({"physician"}))  # fmt: skip
NURSE = replace(DOCTOR, id="Practitioner/x", roles=frozenset({"nurse"}))
PHARMACIST = replace(DOCTOR, id="Practitioner/x", roles=frozenset({"pharmacist"}))
DESK = replace(DOCTOR, id="Practitioner/x", roles=frozenset({"front-desk"}))
_HERE = {"p8", "p40"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def there() -> AsyncIterator[Rooms]:
    store, state = MemoryStore(system_clock), MemoryState()
    async with open_house(
        store, state, consent=Choices(), labels=LABELS,
        more=lambda door: Services(door, state).operations,
    ) as house:  # fmt: skip
        rows = [entry("PUT", key, row) for key, row in WORLD.items() if patients_of(row) <= _HERE]
        answer = await house.http.post("", content=bundle("batch", *rows))
        assert {one["response"]["status"] for one in answer.json()["entry"]} == {"201"}
        yield Rooms(house, Services(house.door, state))
    await store.close()


def _parameters(**values: Any) -> str:
    told = [{"name": name.replace("_", "-"), _kind(value): value}
            for name, value in values.items()]  # fmt: skip
    return json.dumps({"resourceType": "Parameters", "parameter": told})


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "valueReference"
    return "valueBoolean" if isinstance(value, bool) else "valueString"


async def _sent(house: House, caller: Caller, method: str, url: str, body: str = "") -> Any:
    async with house.client_of(caller) as http:
        return await http.request(method, url, content=body or None)


# --- the record of another ------------------------------------------------------------------------

_ABOUT = {"subject": {"reference": "Patient/p8"}}
_ASKED: dict[str, tuple[str, str, str]] = {
    "summary": ("GET", "Patient/p8/$summary", ""),
    "card": ("GET", "Patient/p8/$health-cards-issue?credentialType=Immunization", ""),
    "document": ("GET", "Composition/d8/$document", ""),
    "visit": ("GET", "Appointment/b8/$ical", ""),
    "calendar": ("POST", "Patient/p8/$calendar-feed", ""),
    "answers": ("POST", "QuestionnaireResponse/q8/$extract", ""),
    "form": ("POST", "Questionnaire/form/$populate", _parameters(**_ABOUT)),
    "reply": ("POST", "Communication/h8/$reply", _parameters(text="Hello")),
    "receipt": ("POST", "Communication/h8/$receipt", ""),
    "take": ("POST", "Communication/h8/$take", ""),
    "close": ("POST", "Communication/h8/$close", ""),
    "cancel": ("POST", "Appointment/b8/$cancel", ""),
    "labels": ("POST", "Task/j8/$meta-add", json.dumps({
        "resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {
            "tag": [{"system": "urn:x", "code": "x"}]}}]})),
    "purge": ("POST", "Patient/p8/$purge", ""),
}  # fmt: skip


def _told(answer: httpx.Response) -> tuple[int, str]:
    """Without the id that was asked for."""
    return answer.status_code, re.sub(r"\b([a-z])(?:8|absent)\b", r"\1", answer.text)


@pytest.mark.parametrize("name", _ASKED)
@pytest.mark.parametrize("who", [BO, ACTING, APP], ids=["patient", "proxy", "app"])
async def test_the_record_of_another_looks_as_if_it_were_not_there(
    there: Rooms, name: str, who: Caller
) -> None:
    method, url, body = _ASKED[name]
    answer = await _sent(there.house, who, method, url, body)
    absent = re.sub(r"\b([a-z])8\b", r"\1absent", url + "\n" + body).split("\n", 1)
    assert answer.status_code in (403, 404, 409) or name == "form", answer.text
    assert _told(answer) == _told(await _sent(there.house, who, method, *absent))
    assert not marked(answer.text)


_PAGES = ("/patients/p8", "/patients/p8/results", "/patients/p8/documents/f8", "/messages/h8",
          "/tasks/j8", "/patients/p8/share/summary.json", "/patients/p8/disclosures",
          "/patients/p8/prescribe", "/records/Task/j8")  # fmt: skip


@pytest.mark.parametrize("path", _PAGES)
@pytest.mark.parametrize("who", [BO, ACTING], ids=["patient", "proxy"])
async def test_a_page_of_another_is_not_there(there: Rooms, path: str, who: Caller) -> None:
    answer = await there.page(who, path)
    assert answer.status_code in (403, 404), answer.text
    assert not {key for key in marked(answer.text) if key.endswith("8")}


@pytest.mark.parametrize("path", ["/patients/p40/documents/f8", "/patients/p40/documents/f8/file"])
async def test_a_document_is_shown_under_no_other_name(there: Rooms, path: str) -> None:
    """Not even to who may read both: it would be taken for that patient's."""
    right = await there.page(DOCTOR, path.replace("p40", "p8"))
    assert right.status_code == 200
    assert (await there.page(DOCTOR, path)).status_code == 404


async def test_a_prescription_is_checked_by_what_one_may_see(there: Rooms) -> None:
    asked = {"resourceType": "MedicationRequest", "status": "draft", "intent": "proposal",
             "subject": {"reference": "Patient/p8"}, "medicationCodeableConcept": {
                 "coding": [{"system": "http://x", "code": "drug8"}], "text": "x"}}  # fmt: skip
    of_doctor = await _sent(there.house, DOCTOR, "POST", "MedicationRequest/$check",
                            json.dumps(asked))  # fmt: skip
    assert "MedicationRequest/m8" in of_doctor.text
    of_other = await _sent(there.house, BO, "POST", "MedicationRequest/$check", json.dumps(asked))
    assert "m8" not in of_other.text
    assert "Drug 8" not in of_other.text


async def test_a_form_that_is_sent_asks_with_the_rights_of_who_sends_it(there: Rooms) -> None:
    """A Questionnaire of the attacker's own that queries another record."""
    expression = {"language": "application/x-fhir-query", "expression": "AllergyIntolerance?_id=a8",
                  "name": "all"}  # fmt: skip
    initial = {"language": "text/fhirpath", "expression": "%all.entry.resource.code.text.first()"}
    sdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression"
    form = {"resourceType": "Questionnaire", "url": "http://x/evil", "status": "active",
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/variable",
                           "valueExpression": expression}],
            "item": [{"linkId": "a", "type": "string", "extension": [
                {"url": sdc, "valueExpression": initial}]}]}  # fmt: skip
    body = json.dumps({"resourceType": "Parameters", "parameter": [
        {"name": "questionnaire", "resource": form},
        {"name": "subject", "valueReference": {"reference": "Patient/p40"}}]})  # fmt: skip
    own = await _sent(there.house, DOCTOR, "POST", "Questionnaire/$populate", body)
    assert "Allergen 8" in own.text, own.text
    others = await _sent(there.house, BO, "POST", "Questionnaire/$populate", body)
    assert others.status_code == 200
    assert not marked(others.text)


# --- what is not for patients ---------------------------------------------------------------------

_HIDDEN = ("DocumentReference/f40", "Communication/h40", "Communication/g40")


@pytest.mark.parametrize("key", _HIDDEN)
@pytest.mark.parametrize("who", [BO, ACTING, SEEING, APP], ids=["self", "acting", "seeing", "app"])
async def test_what_is_not_for_patients_is_not_there_for_them(
    there: Rooms, key: str, who: Caller
) -> None:
    type, id = key.split("/")
    assert (await _sent(there.house, DOCTOR, "GET", key)).status_code == 200
    for way in (key, f"{key}/_history", f"{key}/_history/1", f"{key}/$meta", f"{key}/$validate"):
        assert (await _sent(there.house, who, "GET", way)).status_code == 404
    for way in (f"{type}?_id={id}", f"{type}?patient=p40", "Patient/p40/$everything?_count=500",
                f"{type}?_security=NOPAT"):  # fmt: skip
        assert f'"id":"{id}"' not in (await _sent(there.house, who, "GET", way)).text
    query = f'{{"query": "{{ {type}(id: \\"{id}\\") {{ id }} }}"}}'
    async with there.house.client_of(who) as http:
        graphql = await http.post("$graphql", content=query,
                                  headers={"content-type": "application/json"})  # fmt: skip
    assert f'"id":"{id}"' not in graphql.text
    result = await there.assistant(who).result("read", type=type, id=id)
    assert result["isError"]


@pytest.mark.parametrize("path", ["/messages/h40", "/patients/p40/documents/f40", "/messages",
                                  "/patients/p40/documents", "/patients/p40/messages"])  # fmt: skip
async def test_no_page_shows_patients_what_is_not_for_them(there: Rooms, path: str) -> None:
    shown = await there.page(DOCTOR, path)
    if path != "/messages":
        assert marked(shown.text) & set(_HIDDEN), shown.text
    for who in (BO, ACTING):
        assert not marked((await there.page(who, path)).text) & set(_HIDDEN)


async def test_a_vaccination_that_is_not_for_the_patient_is_in_nothing_they_share(
    there: Rooms,
) -> None:
    for way in ("$summary", "$health-cards-issue?credentialType=Immunization"):
        answer = await _sent(there.house, ADA, "GET", f"Patient/p8/{way}")
        assert answer.status_code == 200
        assert "i8" not in answer.text
        assert "Lot 8" not in answer.text
    of_doctor = await _sent(there.house, DOCTOR, "GET", "Patient/p8/$summary")
    assert "Immunization/i8" in of_doctor.text


async def test_nobody_takes_the_label_away_by_an_operation(there: Rooms) -> None:
    meta = (await there.house.http.get("DocumentReference/f40")).json()["meta"]
    body = json.dumps({"resourceType": "Parameters", "parameter": [
        {"name": "meta", "valueMeta": {"security": meta["security"]}}]})  # fmt: skip
    answer = await _sent(there.house, DOCTOR, "POST", "DocumentReference/f40/$meta-delete", body)
    assert answer.status_code == 200, answer.text
    assert "NOPAT" in answer.text
    assert (await _sent(there.house, BO, "GET", "DocumentReference/f40")).status_code == 404


# --- little rights --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["AllergyIntolerance/a40", "MedicationRequest/m40",
                                 "Composition/d40", "Task/j40", "Observation/l40"])  # fmt: skip
async def test_a_narrow_proxy_sees_who_it_is_and_when_it_comes(there: Rooms, key: str) -> None:
    assert (await _sent(there.house, SEEING, "GET", key)).status_code == 200
    assert (await _sent(there.house, NARROW, "GET", key)).status_code in (403, 404)
    assert (await _sent(there.house, NARROW, "GET", "Immunization/i40")).status_code == 200
    summary = await _sent(there.house, NARROW, "GET", "Patient/p40/$summary")
    assert marked(summary.text) <= {"Immunization/i40"}


@pytest.mark.parametrize("who", [SEEING, NARROW, APP], ids=["seeing", "narrow", "app"])
async def test_who_only_looks_books_and_writes_nothing(there: Rooms, who: Caller) -> None:
    assert (await _sent(there.house, ACTING, "POST", "Appointment/b40/$cancel")).status_code == 200
    await there.house.put(WORLD["Appointment/b40"])
    for url, body in (("Appointment/b40/$cancel", ""), ("Communication/$message", _parameters(
            subject="Hello", text="Hello", topic="medical"))):  # fmt: skip
        answer = await _sent(there.house, who, "POST", url, body)
        assert answer.status_code in (403, 404, 409), answer.text
    assert (await there.house.http.get("Appointment/b40")).json()["status"] == "booked"


async def test_a_patient_writes_no_note_and_takes_no_thread(there: Rooms) -> None:
    answer = await _sent(there.house, ADA, "POST", "Communication/h8/$reply",
                         _parameters(text="Mine", note=True))  # fmt: skip
    assert answer.status_code == 403
    assert "Notes are written by those in the practice" in answer.text
    for step in ("$take", "$close"):
        assert (await _sent(there.house, ADA, "POST", f"Communication/h8/{step}")
                ).status_code == 403  # fmt: skip
    assert (await _sent(there.house, ADA, "POST", "Appointment/b8/$no-show")).status_code == 403


async def test_who_takes_no_part_in_a_thread_takes_and_closes_it_not(there: Rooms) -> None:
    """A nurse who may write messages, and reads this one, is not of its people."""
    for step in ("$take", "$close"):
        answer = await _sent(there.house, NURSE, "POST", f"Communication/h8/{step}")
        assert answer.status_code == 403, answer.text


async def test_a_file_that_one_may_not_read_goes_with_no_message(there: Rooms) -> None:
    """It would be in the hands of whoever gets the message."""
    body = _parameters(subject="x", text="Look", topic="medical",
                       file={"reference": "DocumentReference/f8"})  # fmt: skip
    answer = await _sent(there.house, BO, "POST", "Communication/$message", body)
    assert answer.status_code in (403, 404), answer.text


async def test_topics_keep_messages_to_whom_they_are_for(there: Rooms) -> None:
    """The thread of p8 is about a prescription: not for the front desk."""
    assert (await _sent(there.house, PHARMACIST, "GET", "Communication/h8")).status_code == 200
    assert (await _sent(there.house, DESK, "GET", "Communication/h8")).status_code == 404
    answer = await _sent(there.house, DESK, "POST", "Communication/h8/$reply",
                         _parameters(text="Hello"))  # fmt: skip
    assert answer.status_code == 404


@pytest.mark.parametrize("operation", ["$wait", "$find"])
async def test_a_patient_asks_for_no_time_of_somebody_else(there: Rooms, operation: str) -> None:
    more = {"start": f"{TO_BOOK}", "end": f"{TO_BOOK}", "practitioner": "Practitioner/n"}
    for patient, refused in (("Patient/p8", True), ("Patient/p40", False)):
        body = _parameters(patient_reference={"reference": patient}, **more)
        answer = await _sent(there.house, BO, "POST", f"Appointment/{operation}", body)
        assert (answer.status_code == 403) == refused, answer.text
        assert ("A patient books visits of their own" in answer.text) == refused


# --- what goes out --------------------------------------------------------------------------------


async def test_a_feed_ends_and_tells_only_what_its_owner_may_find(there: Rooms) -> None:
    """Of a practitioner's day a patient gets their own visits alone."""
    answer = await _sent(there.house, BO, "POST", "Practitioner/n/$calendar-feed")
    path = "/calendar/" + answer.json()["parameter"][0]["valueUrl"].rpartition("/")[2]
    read = await there.calendar(path)
    assert "UID:b40@" in read.text
    assert "UID:b8@" not in read.text
    others = await _sent(there.house, ADA, "POST", "Practitioner/n/$calendar-feed-end")
    assert others.json()["parameter"][0]["valueInteger"] == 0
    assert (await there.calendar(path)).status_code == 200
    await _sent(there.house, BO, "POST", "Practitioner/n/$calendar-feed-end")
    assert (await there.calendar(path)).status_code == 404
    guess = await there.calendar("/calendar/" + "0" * 64 + ".ics")
    assert (await there.calendar(path)).text == guess.text


async def test_a_consent_keeps_a_visit_out_of_a_feed_that_is_open(there: Rooms) -> None:
    answer = await _sent(there.house, DOCTOR, "POST", "Practitioner/n/$calendar-feed")
    path = "/calendar/" + answer.json()["parameter"][0]["valueUrl"].rpartition("/")[2]
    assert "UID:b8@" in (await there.calendar(path)).text
    denied = {"type": "deny", "actor": [actor(DOCTOR.id)]}
    await there.house.put(consent("no", "p8", denied, dateTime="2026-01-01"))
    left = (await there.calendar(path)).text
    assert "UID:b40@" in left
    assert "UID:b8@" not in left


async def test_a_document_names_no_part_that_may_not_be_read(there: Rooms) -> None:
    """It says that it cannot be whole, and not what it lacks."""
    note = WORLD["Composition/d40"] | {"id": "both", "section": [{"title": "x", "entry": [
        {"reference": "AllergyIntolerance/a8"}]}]}  # fmt: skip
    await there.house.put(note)
    answer = await _sent(there.house, BO, "GET", "Composition/both/$document")
    assert answer.status_code == 409
    assert "a8" not in answer.text


async def test_who_opened_a_record_is_for_whose_record_it_is(there: Rooms) -> None:
    await _sent(there.house, DOCTOR, "GET", "Observation?patient=p8,p40")
    mine = await _sent(there.house, BO, "GET", "AuditEvent?patient=p40&_count=100")
    assert "Practitioner/m" in mine.text
    assert "p8" not in re.sub(r"patient=[^\"&]*", "", mine.text)
    wide = replace(BO, scopes=parse_scopes("user/*.rs"))
    for who in (BO, wide):
        others = await _sent(there.house, who, "GET", "AuditEvent?patient=p8")
        assert "entry" not in others.json()
        told = await _sent(there.house, who, "GET",
                           "Patient/p8/$accounting-of-disclosures?extended=true")  # fmt: skip
        assert "entry" not in told.json()


@pytest.mark.parametrize("url", ["Patient/p40/$purge", "$relabel", "$reindex"])
@pytest.mark.parametrize("who", [DOCTOR, BO], ids=["physician", "patient"])
async def test_rights_on_a_record_are_no_rights_to_end_it(
    there: Rooms, url: str, who: Caller
) -> None:
    answer = await _sent(there.house, who, "POST", url)
    assert answer.status_code == 403, answer.text
    assert (await there.house.http.get("Patient/p40")).status_code == 200
