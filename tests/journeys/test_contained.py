"""Contained resources: found by what they say, shown in their container or alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careplane.records import contained
from tests.fhir_house import BASE, House, ids, patient

pytestmark = pytest.mark.anyio


def medication(id: str, code: str, **more: Any) -> dict[str, Any]:
    coding = {"system": "http://e/codes", "code": code, "display": f"Drug {code}"}
    return {"resourceType": "Medication", "id": id, "code": {"coding": [coding]}, **more}


def request(id: str, of: str, *inside: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        **({"contained": list(inside)} if inside else {}),
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "medicationReference": {"reference": "#m" if inside else "Medication/x"},
        **({"supportingInformation": [{"reference": "#n"}]} if len(inside) > 1 else {}),
    }


async def filled(house: House) -> None:
    for resource in (
        patient("a"),
        patient("b"),
        medication("x", "1"),
        request("plain", "a"),
        request("one", "a", medication("m", "1")),
        request("two", "b", medication("m", "2"), medication("n", "1", status="active")),
    ):
        await house.put(resource)


async def found(client: httpx.AsyncClient, query: str, path: str = "Medication") -> list[str]:
    answer = await client.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return ids(answer)


def addresses(answer: httpx.Response) -> list[str]:
    found = [entry["fullUrl"] for entry in answer.json().get("entry", ())]
    return [url.removeprefix(f"{BASE}/") for url in found]


async def test_who_contains_it_is_found(house: House) -> None:
    await filled(house)
    http = house.http
    assert await found(http, "code=1") == ["Medication/x"]
    assert await found(http, "code=1&_contained=false") == ["Medication/x"]
    one, two = "MedicationRequest/one", "MedicationRequest/two"
    assert await found(http, "code=1&_contained=true") == [one, two]
    assert await found(http, "code=2&_contained=true") == [two]
    assert await found(http, "code=1&status=active&_contained=true") == [two]
    assert await found(http, "code=2&status=active&_contained=true") == []
    assert await found(http, "code:not=1&_contained=true") == [two]
    assert await found(http, "code:text=drug&_contained=true&_sort=-_id") == [two, one]
    assert await found(http, "_id=n&_contained=true") == [two]
    assert await found(http, "_contained=true", "Coverage") == []
    assert await found(http, "code=1&_contained=both") == ["Medication/x", one, two]
    assert await found(http, "code=2&_contained=both") == [two]
    assert await found(http, "_type=Medication,Group&_contained=true", "") == [one, two]


async def test_it_is_shown_alone(house: House) -> None:
    await filled(house)
    answer = await house.http.get("Medication?code=1&_contained=both&_containedType=contained")
    assert sorted(addresses(answer)) == [
        "Medication/x", "MedicationRequest/one#m", "MedicationRequest/two#n",
    ]  # fmt: skip
    bundle = answer.json()
    assert bundle["total"] == 3
    assert {entry["search"]["mode"] for entry in bundle["entry"]} == {"match"}
    shown = [entry["resource"] for entry in bundle["entry"] if "#n" in entry["fullUrl"]]
    assert shown == [medication("n", "1", status="active")]
    (self,) = [link["url"] for link in bundle["link"] if link["relation"] == "self"]
    assert "_contained=both" in self
    assert "_containedType=contained" in self
    answer = await house.http.get(
        "Medication?code=2&_contained=true&_containedType=contained&_elements=code"
    )
    assert addresses(answer) == ["MedicationRequest/two#m"]
    assert answer.json()["entry"][0]["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_pages_have_all_of_them_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "MOST_LOOKED", 3)
    for n in range(20):
        await house.put(request(f"r{n:02}", "p", medication("m", "1" if n % 7 == 6 else "2")))
    seen, url, pages = [], "Medication?code=1&_contained=true&_count=1", 0
    while url:
        answer = await house.http.get(url)
        seen += ids(answer)
        assert "total" not in answer.json()
        url = next((x["url"] for x in answer.json()["link"] if x["relation"] == "next"), "")
        pages += 1
    assert seen == ["MedicationRequest/r06", "MedicationRequest/r13"]
    assert pages == 8


async def test_what_is_changed_or_gone(house: House) -> None:
    await filled(house)
    await house.put(request("one", "a", medication("m", "3")))
    await house.http.delete("MedicationRequest/two")
    assert await found(house.http, "code=1,2&_contained=true") == []
    assert await found(house.http, "code=3&_contained=true") == ["MedicationRequest/one"]
    await house.put(request("one", "a"))
    assert await found(house.http, "_contained=true") == []


async def test_a_caller_finds_what_is_in_what_it_may_see(house: House) -> None:
    await filled(house)
    async with house.client("patient/*.rs", patient="a") as mine:
        assert await found(mine, "code=1&_contained=true") == ["MedicationRequest/one"]
        alone = "code=2&_contained=both&_containedType=contained"
        assert await found(mine, alone) == []
    async with house.client("system/Medication.rs") as others:
        assert await found(others, "code=1&_contained=both") == ["Medication/x"]
    path = "Patient/b/Medication"
    assert await found(house.http, "code=1&_contained=true", path) == ["MedicationRequest/two"]
    asked = "Patient/b/Medication?code=1&_contained=true"
    (record,) = [r for r in await house.audit() if r.query == asked]
    assert [(type, id) for type, id, _ in record.versions] == [("MedicationRequest", "two")]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("_contained=some", 400, "false, true, both"),
        ("_contained=true&manufacturer.name=a", 501, "not followed"),
        ("_contained=true&_include=Medication:manufacturer", 501, "not possible"),
        ("_contained=true&_total=accurate", 501, "not counted"),
    ],
)
async def test_what_is_refused(house: House, query: str, status: int, says: str) -> None:
    answer = await house.http.get(f"Medication?{query}")
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
