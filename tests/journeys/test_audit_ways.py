"""Every way in which a record could be missed, over every engine: refusals, 304s, aborted reads,
entries of Bundles, includes, exports."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from careplane.ledger.audit import AuditRecord
from careplane.records import commands as c
from careplane.storage.ports.records import Tenant
from tests.fhir_house import TENANT, House, bundle, entry, observation, patient

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(house: House) -> House:
    for id in ("a", "b"):
        await house.put(patient(id))
        await house.put(observation(f"o-{id}", id))
    return house


async def added(house: House, before: int, tenant: Tenant = TENANT) -> list[AuditRecord]:
    return (await house.audit(tenant))[before:]


async def test_refusals(house: House) -> None:
    before = len(await house.audit())
    async with house.client("user/Organization.rs") as http:
        assert (await http.get("Patient/a")).status_code == 403
        assert (await http.get("Patient/a/_history")).status_code == 403
        assert (await http.get("Patient?_id=a")).status_code == 403
        assert (await http.delete("Patient/a")).status_code == 403
        assert (await http.put("Patient/a", json=patient("a"))).status_code == 403
    async with house.client("patient/*.rs", "a") as http:
        assert (await http.get("Patient/b")).status_code == 404
        assert (await http.get("Nothing/b")).status_code == 404
        assert (await http.get("a/b/c/d/e")).status_code == 404
    records = await added(house, before)
    assert len(records) == 8
    assert {record.outcome for record in records} == {"4"}
    assert all(not record.versions for record in records), "nothing left"


async def test_a_credential_that_is_not_good(house: House) -> None:
    before = len(await house.audit(Tenant(0)))
    for token in ("Bearer nonsense", "Basic x", ""):
        answer = await house.http.get("Patient/a", headers={"authorization": token})
        assert answer.status_code == 401
    assert len(await added(house, before, Tenant(0))) == 3


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_has_not_changed(house: House, method: str) -> None:
    before = len(await house.audit())
    answer = await house.http.request(method, "Patient/a", headers={"if-none-match": 'W/"1"'})
    assert answer.status_code == 304
    (record,) = await added(house, before)
    assert record.patients == ("a",)


async def test_a_client_that_goes_before_the_answer(house: House) -> None:
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/fhir/Patient/a", "raw_path": b"/fhir/Patient/a",
        "query_string": b"", "scheme": "http", "client": ("10.0.0.9", 1), "server": ("h", 80),
        "headers": [(b"authorization", house.http.headers["authorization"].encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise OSError("the client has gone")

    before = len(await house.audit())
    with pytest.raises(OSError, match="has gone"):
        await house.app(scope, receive, send)
    (record,) = await added(house, before)
    assert (record.patients, record.outcome) == (("a",), "0")


async def test_a_read_that_is_broken_off(house: House) -> None:
    before = len(await house.audit())
    caller = house.caller("system/*.cruds")
    task = asyncio.ensure_future(
        house.door.search(caller, c.Search("Patient", (("_include", "*"), ("_id", "a"))))
    )
    await asyncio.sleep(0)
    task.cancel()
    done = await asyncio.gather(task, return_exceptions=True)
    records = await added(house, before)
    assert len(records) == 1, "whether it was done or not"
    broken = isinstance(done[0], BaseException)
    assert records[0].detail in (("CancelledError", "") if broken else ("",))


async def test_entries_of_a_batch_and_a_transaction(house: House) -> None:
    entries = (entry("GET", "Patient/a"), entry("GET", "Observation?patient=b"),
               entry("GET", "Patient/none"), entry("DELETE", "Observation/o-a"))  # fmt: skip
    for type in ("batch", "transaction"):
        before = len(await house.audit())
        assert (await house.http.post("", content=bundle(type, *entries))).status_code == 200
        records = await added(house, before)
        read = {f"{t}/{i}" for r in records for t, i, _ in r.versions}
        assert {"Patient/a", "Observation/o-b", "Observation/o-a"} <= read or type == "transaction"
        assert {"Patient/a", "Observation/o-b"} <= read
        assert {"a", "b"} <= {p for r in records for p in r.patients}
        assert [r for r in records if r.detail == "NotFound"], "a failure has its own"


async def test_includes_both_ways(house: House) -> None:
    for query in ("Observation?_id=o-a&_include=Observation:subject",
                  "Patient?_id=a&_revinclude=Observation:subject"):  # fmt: skip
        before = len(await house.audit())
        await house.http.get(query)
        (record,) = await added(house, before)
        assert {(t, i) for t, i, _ in record.versions} == {("Patient", "a"), ("Observation", "o-a")}


async def test_pages_of_an_export(house: House) -> None:
    before = len(await house.audit())
    caller = house.caller("system/*.rs")
    prepared = await house.door.prepare_export(caller, c.PrepareExport(("Patient",)))
    await house.door.export(caller, c.Export("Patient", at=prepared.at))
    records = await added(house, before)
    assert [record.interaction for record in records] == ["$export", "$export"]
    assert set(records[1].patients) == {"a", "b"}


async def test_operations_and_graphql(house: House) -> None:
    for path in ("Patient/a/$everything", "Patient/a/$graphql?query={id}",
                 "Patient/a/$accounting-of-disclosures"):  # fmt: skip
        before = len(await house.audit())
        assert (await house.http.get(path)).status_code == 200, path
        assert "a" in {p for r in await added(house, before) for p in r.patients}, path
