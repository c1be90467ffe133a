"""`Prefer: respond-async` over HTTP: accepted, looked at, cancelled (FHIR R4, async.html)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.fhir_house import House, bundle, entry, observation, patient

pytestmark = pytest.mark.anyio
ASYNC = {"prefer": "respond-async"}


async def taken(http: httpx.AsyncClient, accepted: httpx.Response) -> httpx.Response:
    """The answer at the status address, once it is there."""
    assert accepted.status_code == 202, accepted.text
    assert accepted.json()["resourceType"] == "OperationOutcome"
    for _ in range(200):
        answer = await http.get(accepted.headers["content-location"])
        if answer.status_code != 202:
            return answer
        assert answer.headers["x-progress"].startswith("running for")
        assert answer.headers["retry-after"] == "1"
        await asyncio.sleep(0.01)
    raise AssertionError(answer.text)


def inside(answer: httpx.Response) -> dict[str, Any]:
    found = answer.json()
    assert answer.status_code == 200
    assert (found["resourceType"], found["type"]) == ("Bundle", "batch-response")
    (only,) = found["entry"]
    return dict(only)


async def test_a_search_an_operation_and_a_transaction(house: House) -> None:
    await house.put(patient("p"))
    await house.put(observation("o", "p"))
    for address in ("Patient?_id=p", "Patient/p/$everything", "Patient/_history"):
        answer = await taken(house.http, await house.http.get(address, headers=ASYNC))
        assert inside(answer)["response"]["status"] == "200"
        assert inside(answer)["resource"]["resourceType"] == "Bundle"
        assert "expires" in answer.headers
    body = bundle("transaction", entry("PUT", "Patient/new", patient("new")))
    answer = await taken(house.http, await house.http.post("", content=body, headers=ASYNC))
    assert inside(answer)["resource"]["type"] == "transaction-response"
    assert (await house.http.get("Patient/new")).status_code == 200


async def test_an_error_is_the_answer_inside(house: House) -> None:
    accepted = await house.http.get("Patient/none/$everything", headers=ASYNC)
    only = inside(await taken(house.http, accepted))
    assert only["response"]["status"] == "404"
    assert only["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert "resource" not in only


async def test_what_is_short_is_answered_at_once(house: House) -> None:
    await house.put(patient("p"))
    assert (await house.http.get("Patient/p", headers=ASYNC)).status_code == 200
    assert (await house.http.get("Patient/p/$meta", headers=ASYNC)).status_code == 200
    assert (await house.http.get("Patient/$nothing", headers=ASYNC)).status_code == 404


async def test_nobody_else_knows_of_it(house: House) -> None:
    accepted = await house.http.get("Patient", headers=ASYNC)
    place = accepted.headers["content-location"]
    async with house.client("system/Patient.rs") as other:
        assert (await other.get(place)).status_code == 404
        assert (await other.delete(place)).status_code == 404
    assert (await house.http.get(place, headers={"authorization": ""})).status_code == 401
    assert (await house.http.get(place[:-4] + "zzzz")).status_code == 404
    assert (await house.http.post(place)).status_code == 405
    assert inside(await taken(house.http, accepted))["response"]["status"] == "200"


async def test_cancelled_it_is_gone(house: House) -> None:
    accepted = await house.http.get("Patient", headers=ASYNC)
    place = accepted.headers["content-location"]
    assert (await house.http.delete(place)).status_code == 202
    assert (await house.http.get(place)).status_code == 404
    assert (await house.http.delete(place)).status_code == 404


async def test_it_is_audited_as_any_request(house: House) -> None:
    async with house.client("system/Observation.rs") as other:
        accepted = await other.get("Patient", headers=ASYNC)
        assert inside(await taken(other, accepted))["response"]["status"] == "403"
    (record,) = [r for r in await house.audit() if r.interaction == "search-type"]
    assert record.detail == "Forbidden"
