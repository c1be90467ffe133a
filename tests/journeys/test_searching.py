"""`_filter` and `near` over HTTP, over each engine."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.search.globe import great_circle
from tests.fhir_house import House, ids, link, observation, patient

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ('Patient?_filter=given eq "PETER"', {"p"}),
        ("Patient?_filter=given sw peter", {"p", "r"}),
        ("Patient?_filter=given co ete and not (given eq peter)", {"r"}),
        ("Patient?_filter=(given eq anna or given eq peter) and birthdate ge 1980", {"q"}),
        ("Observation?_filter=subject:Patient.given eq anna", {"of-q"}),
        ("Patient?_filter=_has:Observation:subject:code eq 8302-2", {"p", "q"}),
        ("Patient?_filter=gender pr false&_sort=_id", {"p", "q", "r"}),
    ],
)
async def test_a_filter_finds_what_it_says(house: House, address: str, expected: set[str]) -> None:
    for id, given, born in (("p", "Peter", 1970), ("q", "Anna", 1980), ("r", "Petera", 1990)):
        await house.put(patient(id, name=[{"given": [given]}], birthDate=str(born)))
    await house.put(observation("of-p", "p"))
    await house.put(observation("of-q", "q"))
    answer = await house.http.get(address)
    assert answer.status_code == 200, answer.text
    assert {key.partition("/")[2] for key in ids(answer)} == expected
    assert "_filter" in (link(answer, "self") or "")


async def test_a_filter_stays_within_rights(house: House) -> None:
    await house.put(patient("p", name=[{"family": "A"}]))
    await house.put(observation("o", "p"))
    async with house.client("system/Observation.rs") as client:
        answer = await client.get("Observation?_filter=subject:Patient.family eq a")
        assert ids(answer) == []


@pytest.mark.parametrize("text", ["name eq", "(" * 400, "name zz a", "name ew a"])
async def test_a_bad_filter_is_explained(house: House, text: str) -> None:
    answer = await house.http.get("Patient", params={"_filter": text})
    assert answer.status_code in (400, 413, 501)
    assert answer.json()["issue"][0]["diagnostics"]


def place(id: str, latitude: float, longitude: float) -> dict[str, Any]:
    position = {"latitude": latitude, "longitude": longitude}
    return {"resourceType": "Location", "id": id, "position": position}


async def test_near_is_a_circle_and_no_box(house: House) -> None:
    await house.put(place("here", 48.0, 11.0))
    await house.put(place("north", 48.4, 11.0))  # 44.5 km
    await house.put(place("corner", 48.35, 11.55))  # 56.5 km, and inside of the box of 50 km
    await house.put(place("dateline", 10.0, 179.9))
    await house.put({"resourceType": "Location", "id": "nowhere"})

    async def near(value: str) -> set[str]:
        answer = await house.http.get("Location", params={"near": value})
        assert answer.status_code == 200, answer.text
        return {key.partition("/")[2] for key in ids(answer)}

    assert 56 < great_circle(48.0, 11.0, 48.35, 11.55) < 57
    assert await near("48|11|50|km") == {"here", "north"}
    assert await near("48|11|57|km") == {"here", "north", "corner"}
    assert await near("48|11|27.7|[mi_i]") == {"here", "north"}
    assert await near("48|11|44000|m") == {"here"}
    assert await near("10|-179.9|30|km") == {"dateline"}
    assert await near("48|11|21000|km") == {"here", "north", "corner", "dateline"}
