"""`MedicationRequest/$check` in the whole application: what stands against a prescription."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app import keys
from careplane.app.build import TENANT, build
from careplane.app.settings import Settings
from tests.fhir_house import patient
from tests.prescribing_house import DOCTOR, allergy, drug, order

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_program_is_told_what_the_pages_tell(tmp_path: Path) -> None:
    keys.create(tmp_path / "data")
    here = build(Settings(data=tmp_path / "data", ledger=False))
    everything = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
    transport = httpx.ASGITransport(here.asgi)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost/fhir/"
        ) as http:
            http.headers["content-type"] = "application/fhir+json"
            http.headers["authorization"] = f"Bearer {here.tokens.issue(everything, 600)}"
            for one in (patient("p"), allergy("pen", "Allergy to penicillin"),
                        order("w", drug("Warfarin 5 MG"))):  # fmt: skip
                put = await http.put(f"{one['resourceType']}/{one['id']}", json=one)
                assert put.status_code == 201, put.text
            http.headers["authorization"] = f"Bearer {here.tokens.issue(DOCTOR, 600)}"

            async def check(tree: Any) -> httpx.Response:
                return await http.post("MedicationRequest/$check", json=tree)

            asked = order("new", drug("Amoxicillin 500 MG"))
            (entry,) = (await check(asked)).json()["entry"]
            issue = entry["resource"]
            assert issue["code"]["coding"][0]["code"] == "ALGY"
            assert issue["severity"] == "high"
            assert (await check(order("w", drug("Warfarin 5 MG")))).json().get("entry", []) == []
            assert (await http.get("MedicationRequest/new")).status_code == 404
            nothing = {k: v for k, v in asked.items() if not k.startswith("medication")}
            for bad in (patient("p"), {**asked, "subject": {"display": "Ada"}}, nothing):
                answer = await check(bad)
                assert answer.status_code == 400, answer.text
                assert answer.json()["resourceType"] == "OperationOutcome"
    finally:
        await here.close()
