"""`$diff`, `$graph` and `$document` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_house import BASE, House, observation, patient

pytestmark = pytest.mark.anyio


def steps(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Each operation of a patch as one dictionary."""
    found = []
    for operation in parameters.get("parameter", []):
        parts = {}
        for part in operation["part"]:
            parts[part["name"]] = next(v for k, v in part.items() if k != "name")
        found.append(parts)
    return found


async def test_diff_of_two_versions_is_a_patch_from_one_to_the_other(house: House) -> None:
    first = patient("p", gender="male", name=[{"family": "A", "given": ["B", "C"]}])
    await house.put(first)
    contact = [{"name": {"text": "Kin"}, "telecom": [{"system": "phone", "value": "1"}]}]
    second = patient("p", birthDate="1970", contact=contact, name=[{"family": "Z", "given": ["C"]}])
    await house.put(second)
    answer = await house.http.get("Patient/p/$diff")
    assert answer.status_code == 200
    assert {"type": "delete", "path": "Patient.gender"} in steps(answer.json())
    changed = {"type": "replace", "path": "Patient.name[0].family", "previousValue": "A",
               "value": "Z"}  # fmt: skip
    assert changed in steps(answer.json())
    await house.put(first)
    again = await house.http.patch("Patient/p", json=answer.json())
    assert again.status_code == 200, again.text
    assert {k: v for k, v in again.json().items() if k != "meta"} == second
    back = await house.http.get("Patient/p/$diff?fromVersion=1")
    assert steps(back.json()) == steps(answer.json())
    pair = "$diff?from=Patient/p/_history/1&to=Patient/p/_history/3&includeMeta=false"
    assert steps((await house.http.get(pair)).json()) == []


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("Patient/p/$diff", 404),
        ("Patient/p/$diff?fromVersion=9", 404),
        ("Patient/p/$diff?fromVersion=x", 400),
        ("Patient/nobody/$diff", 404),
        ("$diff?from=Patient/p", 400),
        ("$diff?from=Patient/p&to=p", 400),
        ("$diff?from=Patient/p&to=Observation/o", 400),
        ("Patient/p/$diff?from=Patient/p", 400),
    ],
)
async def test_diff_says_what_is_wrong(house: House, address: str, status: int) -> None:
    await house.put(patient("p"))
    await house.put(observation("o", "p"))
    answer = await house.http.get(address)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_diff_needs_rights_to_both(house: House) -> None:
    await house.put(patient("p"))
    await house.put(patient("q"))
    async with house.client("patient/Patient.r", patient="p") as client:
        assert (await client.get("$diff?from=Patient/p&to=Patient/q")).status_code == 404


GRAPH = {
    "resourceType": "GraphDefinition", "id": "g", "url": "http://example.org/g", "name": "G",
    "status": "active", "start": "Encounter",
    "link": [
        {"path": "Encounter.subject", "target": [{"type": "Patient", "link": [
            {"path": "Patient.generalPractitioner", "target": [{"type": "Practitioner"}]}]}]},
        {"max": "2", "target": [{"type": "Observation", "params": "encounter={ref}"}]},
    ],
}  # fmt: skip


async def clinic(house: House) -> None:
    await house.put(GRAPH)
    await house.put({"resourceType": "Practitioner", "id": "dr"})
    await house.put(patient("p", generalPractitioner=[{"reference": "Practitioner/dr"}]))
    await house.put({
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
    })  # fmt: skip
    for n in range(3):
        about = {"reference": "Encounter/e"}
        await house.put(observation(f"o{n}", "p", code="718-7", encounter=about))


def held(answer: Any) -> list[str]:
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in answer.json()["entry"]
    ]


@pytest.mark.parametrize("name", ["http://example.org/g", "GraphDefinition/g"])
async def test_graph_follows_paths_and_searches(house: House, name: str) -> None:
    await clinic(house)
    answer = await house.http.get(f"Encounter/e/$graph?graph={name}")
    assert answer.json()["type"] == "collection"
    assert held(answer) == [
        "Encounter/e", "Patient/p", "Practitioner/dr", "Observation/o0", "Observation/o1",
    ]  # fmt: skip
    async with house.client("system/Encounter.r system/GraphDefinition.rs") as client:
        assert held(await client.get(f"Encounter/e/$graph?graph={name}")) == ["Encounter/e"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("Encounter/e/$graph", 400),
        ("Encounter/e/$graph?graph=http://example.org/none", 404),
        ("Patient/p/$graph?graph=http://example.org/g", 400),
        ("Encounter/none/$graph?graph=http://example.org/g", 404),
    ],
)
async def test_graph_says_what_is_wrong(house: House, address: str, status: int) -> None:
    await clinic(house)
    assert (await house.http.get(address)).status_code == status


COMPOSITION = {
    "resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "Summary"},
    "subject": {"reference": "Patient/p"}, "date": "2024-01-01", "title": "Summary",
    "author": [{"reference": "Practitioner/dr"}],
    "custodian": {"reference": f"{BASE}/Organization/org"},
    "section": [{"title": "Vitals", "entry": [{"reference": "Observation/o0"}]}],
}  # fmt: skip


async def test_a_document_is_whole_valid_and_stored_where_wished(house: House) -> None:
    await clinic(house)
    await house.put(COMPOSITION)
    refused = await house.http.get("Composition/c/$document")
    assert refused.status_code == 409
    await house.put({"resourceType": "Organization", "id": "org", "name": "Clinic"})
    answer = await house.http.get("Composition/c/$document")
    expected = ["Composition/c", "Patient/p", "Practitioner/dr", "Organization/org",
                "Observation/o0"]  # fmt: skip
    assert held(answer) == expected
    checked = await house.http.post("Bundle/$validate", json=answer.json())
    assert [i for i in checked.json()["issue"] if i["severity"] == "error"] == []
    same = await house.http.get("Composition/$document?id=c&persist=true")
    stored = await house.http.get(same.headers["location"])
    assert held(stored) == expected
    assert stored.json()["id"] == same.json()["id"]
    assert (await house.http.get("Composition/c/$document?id=c")).status_code == 400
