"""`$graphql` over HTTP: the ways to ask, rights, audit, digits, pages (FHIR R4, graphql.html)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fhir_house import BASE, House, observation, patient

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}


async def ask(http: httpx.AsyncClient, query: str, at: str = "$graphql", **more: Any) -> Any:
    """The JSON of an answer, `data` alone where all went well."""
    answer = await http.post(at, json={"query": query, **more}, headers=JSON)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    found = answer.json()
    if answer.status_code == 200:
        assert "errors" not in found
        return found["data"]
    assert found["data"] is None
    for error in found["errors"]:
        outcome = error["extensions"]["resource"]
        assert outcome["resourceType"] == "OperationOutcome"
        assert outcome["issue"][0]["diagnostics"] == error["message"]
    return answer.status_code


async def filled(house: House) -> None:
    """Two patients, three observations of the first."""
    await house.put(patient("p", active=True))
    await house.put(patient("q", active=True))
    for n in range(3):
        await house.put(observation(f"o{n}", of="p"))


async def test_every_way_to_ask(house: House) -> None:
    await house.put(patient("p", active=True))
    query, wanted = "query A($i: Boolean!) { id active @include(if: $i) }", {"id": "p"}
    given = {"operationName": "A", "variables": '{"i":false}'}
    get = await house.http.get("Patient/p/$graphql", params={"query": query, **given})
    assert get.json() == {"data": wanted}
    text = await house.http.post(
        "Patient/p/$graphql",
        params=given,
        content=query,
        headers={"content-type": "application/graphql"},
    )
    assert text.json() == {"data": wanted}
    assert await ask(house.http, query, "Patient/p/$graphql", variables={"i": False}) == wanted
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "query", "valueString": "{ id }"}],
    }
    for media in ("application/json", "application/fhir+json"):
        as_fhir = await house.http.post(
            "Patient/p/$graphql", json=parameters, headers={"content-type": media}
        )
        assert as_fhir.json() == {"data": wanted}
    in_xml = await house.http.get("Patient/p/$graphql?query={id}&_format=xml")
    assert in_xml.json() == {"data": wanted}


async def test_the_capability_statement_tells_of_it(house: House) -> None:
    (rest,) = (await house.http.get("metadata")).json()["rest"]
    url = "http://hl7.org/fhir/OperationDefinition/Resource-graphql"
    assert {"name": "graphql", "definition": url} in rest["operation"]
    assert all({"name": "graphql", "definition": url} in r["operation"] for r in rest["resource"])
    assert (await house.http.get("Patient/$graphql?query={id}")).status_code == 404


async def test_references_forward_and_back(house: House) -> None:
    await filled(house)
    query = "{ Patient(id: p) { id ObservationList(_reference: patient, _sort: _id) { id subject {"
    query += " resource { id } } } } PatientList(_sort: _id) { id } }"
    seen = {"subject": {"resource": {"id": "p"}}}
    assert await ask(house.http, query) == {
        "Patient": {"id": "p", "ObservationList": [{"id": f"o{n}", **seen} for n in range(3)]},
        "PatientList": [{"id": "p"}, {"id": "q"}],
    }
    await house.put(observation("far", of="q", subject={"reference": f"{BASE}/Patient/q"}))
    far = await ask(house.http, "{ subject { resource { id } } }", "Observation/far/$graphql")
    assert far == {"subject": {"resource": {"id": "q"}}}
    await house.put(patient("q", active=False))
    old = observation("old", of="q", subject={"reference": "Patient/q/_history/1"})
    await house.put(old)
    query = "{ subject { resource { ... on Patient { active } } } }"
    then = await ask(house.http, query, "Observation/old/$graphql")
    assert then == {"subject": {"resource": {"active": True}}}


async def test_digits_stay(house: House) -> None:
    raw = json.dumps(observation("o", "p", valueQuantity={"value": 0})).replace(": 0}", ": 1.00}")
    await house.http.put("Observation/o", content=raw)
    answer = await house.http.get("Observation/o/$graphql?query={valueQuantity{value}}")
    assert answer.content == b'{"data":{"valueQuantity":{"value":1.00}}}'


async def test_pages_of_a_connection(house: House) -> None:
    await filled(house)
    fields = "{ count offset pagesize first previous next last edges { resource { id } } }"
    query = f"{{ ObservationConnection(_sort: _id, _count: 1) {fields} }}"
    first = page = (await ask(house.http, query))["ObservationConnection"]
    seen = []
    for offset in range(3):
        seen += [edge["resource"]["id"] for edge in page["edges"]]
        assert (page["count"], page["offset"], page["pagesize"]) == (3, offset, 1)
        assert ("next" in page, "last" in page) == (offset < 2, offset == 2)
        if offset < 2:
            page = await follow(house, page["next"], fields)
    assert seen == ["o0", "o1", "o2"]
    back = await follow(house, page["previous"], fields)
    assert [edge["resource"]["id"] for edge in back["edges"]] == ["o1"]
    assert (await follow(house, back["previous"], fields))["edges"] == first["edges"]
    assert (await follow(house, page["first"], fields))["edges"] == first["edges"]
    assert (await follow(house, page["last"], fields))["edges"] == page["edges"]
    forged = f'{{ ObservationConnection(cursor: "{page["first"][:-4]}AAAA") {fields} }}'
    assert await ask(house.http, forged) == 400
    other = f'{{ PatientConnection(cursor: "{page["first"]}") {fields} }}'
    assert await ask(house.http, other) == 400


async def follow(house: House, cursor: str, fields: str) -> Any:
    """Another page, by its cursor."""
    query = f'{{ ObservationConnection(cursor: "{cursor}") {fields} }}'
    return (await ask(house.http, query))["ObservationConnection"]


async def test_a_caller_sees_what_is_theirs(house: House) -> None:
    await filled(house)
    await house.put(observation("other", of="q"))
    mine = house.client("patient/*.rs", patient="p")
    assert await ask(mine, "{ ObservationList(_sort: _id) { id } }") == {
        "ObservationList": [{"id": f"o{n}"} for n in range(3)]
    }
    connection = "{ ObservationConnection { count } }"
    assert await ask(mine, connection) == {"ObservationConnection": {"count": 3}}
    assert await ask(mine, "{ Patient(id: q) { id } }") == 404
    assert await ask(mine, "{ id }", "Patient/q/$graphql") == 404
    await house.put(patient("p", link=[{"other": {"reference": "Patient/q"}, "type": "seealso"}]))
    link = "{ link { other { resource%s { id } } } }"
    assert await ask(mine, link % "", "Patient/p/$graphql") == 404
    hidden = await ask(mine, link % "(optional: true)", "Patient/p/$graphql")
    assert hidden == {"link": [{"other": {}}]}


async def test_read_and_search_are_rights_of_their_own(house: House) -> None:
    await filled(house)
    reads = house.client("system/Observation.rs system/Patient.r")
    subject = "{ ObservationList(_id: o0) { subject { resource { id } } } }"
    assert await ask(reads, subject) == {
        "ObservationList": [{"subject": {"resource": {"id": "p"}}}]
    }
    assert await ask(reads, "{ PatientList { id } }") == 403
    searches = house.client("system/Observation.rs system/Patient.s")
    assert await ask(searches, subject) == 404
    assert await ask(searches, "{ Patient(id: p) { id } }") == 404
    assert (await house.http.get("$graphql", headers={"authorization": ""})).status_code == 401


async def test_all_that_is_seen_is_audited(house: House) -> None:
    await filled(house)
    before = len(await house.audit())
    query = "{ id ObservationList(_reference: patient) { subject { resource { id } } } }"
    await ask(house.http, query, "Patient/p/$graphql")
    records = (await house.audit())[before:]
    assert [record.interaction for record in records] == ["read", "search-type", "read"]
    seen = {(type, id) for record in records for type, id, _ in record.versions}
    assert seen == {("Patient", "p"), *(("Observation", f"o{n}") for n in range(3))}
    assert await ask(house.http, "{ nonsense }") == 400
    refused = (await house.audit())[before + 3 :]
    assert [(r.interaction, r.detail) for r in refused] == [("POST", "Invalid")]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("{ PatientList(nonsense: 1) { id } }", 400),
        ('{ PatientList(_content: \\"x\\") { id } }', 501),
        ("{ PatientList(birthdate: nonsense) { id } }", 400),
        ("{ PatientList(_reference: patient) { id } }", 400),
        ("{ Patient { id } }", 400),
        ("{ Patient(id: nobody) { id } }", 404),
        ("mutation { PatientDelete(id: p) }", 501),
    ],
)
async def test_errors_are_of_graphql(house: House, query: str, status: int) -> None:
    assert await ask(house.http, query.replace("\\", "")) == status


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"query":1}', "application/json", 400),
        (b'{"query":"{id}","variables":[]}', "application/json", 400),
        (b'{"query":"{id}","surprise":1}', "application/json", 400),
        (b"\xff", "application/graphql", 400),
        (b"{id}", "text/plain", 415),
        (b'{"resourceType":"Patient"}', "application/fhir+json", 400),
    ],
)
async def test_bodies_that_are_none(house: House, body: bytes, media: str, status: int) -> None:
    await house.put(patient("p"))
    answer = await house.http.post(
        "Patient/p/$graphql", content=body, headers={"content-type": media}
    )
    assert answer.status_code == status


async def test_a_query_is_bounded(house: House) -> None:
    await house.put(patient("p"))
    for n in range(30):
        await house.put(observation(f"o{n}", "p"))
    deep = "id"
    for _ in range(6):
        deep = (
            "subject { resource { ... on Patient { "
            f"ObservationList(_reference: patient) {{ {deep} }} }} }} }}"
        )
    assert await ask(house.http, f"{{ ObservationList {{ {deep} }} }}") == 413
    many = " ".join(f"a{n}: ObservationList(_id: o{n}) {{ id }}" for n in range(201))
    assert await ask(house.http, f"{{ {many} }}") == 413
