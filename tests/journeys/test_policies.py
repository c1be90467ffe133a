"""Policies against an oracle: whatever they are, what leaves is a filter over all rows.

Cedar's own engine decides record by record (`tests/policy_house`); the server is asked by every way
to data. Random policies, callers, purposes and scopes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from careplane.kernel.clock import system_clock
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import House, bundle, entry, ids, link, open_house
from tests.policy_house import RECORDS, TYPES, Case, cases, patients_of

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
async def test_memory_answers_with_a_filter_over_all_rows(filled: Store, case: Case) -> None:
    await _check(filled, case)


@settings(_DRAWN, max_examples=25)
@given(cases)
@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
async def test_sqlite_answers_with_a_filter_over_all_rows(filled: Store, case: Case) -> None:
    await _check(filled, case)


@settings(_DRAWN, max_examples=4)
@given(cases)
@pytest.mark.parametrize("filled", ["postgres"], indirect=True)
async def test_postgres_answers_with_a_filter_over_all_rows(filled: Store, case: Case) -> None:
    await _check(filled, case)


async def _check(store: Store, case: Case) -> None:
    async with (
        open_house(store) as plain,
        open_house(store, policies=case.files()) as house,
        house.client_of(case.caller()) as http,
    ):
        read, found = case.allowed("read"), case.allowed("search")
        await _reads(http, read)
        await _batch(http, read)
        await _searches(http, found)
        await _looking_around(http, found)
        await _histories(http, found)
        await _everything(http, read, found)
        await _graphql(http, found)
        await _writes(plain, http, case)


async def _pages(http: httpx.AsyncClient, url: str, mode: str = "match") -> set[str]:
    """Every entry of all pages; nothing where the answer is a refusal."""
    found: list[str] = []
    following: str | None = url
    while following is not None:
        answer = await http.get(following)
        if answer.status_code == 403:
            return set()
        assert answer.status_code == 200, answer.text
        found += ids(answer, mode)
        following = link(answer, "next")
    assert mode == "include" or len(found) == len(set(found))
    return set(found)


def _of(keys: set[str], type: str) -> set[str]:
    return {key for key in keys if key.startswith(f"{type}/")}


def _about(key: str) -> str:
    return str(RECORDS[key]["subject"]["reference"])


async def _reads(http: httpx.AsyncClient, allowed: set[str]) -> None:
    for key in RECORDS:
        for address in (key, f"{key}/_history/1", f"{key}/_history"):
            answer = await http.get(address)
            assert (answer.status_code == 200) == (key in allowed), address
            if key not in allowed:  # as if it were not there
                absent = await http.get(address.replace(key, f"{key.split('/')[0]}/absent"))
                assert (answer.status_code, answer.json()) == (absent.status_code, absent.json())


async def _batch(http: httpx.AsyncClient, allowed: set[str]) -> None:
    answer = await http.post("", content=bundle("batch", *(entry("GET", key) for key in RECORDS)))
    statuses = [one["response"]["status"] for one in answer.json()["entry"]]
    shown = {key for key, status in zip(RECORDS, statuses, strict=True) if status == "200"}
    assert shown == allowed


async def _searches(http: httpx.AsyncClient, allowed: set[str]) -> None:
    for type in TYPES:
        wanted = _of(allowed, type)
        assert await _pages(http, f"{type}?_count=2&_sort=-_id") == wanted
        counted = await http.get(f"{type}?_summary=count")
        assert (counted.json().get("total") or 0) == len(wanted)
    assert await _pages(http, "?_count=4") == allowed


async def _looking_around(http: httpx.AsyncClient, allowed: set[str]) -> None:
    patients, observations = _of(allowed, "Patient"), _of(allowed, "Observation")
    mine = {key for key in observations if _about(key) in patients}
    named = {_about(key) for key in observations}
    assert await _pages(http, "Observation?subject:Patient.name=quinn") == mine
    assert await _pages(http, "Patient?_has:Observation:subject:code=8302-2") == named & patients
    include = "Observation?_include=Observation:subject"
    assert await _pages(http, include, "include") == named & patients
    backwards = "Patient?_revinclude=Observation:subject"
    assert await _pages(http, backwards, "include") == mine
    assert await _pages(http, "Patient?gender:missing=true") == patients


async def _histories(http: httpx.AsyncClient, allowed: set[str]) -> None:
    for type in ("", *TYPES):
        url = f"{type}/_history" if type else "_history"
        shown = await _told(http, f"{url}?_count=1000") & RECORDS.keys()
        assert shown == (_of(allowed, type) if type else allowed), url


async def _told(http: httpx.AsyncClient, url: str | None) -> set[str]:
    """What a history shows versions of; nothing where the answer is a refusal."""
    found: set[str] = set()
    while url is not None:
        answer = await http.get(url)
        if answer.status_code == 403:
            return set()
        entries: list[Any] = answer.json().get("entry", [])
        resources = [e["resource"] for e in entries if "resource" in e]  # others are deletions
        found |= {f"{r['resourceType']}/{r['id']}" for r in resources}
        url = link(answer, "next")
    return found


async def _everything(http: httpx.AsyncClient, read: set[str], found: set[str]) -> None:
    for key in _of(set(RECORDS), "Patient"):
        answer = await http.get(f"{key}/$everything?_count=100")
        if key not in read:
            assert answer.status_code in (403, 404)
            continue
        inside = {one for one in found if key[8:] in patients_of(RECORDS[one])}
        assert set(ids(answer)) == inside | {key}
        assert set(ids(answer, "include")) <= found


async def _graphql(http: httpx.AsyncClient, allowed: set[str]) -> None:
    query = {"query": "{ ObservationList(_count: 100) { id } }"}
    headers = {"content-type": "application/json"}
    answer = await http.post("$graphql", json=query, headers=headers)
    listed = (answer.json().get("data") or {}).get("ObservationList") or []
    assert {f"Observation/{one['id']}" for one in listed} == _of(allowed, "Observation")


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
