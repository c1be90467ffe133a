"""`Patient/[id]/$purge` over HTTP: what is gone, what is left, who may, and what is told of it."""

from __future__ import annotations

import pytest

from tests.fhir_house import TENANT, House, ids, observation, patient

pytestmark = pytest.mark.anyio
SCOPES = "system/*.cruds system/Patient.purge"


async def record(house: House) -> None:
    await house.put(patient("p", active=True, name=[{"family": "Secret"}]))
    await house.put(patient("p", active=False, name=[{"family": "Secret"}]))
    await house.put(patient("q"))
    await house.put(observation("mine", "p"))
    await house.put(observation("theirs", "q"))
    await house.put(observation("deleted", "p"))
    await house.http.delete("Observation/deleted")
    await house.put(observation("moved", "p"))
    await house.put(observation("moved", "q"))
    await house.http.delete("Observation/moved")
    await house.put(observation("moved", "q"))
    await house.put(observation("derived", "q", derivedFrom=[{"reference": "Observation/mine"}]))
    await house.put({"resourceType": "Binary", "id": "b", "contentType": "text/plain"})
    await house.put({
        "resourceType": "DocumentReference", "id": "d", "status": "current",
        "subject": {"reference": "Patient/p"}, "content": [{"attachment": {"url": "Binary/b"}}],
    })  # fmt: skip
    await house.put({
        "resourceType": "Group", "id": "g", "type": "person", "actual": True,
        "member": [{"entity": {"reference": f"Patient/{id}"}} for id in ("p", "q")],
    })  # fmt: skip


async def test_a_record_is_gone_with_its_history_and_the_rest_is_told(house: House) -> None:
    await record(house)
    async with house.client(SCOPES) as client:
        answer = await client.post("Patient/p/$purge")
    assert answer.status_code == 200, answer.text
    told = answer.json()["parameter"]
    assert [p["valueInteger"] for p in told[:2]] == [4, 7]
    left = {p["valueReference"]["reference"] for p in told[2:]}
    assert left == {"Group/g", "Binary/b", "Observation/derived"}
    for address in ("Patient/p", "Patient/p/_history/1", "Observation/mine",
                    "Observation/deleted/_history/1", "Observation/moved/_history/1",
                    "DocumentReference/d", "Patient/p/_history"):  # fmt: skip
        assert (await house.http.get(address)).status_code == 404, address
    assert (await house.http.get("Observation/moved")).status_code == 200
    assert ids(await house.http.get("Patient?family=secret")) == []
    assert set(ids(await house.http.get("Observation"))) == {
        "Observation/theirs", "Observation/moved", "Observation/derived",
    }  # fmt: skip
    for version in await house.store.changes(TENANT, 0):
        assert b"Secret" not in version.rest


async def test_a_purge_is_audited_and_older_records_stay(house: House) -> None:
    await record(house)
    async with house.client(SCOPES) as client:
        await client.post("Patient/p/$purge")
    trail = await house.audit()
    purges = [r for r in trail if r.interaction == "$purge"]
    assert {v[:2] for r in purges for v in r.versions} >= {
        ("Patient", "p"), ("Observation", "mine"), ("Observation", "moved"),
    }  # fmt: skip
    assert all(r.patients == ("p",) and r.agent == "client/test" for r in purges)
    assert [r for r in trail if r.interaction == "update" and "p" in r.patients]


async def test_a_deleted_patient_can_be_purged_and_come_again(house: House) -> None:
    await house.put(patient("p"))
    await house.http.delete("Patient/p")
    async with house.client(SCOPES) as client:
        assert (await client.post("Patient/p/$purge")).status_code == 200
        assert (await client.post("Patient/p/$purge")).status_code == 404
    assert (await house.put(patient("p"))).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("scopes", "method", "address", "status"),
    [
        ("system/*.cruds", "POST", "Patient/p/$purge", 403),
        ("system/Observation.purge", "POST", "Patient/p/$purge", 403),
        ("system/Patient.purge?active=true", "POST", "Patient/p/$purge", 404),
        (SCOPES, "GET", "Patient/p/$purge", 405),
        (SCOPES, "POST", "Patient/none/$purge", 404),
        (SCOPES, "POST", "Observation/mine/$purge", 404),
        (SCOPES, "POST", "Patient/p/$purge?force=true", 400),
    ],
)
async def test_who_may_not_and_what_cannot(
    house: House, scopes: str, method: str, address: str, status: int
) -> None:
    await record(house)
    async with house.client(scopes) as client:
        answer = await client.request(method, address)
    assert answer.status_code == status, answer.text
    assert (await house.http.get("Patient/p")).status_code == 200
