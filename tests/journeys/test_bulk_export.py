"""Bulk Data exports, from the kick-off to the files (Bulk Data Access 3.0)."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from careplane.ledger.audit import decode
from tests.bulk_house import BulkHouse, names, open_bulk_house
from tests.fhir_house import observation, patient

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[BulkHouse]:
    async with open_bulk_house(tmp_path / "data", bulk_part_bytes=1500) as house:
        await house.put(
            patient("1", name=[{"family": "Abel"}], gender="male"),
            patient("2", gender="female"),
            {"resourceType": "Organization", "id": "o", "name": "Clinic"},
            *(observation(f"a{n}", "1", code="8302-2") for n in range(8)),
            *(observation(f"b{n}", "2", code="29463-7") for n in range(4)),
            {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [
                {"entity": {"reference": "Patient/2"}},
                {"entity": {"reference": "Patient/1"}, "inactive": True},
            ]},
        )  # fmt: skip
        yield house


async def test_the_whole_store(house: BulkHouse) -> None:
    kickoff = await house.http.get("$export", headers={"prefer": "respond-async"})
    answer = await house.done(kickoff)
    manifest = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["expires"].endswith("GMT")
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"] == "http://hospital.test/fhir/$export"
    assert manifest["deleted"] == manifest["error"] == []
    found = await house.output(manifest)
    assert len(found) == 16
    assert len(set(names(found))) == 16
    observations = [item for item in manifest["output"] if item["type"] == "Observation"]
    assert len(observations) > 1, "files are cut by size"
    one = next(each for each in found if each["id"] == "a3")
    assert one == (await house.http.get("Observation/a3")).json()


async def test_types_filters_and_elements(house: BulkHouse) -> None:
    manifest = await house.export("$export?_type=Patient,Observation&_type=Organization")
    assert {item["type"] for item in manifest["output"]} == {
        "Patient", "Observation", "Organization",
    }  # fmt: skip
    query = (
        "$export?_type=Observation,Patient&_typeFilter=Observation%3Fcode%3D29463-7,x"
        ",Observation%3Fcode%3Dnone&_elements=Patient.gender,status"
    )
    found = await house.output(await house.export(query))
    assert names(found) == [*(f"Observation/b{n}" for n in range(4)), "Patient/1", "Patient/2"]
    for one in found:
        assert one["meta"]["tag"][-1]["code"] == "SUBSETTED"
        assert "subject" not in one
        assert "name" not in one
    assert {one.get("gender") for one in found} == {None, "male", "female"}


async def test_patients_and_groups(house: BulkHouse) -> None:
    found = names(await house.output(await house.export("Patient/$export")))
    assert len(found) == 15, "all but the Organization"
    assert "Group/g" in found
    found = names(await house.output(await house.export("Group/g/$export")))
    assert found == ["Group/g", *(f"Observation/b{n}" for n in range(4)), "Patient/2"]
    body = {"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Observation"},
        {"name": "patient", "valueReference": {"reference": "Patient/1"}},
    ]}  # fmt: skip
    answer = await house.done(await house.http.post("Patient/$export", json=body))
    assert names(await house.output(answer.json())) == [f"Observation/a{n}" for n in range(8)]


async def test_a_resource_of_two_patients_is_there_once(
    house: BulkHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("careplane.interop.bulk.exporting.FEW", 1)
    both = {
        "resourceType": "Appointment",
        "id": "both",
        "status": "proposed",
        "participant": [
            {"actor": {"reference": f"Patient/{id}"}, "status": "accepted"} for id in "12"
        ],
    }
    await house.put(both)
    body = {"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueReference": {"reference": f"Patient/{id}"}} for id in "12"
    ]}  # fmt: skip
    answer = await house.done(await house.http.post("Patient/$export", json=body))
    found = names(await house.output(answer.json()))
    assert len(found) == len(set(found)) == 16


async def test_organized_by_patients(house: BulkHouse) -> None:
    for path in ("Patient/$export", "Group/g/$export"):
        manifest = await house.export(f"{path}?organizeOutputBy=Patient&_type=Patient,Observation")
        assert manifest["outputOrganizedBy"] == "Patient"
        found = await house.output(manifest)
        assert all("type" not in item for item in manifest["output"])
        heads = [n for n, one in enumerate(found) if one["resourceType"] == "Parameters"]
        assert [found[n]["parameter"][0]["valueReference"]["reference"] for n in heads] == (
            ["Patient/1", "Patient/2"] if path == "Patient/$export" else ["Patient/2"]
        )
        first = found[: heads[1]] if len(heads) > 1 else found
        subjects = {one.get("subject", {}).get("reference") for one in first} - {None}
        assert len(subjects) == 1


async def test_what_changed_and_what_is_gone(house: BulkHouse) -> None:
    before = await house.export("$export")
    await house.http.delete("Observation/a0")
    await house.http.delete("Observation/a1")
    await house.put(observation("a1", "1"), observation("a2", "1", code="1234-5"))
    manifest = await house.export("$export", params={"_since": before["transactionTime"]})
    changed = [one for one in await house.output(manifest) if one["meta"]["versionId"] != "1"]
    assert names(changed) == ["Observation/a1", "Observation/a2"]
    (bundle,) = await house.output(manifest, "deleted")
    assert bundle["type"] == "transaction"
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Observation/a0"}}]
    only = {"_type": "Observation", "_typeFilter": "Observation?code=29463-7"}
    since = {"_since": before["transactionTime"]}
    manifest = await house.export("Patient/$export", params=only | since)
    assert manifest["deleted"] == [], "what was deleted did not match"
    old = await house.export("$export?_type=Observation&_until=2000-01-01")
    assert old["output"] == []


async def test_only_who_began_it_sees_it(house: BulkHouse) -> None:
    kickoff = await house.http.get("$export?_type=Patient")
    manifest = (await house.done(kickoff)).json()
    status, file = kickoff.headers["content-location"], manifest["output"][0]["url"]
    async with house.client("system/*.cruds") as other:
        for url in (status, file):
            assert (await other.get(url)).status_code == 404
        assert (await other.delete(status)).status_code == 404
    async with house.client("system/Patient.rs", id="client/all") as weaker:
        assert (await weaker.get(status)).status_code == 200
        assert (await weaker.get(file)).status_code == 403
    bare = {"authorization": ""}
    assert (await house.http.get(file, headers=bare)).status_code == 401
    assert (await house.http.get(file.replace(".Patient", ".Other"))).status_code == 404
    assert (await house.http.post(status)).status_code == 405
    assert (await house.http.delete(status)).status_code == 202
    for url in (status, file):
        assert (await house.http.get(url)).status_code == 404
    assert (await house.http.delete(status)).status_code == 404


async def test_rights_hold(house: BulkHouse) -> None:
    async with house.client("patient/*.rs", patient="2") as http:
        found = await house.output(await house.export("$export", http), http=http)
        assert {"Patient/2", "Observation/b0", "Organization/o"} <= set(names(found))
        assert not {"Patient/1", "Observation/a0"} & set(names(found))
    async with house.client("system/Observation.rs?code=8302-2") as http:
        before = (await house.export("$export", http))["transactionTime"]
        await house.http.delete("Observation/a0")
        await house.http.delete("Observation/b0")
        manifest = await house.export("$export", http, params={"_since": before})
        (bundle,) = await house.output(manifest, "deleted", http)
        assert [one["request"]["url"] for one in bundle["entry"]] == ["Observation/a0"]
        assert (await http.get("$export?_type=Patient")).status_code == 403
        assert (await http.get("Group/g/$export")).status_code == 403
    async with house.client("system/Patient.c") as http:
        assert (await http.get("$export")).status_code == 403


async def test_every_page_and_file_is_in_the_audit_trail(house: BulkHouse) -> None:
    manifest = await house.export("$export?_type=Observation")
    await house.output(manifest)
    trail = [decode(raw) for _, raw in await house.here.store.tail(1, 0, 10_000)]  # type: ignore[arg-type]
    told = [v for one in trail if one.interaction == "$export" for v in one.versions]
    assert sorted(id for _, id, _ in told) == sorted(
        [*(f"a{n}" for n in range(8)), *(f"b{n}" for n in range(4))]
    )
    files = [one for one in trail if one.interaction == "bulk-file"]
    assert len(files) == len(manifest["output"])
    assert {one.agent for one in files} == {"client/all"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("$export?_type=Nothing", 404),
        ("$export?_outputFormat=text/csv", 501),
        ("$export?_since=yesterday", 400),
        ("$export?_typeFilter=status%3Dfinal", 400),
        ("$export?_typeFilter=Observation%3F_include%3DObservation:subject", 400),
        ("$export?_typeFilter=Observation%3Funknown%3D1", 400),
        ("$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal", 400),
        ("$export?includeAssociatedData=LatestProvenanceResources", 501),
        ("$export?patient=Patient/1", 400),
        ("$export?organizeOutputBy=Patient", 501),
        ("$export?_elements=Patient.name.family", 400),
        ("Patient/$export?_type=Organization", 400),
        ("Patient/$export?organizeOutputBy=Encounter", 501),
        ("Group/none/$export", 404),
        ("Observation/$export", 404),
    ],
)
async def test_bad_kick_offs(house: BulkHouse, path: str, status: int) -> None:
    answer = await house.http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_patients_that_are_not_there(house: BulkHouse) -> None:
    for path, reference in (
        ("Patient/$export", "Patient/none"),
        ("Group/g/$export", "Patient/1"),
        ("Patient/$export", "Observation/a/b"),
    ):
        value = {"name": "patient", "valueReference": {"reference": reference}}
        body = {"resourceType": "Parameters", "parameter": [value]}
        assert (await house.http.post(path, json=body)).status_code == 400


async def test_lenient_handling_remarks_on_what_it_ignores(house: BulkHouse) -> None:
    query = "$export?_type=Patient&includeAssociatedData=x&allowPartialManifests=true"
    manifest = await house.export(query, headers={"prefer": "respond-async, handling=lenient"})
    assert len(await house.output(manifest)) == 2
    remarks = await house.output(manifest, "error")
    assert len(remarks) == 2
    assert "includeAssociatedData" in json.dumps(remarks[0])


async def test_ranges_and_gzip(house: BulkHouse) -> None:
    manifest = await house.export("$export?_type=Observation")
    url = manifest["output"][0]["url"]
    plain = await house.http.get(url, headers={"accept-encoding": "identity"})
    whole = plain.content
    assert int(plain.headers["content-length"]) == len(whole) == manifest["output"][0]["fileSize"]
    async with house.http.stream("GET", url, headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(raw)
        assert answer.headers["etag"] != plain.headers["etag"]
    unpack = zlib.decompressobj(31)
    assert unpack.decompress(raw) == whole
    assert unpack.eof
    assert not unpack.unused_data
    middle = len(whole) // 2
    pieces = [
        await _range(house, url, f"bytes={low}", len(whole))
        for low in (f"0-{middle - 1}", f"{middle}-", "-7")
    ]
    assert pieces[0] + pieces[1] == whole
    assert pieces[2] == whole[-7:]
    outside = await house.http.get(url, headers={"range": f"bytes={len(whole)}-"})
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(whole)}"
    stale = {"range": "bytes=0-3", "if-range": '"other"', "accept-encoding": "identity"}
    assert (await house.http.get(url, headers=stale)).content == whole
    head = await house.http.head(url, headers={"accept-encoding": "identity"})
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(whole)


async def _range(house: BulkHouse, url: str, asked: str, size: int) -> bytes:
    answer = await house.http.get(url, headers={"range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"].endswith(f"/{size}")
    return answer.content


async def test_nothing_is_readable_on_disk(house: BulkHouse) -> None:
    await house.export("$export")
    files = [path for path in (house.data / "bulk").rglob("*") if path.is_file()]
    assert len(files) >= 4
    for path in files:
        data = path.read_bytes()
        assert b"Observation" not in data
        assert b"Abel" not in data


async def test_a_file_that_was_changed_is_not_handed_out(house: BulkHouse) -> None:
    manifest = await house.export("$export?_type=Patient")
    (path,) = (path for path in (house.data / "bulk").rglob("*") if path.is_file())
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    answer = await house.http.get(manifest["output"][0]["url"])
    assert answer.status_code == 500
    assert "changed in the store" in answer.text
    path.unlink()
    assert (await house.http.get(manifest["output"][0]["url"])).status_code == 503


async def test_the_operations_are_in_the_capability_statement(house: BulkHouse) -> None:
    statement: Any = (await house.http.get("metadata")).json()
    rest = statement["rest"][0]
    by_type = {one["type"]: one.get("operation", []) for one in rest["resource"]}
    found = {
        one["definition"] for one in (*rest["operation"], *by_type["Patient"], *by_type["Group"])
    }
    base = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
    assert {base + id for id in ("export", "patient-export", "group-export")} <= found
