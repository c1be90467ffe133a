"""Conditional interactions and headers (FHIR R4, 3.1.0.2.1, 3.1.0.5.1, 3.1.0.7.1, 3.1.0.8.1)."""

from __future__ import annotations

import asyncio

import pytest

from tests.fhir_house import House, ids, observation, patient

pytestmark = pytest.mark.anyio

SYSTEM = "http://example.org/mrn"


def known(value: str, **more: object) -> dict[str, object]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": value}],
        **more,
    }


async def test_a_client_that_has_the_version_is_told_so(house: House) -> None:
    made = await house.put(patient("p"))
    for header in (
        {"if-none-match": 'W/"1"'},
        {"if-none-match": '"7", W/"1"'},
        {"if-modified-since": made.headers["last-modified"]},
    ):
        answer = await house.http.get("Patient/p", headers=header)
        assert (answer.status_code, answer.content) == (304, b""), header
    for header in (
        {"if-none-match": 'W/"2"'},
        {"if-modified-since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"if-modified-since": "whenever"},
    ):
        assert (await house.http.get("Patient/p", headers=header)).status_code == 200, header


@pytest.mark.parametrize(
    ("tag", "status"),
    [('W/"1"', 412), ('W/"2"', 200), ('"2"', 200), ('W/"x"', 412), ("nonsense", 400), ("*", 400)],
)
async def test_if_match_guards_update_and_delete(house: House, tag: str, status: int) -> None:
    await house.put(patient("p", active=True))
    await house.put(patient("p", active=False))
    answer = await house.http.put(
        "Patient/p", json=patient("p", gender="other"), headers={"if-match": tag}
    )
    assert answer.status_code == status
    if status != 200:
        answer = await house.http.delete("Patient/p", headers={"if-match": tag})
        assert answer.status_code == status
        assert (await house.http.get("Patient/p")).json()["meta"]["versionId"] == "2"


async def test_if_match_on_what_is_not_there_and_if_none_match_on_what_is(house: House) -> None:
    answer = await house.http.put("Patient/p", json=patient("p"), headers={"if-match": 'W/"1"'})
    assert answer.status_code == 412
    new = {"if-none-match": "*"}
    assert (await house.http.put("Patient/p", json=patient("p"), headers=new)).status_code == 201
    assert (await house.http.put("Patient/p", json=patient("p"), headers=new)).status_code == 412


async def test_conditional_create_creates_once(house: House) -> None:
    headers = {"if-none-exist": f"identifier={SYSTEM}|17"}
    first = await house.http.post("Patient", json=known("17"), headers=headers)
    again = await house.http.post("Patient", json=known("17"), headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == again.headers["location"]
    await house.http.post("Patient", json=known("17"))
    several = await house.http.post("Patient", json=known("17"), headers=headers)
    assert several.status_code == 412
    assert several.json()["issue"][0]["code"] == "multiple-matches"


async def test_conditional_create_by_many_at_once_makes_one(house: House) -> None:
    headers = {"if-none-exist": f"identifier={SYSTEM}|42"}
    answers = await asyncio.gather(
        *(house.http.post("Patient", json=known("42"), headers=headers) for _ in range(32))
    )
    assert sorted(a.status_code for a in answers) == [200] * 31 + [201]
    assert len(ids(await house.http.get(f"Patient?identifier={SYSTEM}|42"))) == 1


async def test_many_at_once_on_one_record_lose_no_version(house: House) -> None:
    await house.put(patient("p"))
    answers = await asyncio.gather(
        *(
            house.http.put("Patient/p", json=patient("p", name=[{"family": f"N{n}"}]))
            for n in range(12)
        )
    )
    assert {a.status_code for a in answers} == {200}
    assert (await house.http.get("Patient/p/_history")).json()["total"] == 13


async def test_conditional_update_and_patch(house: House) -> None:
    query = f"Patient?identifier={SYSTEM}|5"
    first = await house.http.put(query, json=known("5", gender="male"))
    assert first.status_code == 201
    second = await house.http.put(query, json=known("5", gender="female"))
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    other = await house.http.put(query, json=known("5", id="another"))
    assert other.status_code == 400
    patch = b'[{"op":"replace","path":"/gender","value":"other"}]'
    answer = await house.http.patch(
        query, content=patch, headers={"content-type": "application/json-patch+json"}
    )
    assert answer.json()["gender"] == "other"
    mine = await house.http.put(f"Patient?identifier={SYSTEM}|6", json=known("6", id="chosen"))
    assert (mine.status_code, mine.json()["id"]) == (201, "chosen")
    taken = await house.http.put(f"Patient?identifier={SYSTEM}|7", json=known("7", id="chosen"))
    assert taken.status_code == 412


async def test_conditional_delete_takes_one_and_never_several(house: House) -> None:
    for value in ("1", "2"):
        await house.http.post("Patient", json=known(value, gender="male"))
    assert (await house.http.delete("Patient?gender=male")).status_code == 412
    assert (await house.http.delete(f"Patient?identifier={SYSTEM}|1")).status_code == 204
    assert (await house.http.delete(f"Patient?identifier={SYSTEM}|1")).status_code == 204
    assert len(ids(await house.http.get("Patient"))) == 1


@pytest.mark.parametrize("criteria", ["", "?", "?color=red", "?_count=1", "?gender:wrong=male"])
async def test_criteria_that_say_nothing_delete_nothing(house: House, criteria: str) -> None:
    await house.put(patient("p", gender="male"))
    await house.put(observation("o", "p"))
    answer = await house.http.delete(f"Patient{criteria}")
    assert answer.status_code in (400, 501)
    assert await house.stored() == 2


@pytest.mark.parametrize(
    ("accept", "query", "status", "media"),
    [
        ("application/fhir+xml", "", 200, "application/fhir+xml"),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.9", "", 200, "fhir+json"),
        ("text/html, */*;q=0.1", "", 200, "fhir+json"),
        ("text/csv", "", 406, "fhir+json"),
        ("text/csv", "?_format=xml", 200, "fhir+xml"),
        ("", "?_format=application/fhir%2Bjson", 200, "fhir+json"),
        ("", "?_format=yaml", 406, "fhir+json"),
    ],
)
async def test_the_form_is_negotiated(
    house: House, accept: str, query: str, status: int, media: str
) -> None:
    await house.put(patient("p"))
    answer = await house.http.get(f"Patient/p{query}", headers={"accept": accept})
    assert answer.status_code == status
    assert media in answer.headers["content-type"]
