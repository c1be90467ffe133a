"""Attacks of a ward nurse on the record of a patient who lies elsewhere.

Each attack is made twice: by the nurse, who must not get through, and by somebody with the same
scopes and no such restriction, who must, for else the attack would prove nothing. So each one fails
where a path forgets the restriction.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.records import commands as c
from careplane.records.bodies import accept
from careplane.search.extract import extract
from careplane.search.match import Subject
from tests.fhir_house import TENANT, House, bundle, entry, observation, open_house, patient
from tests.policy_house import encounter, team, to, works

pytestmark = pytest.mark.anyio

MARK = "Zyx"
THEIRS = observation("theirs", "elsewhere", code="theirs", valueString=MARK)
SHARED = observation("shared", "here", performer=[to("Patient/elsewhere")])
RECORDS: list[dict[str, Any]] = [
    {"resourceType": "Location", "id": "w1"},
    {"resourceType": "Location", "id": "w2"},
    {"resourceType": "Practitioner", "id": "n"},
    works("role", "n", "w1", active=True),
    patient("here", name=[{"family": "Abc"}]),
    patient("elsewhere", name=[{"family": MARK}]),
    encounter("e1", "here", "in-progress", "w1"),
    encounter("e2", "elsewhere", "in-progress", "w2",
              participant=[{"individual": to("Practitioner/n")}]),
    observation("mine", "here", code="mine"),
    THEIRS,
    SHARED,
]  # fmt: skip

SCOPES = parse_scopes("user/*.cruds")
NURSE = Caller(TENANT, "Practitioner/n", "Nurse", SCOPES, None, frozenset({"ward-nurse"}))
FREE = Caller(TENANT, "Practitioner/n", "Free", SCOPES)

Through = Callable[[httpx.AsyncClient], Awaitable[bool]]
"""Makes an attack; whether it got through."""


def shows(url: str, mark: str = MARK) -> Through:
    """The mark is somewhere in the answer."""

    async def attack(http: httpx.AsyncClient) -> bool:
        return mark in (await http.get(url)).text

    return attack


def finds(url: str) -> Through:
    """A resource that the answer counts or lists tells of what lies behind it."""

    async def attack(http: httpx.AsyncClient) -> bool:
        found = (await http.get(url)).json()
        return bool(found.get("entry")) or bool(found.get("total"))

    return attack


def answers(status: int, method: str, url: str, body: Any = None, **headers: str) -> Through:
    """The status gives it away, or the write is done."""

    async def attack(http: httpx.AsyncClient) -> bool:
        answer = await http.request(method, url, json=body, headers=headers)
        return answer.status_code == status

    return attack


def says(method: str, url: str, content: bytes, kind: str = "application/fhir+json") -> Through:
    """The mark is in the answer to what was sent."""

    async def attack(http: httpx.AsyncClient) -> bool:
        answer = await http.request(method, url, content=content, headers={"content-type": kind})
        return MARK in answer.text

    return attack


def graphql(query: str) -> Through:
    return says("POST", "$graphql", f'{{"query": "{query}"}}'.encode(), "application/json")


async def _walks_all_pages(http: httpx.AsyncClient) -> bool:
    """One page after the other, in the order of what is not to be known."""
    url: str | None = "Patient?_sort=-family&_count=1"
    while url is not None:
        page = (await http.get(url)).json()
        if MARK in str(page):
            return True
        url = next((x["url"] for x in page.get("link", ()) if x["relation"] == "next"), None)
    return False


async def _counts_all(http: httpx.AsyncClient) -> bool:
    return bool((await http.get("Patient?_summary=count")).json()["total"] > 1)


async def _gets_not_modified(http: httpx.AsyncClient) -> bool:
    answer = await http.get("Patient/elsewhere", headers={"if-none-match": 'W/"1"'})
    return answer.status_code == 304


async def _patches(http: httpx.AsyncClient) -> bool:
    answer = await http.patch(
        "Observation/theirs",
        content=b'[{"op":"replace","path":"/status","value":"amended"}]',
        headers={"content-type": "application/json-patch+json"},
    )
    return answer.status_code == 200


def _without_id(record: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**{k: v for k, v in record.items() if k != "id"}, **more}


NEW_THEIRS = _without_id(observation("", "elsewhere"))
NEW_MINE = _without_id(observation("", "here"))

ATTACKS: dict[str, Through] = {
    "read": shows("Patient/elsewhere"),
    "read of what belongs to the patient": shows("Observation/theirs"),
    "read as XML": shows("Observation/theirs?_format=xml"),
    "read of a summary": shows("Patient/elsewhere?_summary=true"),
    "read of elements": shows("Patient/elsewhere?_elements=name"),
    "head": answers(200, "HEAD", "Patient/elsewhere"),
    "an ETag as oracle": _gets_not_modified,
    "vread": shows("Observation/theirs/_history/1"),
    "history of one": shows("Observation/theirs/_history"),
    "history of a type": shows("Observation/_history?_count=100"),
    "history of all": shows("_history?_count=100"),
    "history at a time": shows("Observation/_history?_at=2999"),
    "search of a type": shows("Observation?_count=100"),
    "search by id": shows("Patient?_id=elsewhere"),
    "search of all types": shows("?_count=100"),
    "search of some types": shows("?_type=Patient,Observation&_count=100"),
    "an exact search": finds("Patient?family:exact=Zyx"),
    "search by POST": says("POST", "Patient/_search", b"family=zyx",
                           "application/x-www-form-urlencoded"),
    "a total": _counts_all,
    "an accurate total": finds("Patient?family=zyx&_summary=count"),
    "the order of pages": _walks_all_pages,
    "a chain": finds("Observation?performer:Patient.family=zyx"),
    "_has": finds("Practitioner?_has:Encounter:participant:_id=e2"),
    "a chain in _has": finds("Location?_has:Encounter:location:patient.family=zyx"),
    "a filter": finds("Patient?_filter=family eq zyx"),
    "_include": shows("Observation?_id=shared&_include=Observation:performer"),
    "_include of everything": shows("Observation?_id=shared&_include=*"),
    "_revinclude": shows("Practitioner?_revinclude=Encounter:participant", "Encounter/e2"),
    "_include in turns": shows("Practitioner?_revinclude=Encounter:participant"
                               "&_include:iterate=Encounter:patient"),
    "$everything": shows("Patient/elsewhere/$everything"),
    "$everything of all": shows("Patient/$everything?_count=100"),
    "a compartment": shows("Patient/elsewhere/Observation?code=theirs"),
    "a whole compartment": shows("Patient/elsewhere/*"),
    "the compartment of a practitioner": finds("Practitioner/n/Encounter"),
    "$lastn": shows("Observation/$lastn?patient=Patient/elsewhere&code=theirs"),
    "a batch": says("POST", "", bundle("batch", entry("GET", "Patient/elsewhere"))),
    "a search in a batch": says("POST", "", bundle("batch", entry("GET", "Patient?family=zyx"))),
    "a transaction": says("POST", "", bundle("transaction", entry("GET", "Patient/elsewhere"))),
    "graphql": graphql("{ Patient(id: elsewhere) { name { family } } }"),
    "a list by graphql": graphql("{ PatientList { name { family } } }"),
    "a reference by graphql": graphql(
        "{ Observation(id: shared) { performer { resource "
        "{ ... on Patient { name { family } } } } } }"
    ),
    "what refers here by graphql": graphql(
        "{ Practitioner(id: n) { EncounterList(_reference: participant) { subject { resource "
        "{ ... on Patient { name { family } } } } } } }"
    ),
    "create": answers(201, "POST", "Observation", NEW_THEIRS),
    "create where there is one": answers(200, "POST", "Observation", NEW_MINE,
                                         **{"if-none-exist": "_id=theirs"}),
    "update": answers(200, "PUT", "Observation/theirs", {**THEIRS, "language": "de"}),
    "update that takes a record over": answers(
        200, "PUT", "Observation/theirs", {**THEIRS, "subject": to("Patient/here")}),
    "update that gives a record away": answers(
        200, "PUT", "Observation/mine", {**observation("mine", "elsewhere"), "language": "de"}),
    "update by criteria": answers(200, "PUT", "Observation?_id=theirs",
                                  {**NEW_MINE, "language": "de"}),
    "patch": _patches,
    "a transaction that creates": says(
        "POST", "", bundle("transaction",
                           entry("POST", "Observation", {**NEW_THEIRS, "valueString": MARK}),
                           entry("GET", "Observation?value-string=zyx"))),
    "a reference by criteria": answers(
        200, "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("POST", "Observation",
                  {**NEW_MINE, "performer": [to("Patient?family=zyx")]})]}),
    "a place in the ward's own team": answers(
        200, "PUT", "PractitionerRole/role", works("role", "n", "w2", active=True)),
    "a second place": answers(201, "POST", "PractitionerRole",
                              _without_id(works("", "n", "w2", active=True))),
    "a visit to one's own ward": answers(
        201, "POST", "Encounter", _without_id(encounter("", "elsewhere", "in-progress", "w1"))),
    "a visit that is moved": answers(
        200, "PUT", "Encounter/e2", encounter("e2", "elsewhere", "in-progress", "w1")),
}  # fmt: skip


async def _filled(house: House) -> None:
    for record in RECORDS:
        await house.put(record)


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_fails_only_by_the_policy(house: House, name: str) -> None:
    await _filled(house)
    async with house.client_of(NURSE) as nurse, house.client_of(FREE) as free:
        assert not await ATTACKS[name](nurse)
        assert await ATTACKS[name](free), "the attack proves nothing"


async def test_her_own_patients_are_seen(house: House) -> None:
    await _filled(house)
    async with house.client_of(NURSE) as nurse:
        for url in ("Patient/here", "Observation/mine", "Observation/shared", "Encounter/e1"):
            assert (await nurse.get(url)).status_code == 200
        assert (await nurse.get("Patient?_summary=count")).json()["total"] == 1


async def test_the_page_of_another_is_not_hers(house: House) -> None:
    await _filled(house)
    async with house.client_of(NURSE) as nurse, house.client_of(FREE) as free:
        page = (await free.get("Patient?_sort=family&_count=1")).json()
        (following,) = [x["url"] for x in page["link"] if x["relation"] == "next"]
        assert MARK in (await free.get(following)).text
        assert MARK not in (await nurse.get(following)).text


async def test_rights_end_with_what_they_hang_on(house: House) -> None:
    """Nothing that a relation says is remembered: the decision is, what it asks is not."""
    await _filled(house)
    async with house.client_of(NURSE) as nurse:
        assert (await nurse.get("Patient/here")).status_code == 200
        await house.put(encounter("e1", "here", "finished", "w1"))
        assert (await nurse.get("Patient/here")).status_code == 404
        await house.put(encounter("e2", "elsewhere", "in-progress", "w1"))
        assert (await nurse.get("Patient/elsewhere")).status_code == 200


async def test_a_subscriber_hears_of_nothing_else(house: House) -> None:
    await _filled(house)
    for record, caller, may in (
        (THEIRS, NURSE, False),
        (THEIRS, FREE, True),
        (RECORDS[8], NURSE, True),
    ):
        type, id = record["resourceType"], record["id"]
        rows = accept(extract, json.dumps(record).encode(), type).rows
        assert await house.door.visible(caller, Subject(type, id, 0, rows)) == may
        asked = c.Disclose("Subscription/s", ((type, id, 1),))
        (shown,) = await house.door.disclose(caller, asked)
        assert (shown is not None) == may


async def test_an_export_leaves_out_what_changed_meanwhile_as_well(house: House) -> None:
    await _filled(house)
    prepared = await house.door.prepare_export(NURSE, c.PrepareExport(("Observation",)))
    for id, of in (("theirs", "elsewhere"), ("mine", "here")):
        await house.put(observation(id, of, code="changed"))
    for caller, wanted in (
        (NURSE, {"mine", "shared"}),
        (FREE, {"mine", "shared", "theirs"}),
    ):
        page = await house.door.export(caller, c.Export("Observation", prepared.at))
        assert {version.id for version in page.versions} == wanted


async def test_a_forbid_by_relation_holds_for_writes_exports_and_the_deleted(
    house: House,
) -> None:
    """Under a Not, what cannot be found out must not count as absent."""
    await _filled(house)
    await house.put(team("vip", "elsewhere", "active", "Practitioner/vip"))
    policies = {
        "vip.cedar": """
            permit (principal in Role::"clerk", action, resource);
            forbid (principal in Role::"clerk", action, resource)
            when { resource.careTeam.contains(Practitioner::"vip") };"""
    }
    clerk = Caller(TENANT, "Practitioner/c", "Clerk", SCOPES, None, frozenset({"clerk"}))
    async with open_house(house.store, policies=policies) as again, again.client_of(clerk) as http:
        assert (await http.get("Observation/mine")).status_code == 200
        assert (await http.get("Observation/theirs")).status_code == 404
        assert (await http.post("Observation", json=NEW_THEIRS)).status_code == 403
        assert (await http.post("Observation", json=NEW_MINE)).status_code == 201
        assert (await http.delete("Observation/theirs")).status_code == 204
        assert (await house.http.get("Observation/theirs")).status_code == 200
        changed = patient("elsewhere", name=[{"family": MARK}], gender="other")
        assert (await http.put("Patient/elsewhere", json=changed)).status_code == 403
        at = (await again.door.prepare_export(clerk, c.PrepareExport(("Patient",)))).at
        await house.put(changed)
        page = await again.door.export(clerk, c.Export("Patient", at))
        assert {version.id for version in page.versions} == {"here"}
        await house.http.delete("Patient/elsewhere")
        asked = c.Disclose("Subscription/s", (("Patient", "elsewhere", 3),))
        assert await again.door.disclose(clerk, asked) == (None,)


async def test_a_treating_physician_cannot_treat_herself_into_a_record(house: House) -> None:
    await _filled(house)
    await house.put(team("mine", "here", "active", "Practitioner/n"))
    role = frozenset({"treating-physician"})
    physician = Caller(TENANT, "Practitioner/n", "Physician", SCOPES, None, role)
    await house.put(encounter("e2", "elsewhere", "finished", "w2"))
    async with house.client_of(physician) as http:
        assert (await http.get("Patient/here")).status_code == 200
        assert (await http.get("Patient/elsewhere")).status_code == 404
        both = team("", "elsewhere", "active", "Practitioner/n", "Patient/here")
        assert (await http.post("CareTeam", json=_without_id(both))).status_code == 403
        moved = team("mine", "elsewhere", "active", "Practitioner/n", "Patient/here")
        assert (await http.put("CareTeam/mine", json=moved)).status_code == 403
        assert (await http.get("Patient/elsewhere")).status_code == 404
        assert (await http.post("Observation", json=NEW_MINE)).status_code == 201
