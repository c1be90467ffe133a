"""A file whose securityContext is a patient belongs to that patient's record: who sees it, what
Consents, `$everything` and `$purge` make of it."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from tests.consent_house import actor, consent
from tests.fhir_house import TENANT, House, ids, patient

pytestmark = pytest.mark.anyio


def binary(id: str, of: str = "") -> dict[str, Any]:
    context = {"securityContext": {"reference": f"Patient/{of}"}} if of else {}
    return {"resourceType": "Binary", "id": id, "contentType": "text/plain", "data": "eA==",
            **context}  # fmt: skip


async def filled(house: House) -> None:
    for record in (patient("p"), patient("q"), binary("p1", "p"), binary("q1", "q"), binary("n")):
        await house.put(record)
    await house.put({
        "resourceType": "DocumentReference", "id": "d", "status": "current",
        "subject": {"reference": "Patient/p"},
        "content": [{"attachment": {"url": f"Binary/{id}"}} for id in ("p1", "q1", "n")],
    })  # fmt: skip


async def test_it_is_found_by_its_patient(house: House) -> None:
    await filled(house)
    assert ids(await house.http.get("Binary?patient=p")) == ["Binary/p1"]
    assert ids(await house.http.get("Patient/p/Binary")) == ["Binary/p1"]


async def test_an_app_of_a_patient_sees_that_patients_alone(house: House) -> None:
    await filled(house)
    async with house.client("patient/*.rs", patient="p") as app:
        answers = {id: (await app.get(f"Binary/{id}")).status_code for id in ("p1", "q1", "n")}
    assert (answers["p1"], answers["q1"], answers["n"]) == (200, 404, 404)


async def test_who_treats_a_patient_sees_the_files_of_that_patient(house: House) -> None:
    await filled(house)
    await house.put({
        "resourceType": "CareTeam", "id": "t", "status": "active",
        "subject": {"reference": "Patient/p"},
        "participant": [{"member": {"reference": "Practitioner/d"}}],
    })  # fmt: skip
    who = Caller(TENANT, "Practitioner/d", "D", parse_scopes("user/*.cruds"), None,
                 frozenset({"treating-physician"}))  # fmt: skip
    async with house.client_of(who) as treats:
        assert [(await treats.get(f"Binary/{id}")).status_code for id in ("p1", "q1")] == [200, 404]


async def test_what_a_patient_denies_is_denied_of_the_files_too(house: House) -> None:
    await filled(house)
    denied = {"type": "deny", "actor": [actor("Practitioner/e")]}
    await house.put(consent("c", "p", denied))
    who = Caller(TENANT, "Practitioner/e", "E", parse_scopes("user/*.cruds"), None,
                 frozenset({"physician"}))  # fmt: skip
    async with house.client_of(who) as other:
        assert [(await other.get(f"Binary/{id}")).status_code for id in ("p1", "q1")] == [404, 200]


async def test_everything_has_it_once(house: House) -> None:
    await filled(house)
    answer = await house.http.get("Patient/p/$everything")
    found = ids(answer) + ids(answer, "include")
    assert [id for id in found if id.startswith("Binary")] == ["Binary/p1", "Binary/n"]


async def test_it_goes_with_the_record(house: House) -> None:
    await filled(house)
    async with house.client("system/*.cruds system/Patient.purge") as client:
        told = (await client.post("Patient/p/$purge")).json()["parameter"]
    left = {p["valueReference"]["reference"] for p in told if "valueReference" in p}
    assert "Binary/p1" not in left
    assert (await house.http.get("Binary/p1")).status_code == 404
    assert (await house.http.get("Binary/n")).status_code == 200
