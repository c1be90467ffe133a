"""`$everything` page by page (FHIR R4, Patient-everything and Encounter-everything)."""

from __future__ import annotations

import asyncio

import pytest

from tests.fhir_house import House, ids, link, observation, patient

pytestmark = pytest.mark.anyio


async def pages(house: House, address: str) -> list[list[str]]:
    """What each page shows, until there is no next."""
    found = []
    page = await house.http.get(address)
    while True:
        assert page.status_code == 200, page.text
        found.append(ids(page) + ids(page, "include"))
        url = link(page, "next")
        if url is None:
            return found
        page = await house.http.get(url)


async def fill(house: House) -> None:
    await house.put({"resourceType": "Organization", "id": "org", "name": "Clinic"})
    await house.put({"resourceType": "Practitioner", "id": "dr", "active": True})
    role = {"resourceType": "PractitionerRole", "id": "role"}
    await house.put({**role, "practitioner": {"reference": "Practitioner/dr"}})
    await house.put(patient("p", managingOrganization={"reference": "Organization/org"}))
    await house.put(patient("q"))
    await house.put(observation("other", "q"))
    for n in range(6):
        by = [{"reference": "PractitionerRole/role"}] if n % 3 == 2 else []
        more = {"performer": by} if by else {}
        await house.put(observation(f"o{n}", "p", effectiveDateTime=f"202{n}-03-01", **more))


async def test_what_is_around_comes_once_and_its_own_surroundings_too(house: House) -> None:
    await fill(house)
    found = await pages(house, "Patient/p/$everything?_count=2")
    flat = [key for page in found for key in page]
    assert len(flat) == len(set(flat))
    around = {"Organization/org", "Practitioner/dr", "PractitionerRole/role"}
    assert set(flat) == {"Patient/p", *(f"Observation/o{n}" for n in range(6)), *around}
    assert all(found)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("Practitioner", {"Practitioner/dr"}),
        ("Patient,Organization", {"Patient/p", "Organization/org"}),
        ("Medication", set()),
    ],
)
async def test_types_outside_of_the_compartment_are_found_without_empty_pages(
    house: House, types: str, expected: set[str]
) -> None:
    await fill(house)
    found = await pages(house, f"Patient/p/$everything?_count=1&_type={types}")
    assert {key for page in found for key in page} == expected
    assert all(found) or not expected


async def test_since_finds_what_changed_and_what_changed_around_it(house: House) -> None:
    await fill(house)
    await asyncio.sleep(0.01)  # another millisecond than that of what was there before
    changed = await house.put({"resourceType": "Practitioner", "id": "dr", "active": False})
    since = changed.json()["meta"]["lastUpdated"]
    await house.put(observation("o4", "p", effectiveDateTime="2024-04-01"))
    found = await pages(house, f"Patient/p/$everything?_count=1&_since={since}")
    assert sorted(key for page in found for key in page) == ["Observation/o4", "Practitioner/dr"]
    assert all(found)


async def test_dates_of_care_bound_it_and_what_has_none_stays(house: House) -> None:
    await fill(house)
    found = await pages(house, "Patient/p/$everything?start=2022&end=2023-12-31&_type=Observation")
    assert found == [["Observation/o2", "Observation/o3"]]


async def test_of_all_patients_that_the_caller_may_search(house: House) -> None:
    await fill(house)
    await house.put({"resourceType": "Observation", "id": "nobody", "status": "final",
                     "code": {"text": "x"}})  # fmt: skip
    found = await pages(house, "Patient/$everything?_count=3")
    flat = {key for page in found for key in page}
    assert {"Patient/p", "Patient/q", "Observation/other", "Observation/o5"} <= flat
    assert "Practitioner/dr" in flat
    assert "Observation/nobody" not in flat
    async with house.client("patient/*.rs", patient="q") as client:
        answer = await client.get("Patient/$everything")
        assert set(ids(answer)) == {"Patient/q", "Observation/other"}
    async with house.client("system/Observation.rs") as client:
        assert (await client.get("Patient/$everything")).status_code == 403


async def test_a_page_link_belongs_to_its_address_and_cannot_be_altered(house: House) -> None:
    await fill(house)
    url = link(await house.http.get("Patient/p/$everything?_count=1"), "next")
    assert url is not None
    assert (await house.http.get(url.replace("/p/", "/q/"))).status_code == 400
    assert (await house.http.get(url[:-4] + "AAAA")).status_code == 400


async def test_an_attachment_brings_its_binary(house: House) -> None:
    await house.put(patient("p"))
    await house.put({"resourceType": "Binary", "id": "b", "contentType": "text/plain"})
    await house.put({
        "resourceType": "DocumentReference", "id": "d", "status": "current",
        "subject": {"reference": "Patient/p"}, "content": [{"attachment": {"url": "Binary/b"}}],
    })  # fmt: skip
    answer = await house.http.get("Patient/p/$everything")
    assert ids(answer, "include") == ["Binary/b"]
