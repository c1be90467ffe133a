"""Batch and transaction (FHIR R4, 3.1.0.11)."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.fhir_house import House, bundle, entry, ids, observation, patient

pytestmark = pytest.mark.anyio

URN = "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9"
OTHER = "urn:uuid:05efabf0-4be2-4561-91ce-51548425acba"
SYSTEM = "http://example.org/mrn"


async def send(house: House, type: str, *entries: Any, **headers: str) -> httpx.Response:
    return await house.http.post("", content=bundle(type, *entries), headers=headers)


def new(resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {k: v for k, v in resource.items() if k != "id"}
    return entry("POST", resource["resourceType"], body, **more)


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [e["response"]["status"] for e in answer.json()["entry"]]


async def test_references_are_rewritten_wherever_they_stand(house: House) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">who</a></div>'
    watched = observation("x", "x", subject={"reference": URN})
    watched["text"] = {"status": "generated", "div": div}
    watched["focus"] = [{"reference": URN}, {"identifier": {"value": URN}}]
    answer = await send(
        house, "transaction", new(watched, fullUrl=OTHER), new(patient("x"), fullUrl=URN)
    )
    assert statuses(answer) == ["201", "201"]
    (stored,) = [e["resource"] for e in (await house.http.get("Observation")).json()["entry"]]
    place = answer.json()["entry"][1]["response"]["location"].split("/_history")[0]
    assert stored["subject"]["reference"] == place
    assert f'href="{place}"' in stored["text"]["div"]
    assert stored["focus"][0]["reference"] == place
    assert stored["focus"][1]["identifier"]["value"] == URN
    assert ids(await house.http.get(f"Observation?subject={place}"))


async def test_restful_full_urls_of_new_resources_are_rewritten(house: House) -> None:
    answer = await send(
        house,
        "transaction",
        new(patient("x"), fullUrl="http://elsewhere.test/fhir/Patient/123"),
        new(observation("x", "123")),
        new(observation("x", "1", subject={"reference": "http://elsewhere.test/fhir/Patient/123"})),
    )
    place = answer.json()["entry"][0]["response"]["location"].split("/_history")[0]
    found = (await house.http.get("Observation")).json()["entry"]
    assert {e["resource"]["subject"]["reference"] for e in found} == {place}


async def test_conditional_references_meet_what_is_stored_and_what_is_new(house: House) -> None:
    identified = patient("p", identifier=[{"system": SYSTEM, "value": "1"}])
    await house.put(identified)
    by = {"reference": f"Patient?identifier={SYSTEM}|1"}
    assert statuses(await send(house, "transaction", new(observation("x", "", subject=by)))) == [
        "201"
    ]
    assert len(ids(await house.http.get("Observation?subject=Patient/p"))) == 1
    fresh = patient("q", identifier=[{"system": SYSTEM, "value": "2"}])
    by = {"reference": f"Patient?identifier={SYSTEM}|2"}
    answer = await send(
        house,
        "transaction",
        new(observation("x", "", subject=by)),
        entry("PUT", "Patient/q", fresh),
    )
    assert statuses(answer) == ["201", "201"]
    assert len(ids(await house.http.get("Observation?subject=Patient/q"))) == 1


@pytest.mark.parametrize(
    ("entries", "status", "where"),
    [
        ([entry("POST", "Patient", {"resourceType": "Patient", "color": 1})],
         400, "Bundle.entry[1].resource.color"),
        ([entry("PUT", "Patient/a", {"resourceType": "Patient"})],
         400, "Bundle.entry[1].resource.id"),
        ([entry("PUT", "Patient/a", patient("a"), ifMatch='W/"3"')], 412, "Bundle.entry[1]"),
        ([entry("PUT", "Patient/a", patient("a")), entry("DELETE", "Patient/a")],
         400, "Bundle.entry[2]"),
        ([entry("POST", "Observation",
                observation("x", "", subject={"reference": "Patient?identifier=none|none"}))],
         412, "Bundle.entry[1]"),
        ([entry("PATCH", "Patient/a", {"resourceType": "Binary", "contentType": "text/plain"})],
         415, "Bundle.entry[1]"),
        ([entry("BREW", "Patient")], 400, "Bundle.entry[1].request.method"),
        ([entry("POST", "Nothing", patient("x"))], 404, "Bundle.entry[1]"),
        ([{"resource": patient("x")}], 400, "Bundle.entry[1].request"),
    ],
)  # fmt: skip
async def test_a_transaction_that_fails_leaves_nothing(
    house: House, entries: list[Any], status: int, where: str
) -> None:
    answer = await send(house, "transaction", new(patient("good")), *entries)
    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0]["expression"] == [where]
    assert await house.stored() == 0


async def test_the_kinds_are_processed_in_the_order_of_the_standard(house: House) -> None:
    await house.put(patient("old", identifier=[{"system": SYSTEM, "value": "1"}]))
    answer = await send(
        house,
        "transaction",
        entry("GET", f"Patient?identifier={SYSTEM}|1"),
        new(
            patient("x", identifier=[{"system": SYSTEM, "value": "1"}]),
            ifNoneExist=f"identifier={SYSTEM}|1",
        ),
        entry("DELETE", "Patient/old"),
    )
    assert statuses(answer) == ["200", "201", "204"]
    assert answer.json()["entry"][0]["resource"]["total"] == 1


async def test_conditional_entries(house: House) -> None:
    criteria = f"identifier={SYSTEM}|1"
    body = patient("x", identifier=[{"system": SYSTEM, "value": "1"}])
    twice = await send(
        house,
        "transaction",
        new(body, ifNoneExist=criteria, fullUrl=URN),
        new(body, ifNoneExist=criteria, fullUrl=OTHER),
        new(observation("x", "", subject={"reference": OTHER})),
    )
    assert statuses(twice) == ["201", "200", "201"]
    assert len(ids(await house.http.get(f"Patient?{criteria}"))) == 1
    again = await send(house, "transaction", new(body, ifNoneExist=criteria))
    assert statuses(again) == ["200"]
    updated = {**{k: v for k, v in body.items() if k != "id"}, "gender": "other"}
    done = await send(house, "transaction", entry("PUT", f"Patient?{criteria}", updated))
    assert statuses(done) == ["200"]
    patch = base64.b64encode(b'[{"op":"add","path":"/active","value":true}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json"}
    done = await send(
        house, "transaction", entry("PATCH", f"Patient?{criteria}", {**binary, "data": patch})
    )
    assert statuses(done) == ["200"]
    (found,) = (await house.http.get(f"Patient?{criteria}")).json()["entry"]
    assert (found["resource"]["gender"], found["resource"]["active"]) == ("other", True)
    gone = await send(house, "transaction", entry("DELETE", f"Patient?{criteria}"))
    assert statuses(gone) == ["204"]


async def test_a_batch_does_what_it_can(house: House) -> None:
    await house.put(patient("p"))
    answer = await send(
        house,
        "batch",
        entry("GET", "Patient/p"),
        entry("GET", "Patient/nobody"),
        new({"resourceType": "Patient", "id": "x", "color": "red"}),
        new(patient("x")),
        entry("GET", "Patient/p/$everything"),
        entry("PUT", "Patient/p", patient("p", active=True), ifMatch='W/"9"'),
    )
    assert statuses(answer) == ["200", "404", "400", "201", "200", "412"]
    assert answer.json()["type"] == "batch-response"
    assert answer.json()["entry"][2]["response"]["outcome"]["issue"][0]["expression"]
    assert await house.stored() == 2


async def test_preferences_hold_for_entries(house: House) -> None:
    answer = await send(
        house, "transaction", new(patient("x", active=True)), prefer="return=representation"
    )
    assert answer.json()["entry"][0]["resource"]["active"] is True
    answer = await send(house, "transaction", new(patient("x")), prefer="return=OperationOutcome")
    assert answer.json()["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"Bundle","type":"document"}',
        b'{"resourceType":"Bundle","type":"transaction","entry":{}}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[null]}',
    ],
)
async def test_what_is_no_bundle_to_process(house: House, body: bytes) -> None:
    answer = await house.http.post("", content=body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_an_empty_transaction_is_one(house: House) -> None:
    answer = await send(house, "transaction")
    assert answer.status_code == 200
    assert "entry" not in answer.json()
