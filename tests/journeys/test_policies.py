"""Policies and who writes: what may be changed and created is what Cedar's own engine says.

Random policies, callers, purposes and scopes (`tests/policy_house`). What leaves is the matter of
`tests/oracle`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from careplane.kernel.clock import system_clock
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import House, open_house
from tests.policy_house import RECORDS, Case, cases

pytestmark = pytest.mark.anyio


@pytest.fixture
async def filled(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with all records, of the engine that the test names."""
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            for record in RECORDS.values():
                await house.put(record)
        yield store
    finally:
        await store.close()


CHANGED = (
    "Patient/p0", "Patient/p3", "Observation/o0", "Observation/secret", "Observation/both",
    "Condition/c1", "Encounter/e2", "CareTeam/t1", "RelatedPerson/r", "Organization/org",
)  # fmt: skip

_DRAWN = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25
)


@_DRAWN
@given(cases)
@pytest.mark.parametrize("filled", ["memory"], indirect=True)
async def test_memory_lets_write_what_policies_permit(filled: Store, case: Case) -> None:
    await _check(filled, case)


@settings(_DRAWN, max_examples=25)
@given(cases)
@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
async def test_sqlite_lets_write_what_policies_permit(filled: Store, case: Case) -> None:
    await _check(filled, case)


@settings(_DRAWN, max_examples=4)
@given(cases)
@pytest.mark.parametrize("filled", ["postgres"], indirect=True)
async def test_postgres_lets_write_what_policies_permit(filled: Store, case: Case) -> None:
    await _check(filled, case)


async def _check(store: Store, case: Case) -> None:
    async with (
        open_house(store) as plain,
        open_house(store, policies=case.files()) as house,
        house.client_of(case.caller()) as http,
    ):
        await _writes(plain, http, case)


async def _writes(plain: House, http: httpx.AsyncClient, case: Case) -> None:
    allowed = case.allowed("update")
    for key in CHANGED:
        record = RECORDS[key]
        answer = await http.put(key, json={**record, "language": "de"})
        assert (answer.status_code == 200) == (key in allowed), (key, answer.text)
        if answer.status_code == 200:
            await plain.put(record)
        else:  # as if it were not there
            address = f"{record['resourceType']}/absent"
            absent = await http.put(address, json={**record, "id": "absent"})
            assert absent.status_code == 403
            assert (answer.status_code, answer.json()) == (403, absent.json())
    for key in ("Observation/o0", "Observation/o2", "Observation/draft", "Condition/c1"):
        record = {k: v for k, v in RECORDS[key].items() if k != "id"}
        fresh = {**record, "id": "new"}
        (verdict,) = case.by_policies("create", [fresh], new=True)
        answer = await http.post(record["resourceType"], json=record)
        may = verdict and case.by_scopes("create", fresh)
        assert (answer.status_code == 201) == may, (key, answer.text)
        if answer.status_code == 201:
            here = f"{record['resourceType']}/{answer.json()['id']}"
            assert (await plain.http.delete(here)).status_code in (200, 204)
