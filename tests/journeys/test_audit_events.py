"""AuditEvents of the trail, over HTTP and every engine: rendered, found, and shown to whom they
concern."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.validation import check
from tests.fhir_house import TENANT, House, bundle, client, entry, link, observation, patient

pytestmark = pytest.mark.anyio
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
NURSE = Caller(
    TENANT, "Practitioner/nurse", "Nurse", parse_scopes("user/*.cruds"), purpose="HRESCH",
    client="ward-app",
)  # fmt: skip


@pytest.fixture
async def house(house: House) -> House:
    for id in ("a", "b"):
        await house.put(patient(id, name=[{"family": f"Family-{id}"}]))
        await house.put(observation(f"o-{id}", id))
    return house


async def events(http: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    answer = await http.get(f"AuditEvent?{query}")
    assert answer.status_code == 200, answer.text
    return [e["resource"] for e in answer.json().get("entry", [])]


def nursing(house: House) -> httpx.AsyncClient:
    """A client of the nurse's program."""
    return client(house.app, house.tokens.issue(NURSE, 3600, "ward-app"))


def who(event: dict[str, Any]) -> set[str]:
    """Every reference of an event."""
    agents = (one.get("who", {}).get("reference") for one in event["agent"])
    things = (one.get("what", {}).get("reference") for one in event.get("entity", ()))
    return {one for one in (*agents, *things) if one}


PATTERNS = [
    ("GET", "Patient/a", None, "PatientRead", "R"),
    ("GET", "Patient/a/_history/1", None, "PatientRead", "R"),
    ("GET", "Observation?patient=a&code=8302-2", None, "PatientQuery", "E"),
    ("GET", "Organization?name=x", None, "Query", "E"),
    ("POST", "Condition", {"resourceType": "Condition", "subject": {"reference": "Patient/a"}},
     "PatientCreate", "C"),
    ("POST", "Organization", {"resourceType": "Organization", "name": "x"}, "Create", "C"),
    ("PUT", "Observation/o-a", observation("o-a", "a", "1-8"), "PatientUpdate", "U"),
    ("DELETE", "Observation/o-a", None, "PatientDelete", "D"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "pattern", "action"), PATTERNS)
async def test_each_interaction_follows_its_pattern(
    house: House, method: str, path: str, body: Any, pattern: str, action: str
) -> None:
    async with nursing(house) as nurse:
        answer = await nurse.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
    (event,) = await events(house.http, "agent=Practitioner/nurse")
    assert BALP + pattern in event["meta"]["profile"]
    assert BALP + "OAUTHaccessTokenUse.Minimal" in event["meta"]["profile"]
    assert (event["action"], event["outcome"]) == (action, "0")
    assert ("Patient/a" in who(event)) == pattern.startswith("Patient")
    assert "Practitioner/nurse" in who(event)
    (program,) = [one for one in event["agent"] if "network" in one and not one["requestor"]
                  and "identifier" in one["who"]]  # fmt: skip
    assert program["who"]["identifier"]["value"] == "ward-app"
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "HRESCH"
    twos = [one for one in event["entity"] if one.get("type", {}).get("code") == "2"]
    assert len(twos) == 1, "BALP has one slice of type 2"
    if action == "E":
        assert base64.b64decode(twos[0]["query"]).decode() == twos[0]["description"]
        assert twos[0]["description"].startswith(path.split("?")[0])
    check(json.dumps(event).encode(), "AuditEvent")


async def test_what_a_patient_did_with_the_record_of_another_is_of_both(house: House) -> None:
    """Two patients in one question: one is whose record it was, one is who asked."""
    own = Caller(TENANT, "Patient/b", "B", parse_scopes("patient/AuditEvent.rs user/Patient.rs"),
                 "b")  # fmt: skip
    async with house.client_of(own) as http:
        assert (await http.get("Patient/a")).status_code == 200
        assert await events(house.http, "patient=Patient/a&patient=Patient/b")
        assert len(await events(http, "patient=Patient/a")) == 1
        await house.http.get("Patient/a")
        assert {"Patient/b"} <= who((await events(http, "patient=Patient/a"))[0])


async def test_a_history_of_everything_is_accounted_for(house: House) -> None:
    """It asks for nothing by name, and shows the record all the same (45 CFR 164.528)."""
    async with nursing(house) as nurse:
        assert (await nurse.get("_history")).status_code == 200
    for more in ("", "?output=csv"):
        told = await house.http.get(f"Patient/a/$accounting-of-disclosures{more}")
        assert told.text.count("Practitioner/nurse") == 1, told.text
    assert '"Patient/a"' in told.text


async def test_a_refusal_is_no_success(house: House) -> None:
    async with house.client("user/Organization.rs") as http:
        assert (await http.get("Patient/a")).status_code == 403
    (event,) = await events(house.http, "outcome=4&agent:identifier=client/test")
    assert event["outcomeDesc"] == "Forbidden"
    assert not [p for p in event.get("meta", {}).get("profile", []) if "Read" in p]


async def test_one_event_a_patient_and_none_names_another(house: House) -> None:
    async with nursing(house) as nurse:
        await nurse.get("Patient?_id=a,b")
    found = await events(house.http, "agent=Practitioner/nurse")
    by_id = {event["id"].rpartition("-")[2]: event for event in found}
    assert set(by_id) == {"0", "1", "2"}
    shown = [str(event) for event in (by_id["1"], by_id["2"])]
    assert "Patient/a" in shown[0]
    assert "Patient/b" not in shown[0]
    assert "Patient/b" in shown[1]
    assert "Patient/a" not in shown[1]
    assert all("a,b" not in one for one in shown), "values may name others"
    whole = by_id["0"]
    assert who(whole) == {"Practitioner/nurse"}, "else it were in their compartments"
    assert "Patient/a/_history/1" in str(whole)
    assert "a,b" in str(whole)


async def test_a_list_of_values_is_not_shown_to_the_one_who_was_found(house: House) -> None:
    async with nursing(house) as nurse:
        await nurse.get("Patient?_id=a,somebody")
    (event,) = await events(house.http, "agent=Practitioner/nurse&patient=a")
    assert "somebody" not in str(event)
    assert "c29tZWJvZHk" not in str(event), "nor in base64"


async def test_a_patient_sees_their_own_trail_and_no_other(house: House) -> None:
    async with nursing(house) as nurse:
        for path in ("Patient/a", "Patient/b", "Patient?_id=a,b", "Observation"):
            await nurse.get(path)
    everything = await events(house.http, "_count=200")
    about_b = [event["id"] for event in everything if "Patient/b" in who(event)]
    assert about_b
    async with house.client("patient/*.rs", "a") as http:
        mine = await events(http, "_count=200")
        assert mine
        assert all("Patient/a" in who(event) for event in mine)
        assert "Patient/b" not in str(mine)
        assert await events(http, "patient=b") == []
        assert await events(http, "entity=Patient/b") == []
        for id in about_b:
            assert (await http.get(f"AuditEvent/{id}")).status_code == 404
            assert (await http.get(f"AuditEvent/{id}/_history")).status_code == 404
            assert (await http.get(f"AuditEvent/{id}/_history/1")).status_code == 404
        for event in mine[:3]:
            assert (await http.get(f"AuditEvent/{event['id']}")).status_code == 200
        answer = await http.get("AuditEvent?_summary=count")
        everything = await events(house.http, "_count=300&patient=a")
        assert answer.json()["total"] <= len(everything)
        again = await http.get("Patient/a/AuditEvent?_count=200")
        assert "Patient/b" not in again.text
        assert again.json()["entry"]


async def test_nobody_without_the_right_sees_any(house: House) -> None:
    physician = Caller(
        TENANT, "Practitioner/p", "P", parse_scopes("user/*.cruds"), None, frozenset({"physician"})
    )
    async with house.client_of(physician) as http:
        assert (await http.get("AuditEvent?patient=a")).status_code == 403
    auditor = Caller(
        TENANT, "Practitioner/x", "X", parse_scopes("user/*.rs"), None, frozenset({"auditor"})
    )
    async with house.client_of(auditor) as http:
        assert await events(http, "patient=a")
        assert (await http.get("Patient/a")).status_code == 403
    patient_role = Caller(
        TENANT, "Patient/a", "A", parse_scopes("patient/*.rs"), "a", frozenset({"patient"})
    )
    async with house.client_of(patient_role) as http:
        assert await events(http, "")
        assert await events(http, "patient=b") == []


async def test_searches_by_every_parameter_of_the_trail(house: House) -> None:
    async with nursing(house) as nurse:
        await nurse.get("Patient/a")
    (event,) = await events(house.http, "agent=Practitioner/nurse")
    token = next(one["policy"][0] for one in event["agent"] if "policy" in one)
    day = event["recorded"][:10]
    nurse_ = "agent=Practitioner/nurse"
    for query, count in {
        f"{nurse_}&patient=Patient/a": 1,
        f"{nurse_}&patient=b": 0,
        f"{nurse_}&entity=Patient/a": 1,
        f"{nurse_}&entity=Observation/o-a": 0,
        f"{nurse_}&date={day}": 1,
        f"{nurse_}&date=lt2020": 0,
        f"{nurse_}&date=gt2020&date=lt2999": 1,
        f"{nurse_}&action=R": 1,
        f"{nurse_}&action=C": 0,
        f"{nurse_}&subtype=read": 1,
        f"{nurse_}&subtype=vread,delete": 0,
        f"{nurse_}&subtype=http://hl7.org/fhir/restful-interaction|read": 1,
        f"{nurse_}&type=rest": 1,
        f"{nurse_}&outcome=0": 1,
        f"{nurse_}&outcome=4,8": 0,
        f"{nurse_}&outcome:not=4": 1,
        f"policy={token}": 1,
        "agent:identifier=ward-app": 1,
        f"{nurse_}&patient.family=Family-a": 1,
        f"{nurse_}&patient.family=Family-b": 0,
        f"_id={event['id']}": 1,
        f"_id={event['id']}&patient=b": 0,
        f"{nurse_}&_profile={BALP}PatientRead": 1,
    }.items():
        assert len(await events(house.http, query)) == count, query


async def test_pages_are_in_order_and_miss_nothing(house: House) -> None:
    async with nursing(house) as nurse:
        for _ in range(3):
            await nurse.get("Patient?_id=a,b")
            await nurse.get("Patient/a")
    for sort in ("date", "-date"):
        whole = [
            e["id"] for e in await events(house.http, f"agent=Practitioner/nurse&_sort={sort}")
        ]
        seen: list[str] = []
        url: str | None = f"AuditEvent?agent=Practitioner/nurse&_sort={sort}&_count=2"
        while url:
            answer = await house.http.get(url)
            seen += [e["resource"]["id"] for e in answer.json().get("entry", [])]
            url = link(answer, "next")
        assert seen == whole
        assert len(set(seen)) == 12
    wrong = await house.http.get("AuditEvent?_sort=agent-name")
    assert wrong.status_code == 400


async def test_stored_events_stand_among_those_of_the_trail(house: House) -> None:
    def own(id: str, recorded: str) -> dict[str, Any]:
        return {"resourceType": "AuditEvent", "id": id, "recorded": recorded,
                "type": {"code": "rest"}, "agent": [{"requestor": True}],
                "source": {"observer": {"display": "ours"}},
                "entity": [{"what": {"reference": "Patient/a"}}]}  # fmt: skip

    for id, recorded in (("old-1", "2001-01-01T00:00:00Z"), ("new", "2999-01-01T00:00:00Z"),
                         ("old-2", "2000-01-01T00:00:00Z")):  # fmt: skip
        await house.put(own(id, recorded))
    seen: list[str] = []
    url: str | None = "AuditEvent?patient=a&_count=2&_sort=-date"
    while url:
        answer = await house.http.get(url)
        seen += [e["resource"]["id"] for e in answer.json().get("entry", [])]
        url = link(answer, "next")
    assert seen[0] == "new"
    assert seen[-2:] == ["old-1", "old-2"]
    assert len(seen) == len(set(seen)) > 5
    total = await house.http.get("AuditEvent?date=lt2010&_summary=count")
    assert total.json()["total"] == 2


async def test_nobody_writes_an_event_of_the_trail(house: House) -> None:
    (event, *_) = await events(house.http, "patient=a")
    path = f"AuditEvent/{event['id']}"
    changed = {**event, "action": "D"}
    change = [{"op": "replace", "path": "/action", "value": "D"}]
    answers = [
        await house.http.put(path, json=changed),
        await house.http.delete(path),
        await house.http.patch(
            path, json=change, headers={"content-type": "application/json-patch+json"}
        ),
        await house.http.put("AuditEvent/trail-999999-0", json={**changed, "id": "trail-999999-0"}),
        await house.http.post("", content=bundle("transaction", entry("DELETE", path))),
    ]
    assert [answer.status_code // 100 for answer in answers] == [4] * 5
    assert (await house.http.get(path)).json() == event


async def test_a_rendered_event_has_one_version(house: House) -> None:
    (event, *_) = await events(house.http, "patient=a")
    path = f"AuditEvent/{event['id']}"
    assert (await house.http.get(f"{path}/_history/1")).json() == event
    assert (await house.http.get(f"{path}/_history/2")).status_code == 404
    history = (await house.http.get(f"{path}/_history")).json()
    assert (history["total"], len(history["entry"])) == (1, 1)
    for id in ("trail-0-0", "trail-1-99", "trail-x", "trail-99999999999999999999-0"):
        assert (await house.http.get(f"AuditEvent/{id}")).status_code == 404


async def test_looking_at_the_trail_leaves_a_trail(house: House) -> None:
    before = len(await house.audit())
    await events(house.http, "patient=a")
    (record,) = (await house.audit())[before:]
    assert record.interaction == "search-type"
    assert "a" in record.patients
    assert {type for type, _, _ in record.versions} == {"AuditEvent"}


async def test_includes_lead_from_and_to_the_trail(house: House) -> None:
    answer = await house.http.get("AuditEvent?patient=a&_include=AuditEvent:patient")
    assert "Patient" in {e["resource"]["resourceType"] for e in answer.json()["entry"]}
    answer = await house.http.get("Patient?_id=a&_revinclude=AuditEvent:patient")
    assert "AuditEvent" in {e["resource"]["resourceType"] for e in answer.json()["entry"]}
    async with house.client("system/Patient.rs") as http:
        answer = await http.get("Patient?_id=a&_revinclude=AuditEvent:patient")
        assert {e["resource"]["resourceType"] for e in answer.json()["entry"]} == {"Patient"}
