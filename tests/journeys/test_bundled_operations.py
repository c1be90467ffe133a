"""Operations called inside of a batch or a transaction (FHIR R4, 3.1.0.11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_house import House, bundle, entry, observation, patient

pytestmark = pytest.mark.anyio


async def post(house: House, type: str, *entries: Any) -> Any:
    return await house.http.post("", content=bundle(type, *entries))


def parameters(**values: str) -> dict[str, Any]:
    named = [{"name": name, "valueString": value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": named}


TAG = {"resourceType": "Parameters", "parameter": [
    {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "x"}]}}]}  # fmt: skip


async def test_a_batch_calls_operations_by_get_and_post(house: House) -> None:
    await house.put(patient("p"))
    await house.put(observation("o", "p"))
    answer = await post(
        house,
        "batch",
        entry("GET", "Patient/p/$everything?_type=Observation"),
        entry("POST", "Observation/$lastn", parameters(patient="Patient/p", code="8302-2")),
        entry("POST", "Patient/p/$meta-add", TAG),
        entry("GET", "Patient/none/$everything"),
        entry("GET", "Patient/$nothing"),
        entry("GET", "Observation/$lastn"),
        entry("POST", "Patient/p/$purge"),
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["entry"]
    assert [e["response"]["status"] for e in found] == [
        "200", "200", "200", "404", "404", "400", "403",
    ]  # fmt: skip
    assert found[0]["resource"]["entry"][0]["resource"]["id"] == "o"
    assert found[1]["resource"]["entry"][0]["resource"]["id"] == "o"
    assert found[4]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert (await house.http.get("Patient/p")).json()["meta"]["tag"][0]["code"] == "x"


async def test_a_transaction_calls_those_that_only_read_after_its_writes(house: House) -> None:
    answer = await post(
        house,
        "transaction",
        entry("GET", "Patient/p/$everything"),
        entry("PUT", "Patient/p", patient("p")),
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"][0]["resource"]["entry"][0]["resource"]["id"] == "p"
    refused = await post(
        house,
        "transaction",
        entry("POST", "Patient/p/$meta-add", TAG),
        entry("PUT", "Patient/q", patient("q")),
    )
    assert refused.json()["entry"][0]["response"]["status"] == "501"
    assert (await house.http.get("Patient/p")).headers["etag"] == 'W/"1"'


async def test_rights_and_audit_hold_inside_a_bundle(house: House) -> None:
    await house.put(patient("p"))
    before = len(await house.audit())
    async with house.client("system/Observation.rs") as client:
        answer = await client.post(
            "", content=bundle("batch", entry("GET", "Patient/p/$everything"))
        )
    assert answer.json()["entry"][0]["response"]["status"] == "403"
    records = (await house.audit())[before:]
    assert sorted(r.interaction for r in records) == ["$everything", "batch"]
