"""Every interaction over HTTP, as a client sees it (FHIR R4, 3.1.0)."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.fhir_house import BASE, House, bundle, entry, ids, link, observation, patient

pytestmark = pytest.mark.anyio


async def test_create_answers_with_place_version_and_the_resource(house: House) -> None:
    answer = await house.http.post("Patient", json={"resourceType": "Patient", "active": True})
    assert answer.status_code == 201
    created = answer.json()
    assert created["meta"]["versionId"] == "1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["location"] == f"{BASE}/Patient/{created['id']}/_history/1"
    assert (await house.http.get(f"Patient/{created['id']}")).json() == created


@pytest.mark.parametrize(
    ("prefer", "body"),
    [
        ("return=minimal", None),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
    ],
)
async def test_a_write_answers_with_what_is_preferred(
    house: House, prefer: str, body: str | None
) -> None:
    answer = await house.http.post(
        "Patient", json={"resourceType": "Patient"}, headers={"prefer": prefer}
    )
    assert answer.status_code == 201
    assert (answer.json()["resourceType"] if answer.content else None) == body


async def test_digits_and_texts_come_back_as_they_were_sent(house: House) -> None:
    raw = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"\xc3\xa9\\u00e9"},'
        b'"valueQuantity":{"value":1.00}}'
    )
    await house.http.put("Observation/o", content=raw)
    answer = await house.http.get("Observation/o")
    assert b'"value":1.00' in answer.content
    assert answer.json()["code"]["text"] == "\u00e9\u00e9"


async def test_update_makes_versions_and_the_same_content_makes_none(house: House) -> None:
    assert (await house.put(patient("p", active=True))).status_code == 201
    assert (await house.put(patient("p", active=False))).headers["etag"] == 'W/"2"'
    assert (await house.put(patient("p", active=False))).headers["etag"] == 'W/"2"'
    assert (await house.http.get("Patient/p/_history/1")).json()["active"] is True
    assert (await house.http.get("Patient/p/_history/9")).status_code == 404


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"resourceType": "Patient"}, "Patient.id"),
        ({"resourceType": "Patient", "id": "q"}, "Patient.id"),
        ({"resourceType": "Observation", "id": "p", "status": "final", "code": {"text": "x"}},
         "Observation"),
    ],
)  # fmt: skip
async def test_update_refuses_another_id_or_type(
    house: House, body: dict[str, object], place: str
) -> None:
    answer = await house.http.put("Patient/p", json=body)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == [place]


async def test_delete_leaves_gone_history_and_revival(house: House) -> None:
    await house.put(patient("p", active=True))
    assert (await house.http.delete("Patient/p")).status_code == 204
    assert (await house.http.get("Patient/p")).status_code == 410
    assert (await house.http.get("Patient/p/_history/2")).status_code == 410
    assert (await house.http.get("Patient/p/_history/1")).status_code == 200
    assert ids(await house.http.get("Patient")) == []
    assert (await house.http.delete("Patient/p")).status_code == 204
    again = await house.http.put("Patient/p", json=patient("p", active=True))
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    history = (await house.http.get("Patient/p/_history")).json()
    assert [e["request"]["method"] for e in history["entry"]] == ["PUT", "DELETE", "PUT"]
    assert [e["response"]["status"] for e in history["entry"]] == ["200", "204", "201"]


async def test_patch_by_json_xml_and_fhirpath(house: House) -> None:
    await house.put(patient("p", gender="male"))
    json_patch = b'[{"op":"replace","path":"/gender","value":"female"}]'
    answer = await house.http.patch(
        "Patient/p", content=json_patch, headers={"content-type": "application/json-patch+json"}
    )
    assert answer.json()["gender"] == "female"
    xml_patch = (
        b'<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Patient/f:gender/@value">other'
        b"</replace></diff>"
    )
    answer = await house.http.patch(
        "Patient/p", content=xml_patch, headers={"content-type": "application/xml-patch+xml"}
    )
    assert answer.json()["gender"] == "other"
    wrong = b'[{"op":"replace","path":"/gender","value":"robot"}]'
    answer = await house.http.patch(
        "Patient/p", content=wrong, headers={"content-type": "application/json-patch+json"}
    )
    assert answer.status_code == 400
    assert (await house.http.get("Patient/p")).json()["gender"] == "other"


async def test_history_of_instance_type_and_system_pages_and_filters(house: House) -> None:
    for active in (True, False, True):
        await house.put(patient("p", active=active))
    await house.put(observation("o", "p"))
    system = await house.http.get("_history?_count=3")
    assert (system.json()["total"], len(system.json()["entry"])) == (4, 3)
    following = link(system, "next")
    assert following is not None
    rest = await house.http.get(following)
    assert [e["resource"]["meta"]["versionId"] for e in rest.json()["entry"]] == ["1"]
    assert (await house.http.get("Patient/_history")).json()["total"] == 3
    second = (await house.http.get("Patient/p/_history/2")).json()["meta"]["lastUpdated"]
    since = await house.http.get("Patient/p/_history", params={"_since": second})
    assert len(since.json()["entry"]) >= 2
    at = await house.http.get("Patient/p/_history", params={"_at": "2001"})
    assert at.json().get("entry", []) == []
    assert (await house.http.get("Patient/nobody/_history")).status_code == 404
    assert (await house.http.get("_history?color=red")).status_code == 400


async def test_search_pages_by_get_and_post_without_gap_or_double(house: House) -> None:
    for n in range(7):
        await house.put(patient(f"p{n}", active=True))
    for first in (
        await house.http.get("Patient?_count=3&active=true&_sort=-_id"),
        await house.http.post(
            "Patient/_search",
            content="_count=3&active=true&_sort=-_id",
            headers={"content-type": "application/x-www-form-urlencoded"},
        ),
    ):
        assert first.status_code == 200, first.text
        seen, page = ids(first), first
        while (url := link(page, "next")) is not None:
            page = await house.http.get(url)
            seen += ids(page)
        assert seen == [f"Patient/p{n}" for n in reversed(range(7))]


async def test_a_page_cannot_be_forged_nor_moved(house: House) -> None:
    for n in range(3):
        await house.put(patient(f"p{n}"))
    url = link(await house.http.get("Patient?_count=1"), "next")
    assert url is not None
    assert (await house.http.get(url[:-4] + "AAAA")).status_code == 400
    assert (await house.http.get(url.replace("/Patient?", "/Observation?"))).status_code == 400


async def test_includes_chains_has_compartments_and_totals(house: House) -> None:
    await house.put(patient("p", name=[{"family": "Quinn"}]))
    await house.put(observation("o", "p"))
    found = await house.http.get("Observation?_include=Observation:subject&_total=accurate")
    assert (ids(found), ids(found, "include")) == (["Observation/o"], ["Patient/p"])
    assert found.json()["total"] == 1
    back = await house.http.get("Patient?_revinclude=Observation:subject")
    assert ids(back, "include") == ["Observation/o"]
    assert ids(await house.http.get("Observation?subject:Patient.name=quinn")) == ["Observation/o"]
    assert ids(await house.http.get("Patient?_has:Observation:patient:code=8302-2")) == [
        "Patient/p"
    ]
    assert ids(await house.http.get("Patient/p/Observation?code=8302-2")) == ["Observation/o"]
    assert set(ids(await house.http.get("Patient/p/*"))) == {"Patient/p", "Observation/o"}
    assert set(ids(await house.http.get("?_type=Patient,Observation"))) == {
        "Patient/p",
        "Observation/o",
    }
    count = (await house.http.get("Patient?_summary=count")).json()
    assert (count["total"], "entry" in count) == (1, False)


async def test_an_unknown_parameter_is_named_or_refused(house: House) -> None:
    lenient = (await house.http.get("Patient?favourite=blue")).json()
    assert lenient["entry"][-1]["search"]["mode"] == "outcome"
    assert "favourite" in lenient["entry"][-1]["resource"]["issue"][0]["expression"]
    strict = await house.http.get("Patient?favourite=blue", headers={"prefer": "handling=strict"})
    assert strict.status_code == 400


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("_summary=true", "name", "contact"),
        ("_summary=text", "text", "name"),
        ("_summary=data", "name", "text"),
        ("_elements=birthDate", "birthDate", "name"),
    ],
)
async def test_a_part_of_a_resource_is_tagged_as_such(
    house: House, query: str, there: str, absent: str
) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">Hi</div>'
    await house.put(
        patient(
            "p",
            text={"status": "generated", "div": div},
            name=[{"family": "Quinn"}],
            birthDate="1970-01-01",
            contact=[{"name": {"family": "Quinn"}}],
        )
    )
    shown = [
        (await house.http.get(f"Patient/p?{query}")).json(),
        (await house.http.get(f"Patient?{query}")).json()["entry"][0]["resource"],
    ]
    for resource in shown:
        assert there in resource
        assert absent not in resource
        assert resource["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "tag" not in (await house.http.get("Patient/p")).json()["meta"]


async def test_xml_in_and_out_pretty_and_gzip(house: House) -> None:
    xml = b'<Patient xmlns="http://hl7.org/fhir"><id value="x"/><active value="true"/></Patient>'
    headers = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    answer = await house.http.put("Patient/x", content=xml, headers=headers)
    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert b'<active value="true"/>' in answer.content
    pretty = await house.http.get("Patient/x?_pretty=true&_format=json")
    assert b'\n  "id": "x"' in pretty.content
    packed = gzip.compress(json.dumps(patient("z")).encode())
    answer = await house.http.put("Patient/z", content=packed, headers={"content-encoding": "gzip"})
    assert answer.status_code == 201
    metadata = await house.http.get("metadata", headers={"accept-encoding": "gzip"})
    assert metadata.headers["content-encoding"] == "gzip"
    assert metadata.json()["fhirVersion"] == "4.0.1"


async def test_everything_of_a_patient_holds_the_compartment_and_what_it_refers_to(
    house: House,
) -> None:
    await house.put({"resourceType": "Organization", "id": "org", "name": "Clinic"})
    await house.put(patient("p", managingOrganization={"reference": "Organization/org"}))
    await house.put(patient("q"))
    await house.put(observation("other", "q"))
    for n in range(5):
        await house.put(observation(f"o{n}", "p"))
    page = await house.http.get("Patient/p/$everything?_count=2")
    seen, around = ids(page), ids(page, "include")
    while (url := link(page, "next")) is not None:
        page = await house.http.get(url)
        assert ids(page)
        seen += ids(page)
        around += ids(page, "include")
    assert sorted(seen) == [*(f"Observation/o{n}" for n in range(5)), "Patient/p"]
    assert around == ["Organization/org"]
    some = await house.http.get("Patient/p/$everything?_type=Observation")
    assert set(ids(some)) == {f"Observation/o{n}" for n in range(5)}
    assert (await house.http.get("Patient/nobody/$everything")).status_code == 404


async def test_validate_tells_every_problem_and_stores_nothing(house: House) -> None:
    wrong = {"resourceType": "Patient", "gender": "x", "color": "red"}
    answer = await house.http.post("Patient/$validate", json=wrong)
    assert answer.status_code == 200
    errors = [i for i in answer.json()["issue"] if i["severity"] == "error"]
    assert {i["expression"][0] for i in errors} == {"Patient.gender", "Patient.color"}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "mode", "valueCode": "create"},
            {"name": "resource", "resource": {"resourceType": "Patient"}},
        ],
    }
    answer = await house.http.post("Patient/$validate", json=parameters)
    assert not [i for i in answer.json()["issue"] if i["severity"] == "error"]
    assert await house.stored() == 0


async def test_meta_is_read_added_to_and_taken_from(house: House) -> None:
    await house.put(patient("p", active=True))
    tag = {"system": "http://example.org/tags", "code": "study"}

    def given(*tags: object) -> dict[str, object]:
        value = {"name": "meta", "valueMeta": {"tag": list(tags)}}
        return {"resourceType": "Parameters", "parameter": [value]}

    added = await house.http.post("Patient/p/$meta-add", json=given(tag))
    assert added.json()["parameter"][0]["valueMeta"]["tag"] == [tag]
    assert ids(await house.http.get("Patient?_tag=http://example.org/tags|study")) == ["Patient/p"]
    for address in ("Patient/p/$meta", "Patient/$meta", "$meta"):
        found = (await house.http.get(address)).json()["parameter"][0]["valueMeta"]
        assert found["tag"] == [tag], address
    await house.http.post("Patient/p/$meta-delete", json=given(tag))
    assert "tag" not in (await house.http.get("Patient/p")).json()["meta"]


async def test_the_capability_statement_needs_no_token_and_tells_the_truth(house: House) -> None:
    answer = await house.http.get("metadata", headers={"authorization": ""})
    statement = answer.json()
    rest = statement["rest"][0]
    assert len(rest["resource"]) > 140
    by_type = {r["type"]: r for r in rest["resource"]}
    assert "name" in {p["name"] for p in by_type["Patient"]["searchParam"]}
    assert {o["name"] for o in by_type["Patient"]["operation"]} >= {"everything", "validate"}
    validated = await house.http.post("CapabilityStatement/$validate", json=statement)
    problems = [i for i in validated.json()["issue"] if i["severity"] == "error"]
    assert problems == []
    for parameter in by_type["Observation"]["searchParam"]:
        # A parameter that is offered is understood: at worst its value is wrong.
        found = await house.http.get(
            f"Observation?{parameter['name']}:missing=true", headers={"prefer": "handling=strict"}
        )
        if parameter["type"] != "composite":
            assert found.status_code in (200, 400, 501), parameter
            assert "no search parameter" not in found.text


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "Unknown", 404),
        ("GET", "Patient/p/_history/1/more", 404),
        ("GET", "Patient/$nothing", 404),
        ("GET", "Patient/p/Unknown", 404),
        ("POST", "Patient/p", 405),
        ("PUT", "", 405),
        ("DELETE", "Patient/p/_history", 405),
        ("DELETE", "metadata", 405),
    ],
)
async def test_addresses_and_methods_that_mean_nothing(
    house: House, method: str, address: str, status: int
) -> None:
    answer = await house.http.request(method, address)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert ("allow" in answer.headers) == (status == 405)


async def test_head_options_and_cors(house: House) -> None:
    await house.put(patient("p"))
    head = await house.http.head("Patient/p")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", 'W/"1"')
    options = await house.http.options("Patient/p", headers={"authorization": ""})
    assert options.status_code == 204
    assert "PATCH" in options.headers["access-control-allow-methods"]


async def test_each_call_leaves_one_audit_record(house: House) -> None:
    await house.put(patient("p"))
    await house.put(observation("o", "p"))
    before = len(await house.audit())
    await house.http.get("Observation/o")
    await house.http.get("Observation?code=8302-2")
    await house.http.get("Observation/nothing")
    await house.http.post("", content=bundle("transaction", entry("DELETE", "Observation/o")))
    records = sorted((await house.audit())[before:], key=lambda record: record.recorded)
    assert [r.interaction for r in records] == ["read", "search-type", "read", "transaction"]
    assert [r.outcome.value for r in records] == ["0", "0", "4", "0"]
    assert [r.patients for r in records] == [("p",), ("p",), (), ("p",)]
    assert records[0].versions == (("Observation", "o", 1),)
    assert records[3].versions == (("Observation", "o", 2),)
