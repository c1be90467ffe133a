"""Consents and policies against an oracle: what leaves is a filter over all rows.

The oracle of `tests/consent_house` decides record by record; the server is asked by every way to
data, on every engine. Random Consents, policies, callers, purposes and scopes, drawn together.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from careplane.access.consent.consents import House as Choices
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.search.match import Subject
from tests.consent_house import ALL, Consented, consented, subjects
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import House, bundle, entry, ids, open_house
from tests.journeys.test_policies import _pages, _told
from tests.policy_house import patients_of

pytestmark = pytest.mark.anyio

TYPES = tuple(dict.fromkeys([*(key.split("/")[0] for key in ALL), "Consent"]))


@pytest.fixture
async def filled(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with all records, of the engine that the test names."""
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            for record in ALL.values():
                await house.put(record)
        yield store
    finally:
        await store.close()


_DRAWN = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=40,
    phases=[Phase.generate],
)


@_DRAWN
@given(consented)
@pytest.mark.parametrize("filled", ["memory"], indirect=True)
async def test_memory_shows_what_patients_allow(filled: Store, drawn: Consented) -> None:
    await _check(filled, drawn)


@settings(_DRAWN, max_examples=25)
@given(consented)
@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
async def test_sqlite_shows_what_patients_allow(filled: Store, drawn: Consented) -> None:
    await _check(filled, drawn)


@settings(_DRAWN, max_examples=5)
@given(consented)
@pytest.mark.parametrize("filled", ["postgres"], indirect=True)
async def test_postgres_shows_what_patients_allow(filled: Store, drawn: Consented) -> None:
    await _check(filled, drawn)


async def _check(store: Store, drawn: Consented) -> None:
    choices = Choices(opt_in=frozenset({"HRESCH"}))
    async with (
        open_house(store, consents=False) as plain,
        open_house(store, policies=drawn.case.files(), consent=choices) as house,
        house.client_of(drawn.caller()) as http,
    ):
        await _agreed(plain, drawn)
        read, found = drawn.allowed("read"), drawn.allowed("search")
        await _reads(http, drawn, read)
        await _searches(http, drawn, found)
        await _of_one_patient(http, drawn, found)
        await _looking_around(http, drawn, found)
        await _histories(http, drawn, found)
        await _everything(http, drawn, read, found)
        await _exports(house, drawn, found)
        await _hears(house, drawn, read)
        await _patches(plain, http, drawn)


async def _agreed(plain: House, drawn: Consented) -> None:
    """The Consents of this example are stored, and no others."""
    for one in drawn.consents:
        await plain.put(one)
    for number in range(len(drawn.consents), 4):
        assert (await plain.http.delete(f"Consent/k{number}")).status_code in (200, 204)


def _of(keys: set[str], type: str) -> set[str]:
    return {key for key in keys if key.startswith(f"{type}/")}


async def _reads(http: httpx.AsyncClient, drawn: Consented, allowed: set[str]) -> None:
    for key in drawn.records:
        for address in (key, f"{key}/_history"):
            answer = await http.get(address)
            assert (answer.status_code == 200) == (key in allowed), address
            if key not in allowed:  # as if it were not there
                absent = await http.get(address.replace(key, f"{key.split('/')[0]}/absent"))
                assert (answer.status_code, answer.json()) == (absent.status_code, absent.json())
    for key in ALL:
        answer = await http.get(f"{key}/_history/1")
        assert (answer.status_code == 200) == (key in allowed), key
    asked = bundle("batch", *(entry("GET", key) for key in drawn.records))
    entries = (await http.post("", content=asked)).json()["entry"]
    statuses = [one["response"]["status"] for one in entries]
    shown = {k for k, status in zip(drawn.records, statuses, strict=True) if status == "200"}
    assert shown == allowed


async def _searches(http: httpx.AsyncClient, drawn: Consented, allowed: set[str]) -> None:
    for type in TYPES:
        wanted = _of(allowed, type)
        assert await _pages(http, f"{type}?_count=2&_sort=-_id") == wanted
        counted = await http.get(f"{type}?_summary=count")
        assert (counted.json().get("total") or 0) == len(wanted)
    assert await _pages(http, "?_count=4") == allowed


async def _of_one_patient(http: httpx.AsyncClient, drawn: Consented, allowed: set[str]) -> None:
    """Where a search names its patient, the provisions of others are left out of the plan."""
    for patient in ("p0", "p1", "p2", "p3"):
        for type in ("Observation", "Condition", "Encounter", "Consent"):
            mine = {k for k in _of(allowed, type) if patient in subjects(drawn.records[k])}
            assert await _pages(http, f"{type}?patient=Patient/{patient}") == mine
        wanted = _of(allowed, "Patient") & {f"Patient/{patient}"}
        assert await _pages(http, f"Patient?_id={patient}") == wanted


async def _looking_around(http: httpx.AsyncClient, drawn: Consented, allowed: set[str]) -> None:
    patients, observations = _of(allowed, "Patient"), _of(allowed, "Observation")
    mine = {key for key in observations if ALL[key]["subject"]["reference"] in patients}
    named = {ALL[key]["subject"]["reference"] for key in observations}
    coded = {ALL[k]["subject"]["reference"] for k in observations if "8302-2" in str(ALL[k])}
    assert await _pages(http, "Observation?subject:Patient.name=quinn") == mine
    assert await _pages(http, "Patient?_has:Observation:subject:code=8302-2") == coded & patients
    include = "Observation?_include=Observation:subject"
    assert await _pages(http, include, "include") == named & patients
    assert await _pages(http, "Patient?_revinclude=Observation:subject", "include") == mine


async def _histories(http: httpx.AsyncClient, drawn: Consented, allowed: set[str]) -> None:
    for type in ("", *TYPES):
        url = f"{type}/_history" if type else "_history"
        shown = await _told(http, f"{url}?_count=1000") & drawn.records.keys()
        assert shown == (_of(allowed, type) if type else allowed), url


async def _everything(
    http: httpx.AsyncClient, drawn: Consented, read: set[str], found: set[str]
) -> None:
    for key in _of(set(ALL), "Patient"):
        answer = await http.get(f"{key}/$everything?_count=100")
        if key not in read:
            assert answer.status_code in (403, 404)
            continue
        inside = {one for one in found if key[8:] in patients_of(drawn.records[one])}
        assert set(ids(answer)) == inside | {key}
        assert set(ids(answer, "include")) <= found


async def _exports(house: House, drawn: Consented, allowed: set[str]) -> None:
    caller = drawn.caller()
    for type in TYPES:
        try:
            at = (await house.door.prepare_export(caller, c.PrepareExport((type,)))).at
            page = await house.door.export(caller, c.Export(type, at))
        except Forbidden:
            assert not _of(allowed, type)
            continue
        assert {f"{v.type}/{v.id}" for v in page.versions} == _of(allowed, type)


async def _hears(house: House, drawn: Consented, read: set[str]) -> None:
    """What a subscriber is told of, and what is disclosed to him."""
    for key, record in ALL.items():
        type, id = key.split("/")
        asked = c.Disclose("Subscription/s", ((type, id, 1),))
        (shown,) = await house.door.disclose(drawn.caller(), asked)
        assert (shown is not None) == (key in read), key
        rows = house.rows(record)
        assert await house.door.visible(drawn.caller(), Subject(type, id, 0, rows)) == (key in read)


async def _patches(plain: House, http: httpx.AsyncClient, drawn: Consented) -> None:
    """A patch answers with the record: only to whom both let see and change it."""
    allowed = drawn.allowed("update")
    for key in ("Observation/o0", "Observation/visit", "Condition/eth", "Patient/p1"):
        before = (await plain.http.get(key)).headers["etag"]
        answer = await http.patch(
            key,
            content=b'[{"op":"add","path":"/language","value":"de"}]',
            headers={"content-type": "application/json-patch+json"},
        )
        assert (answer.status_code == 200) == (key in allowed), (key, answer.text)
        if answer.status_code == 200:
            await plain.put(ALL[key])
        else:
            assert (await plain.http.get(key)).headers["etag"] == before
            assert not re.search("Quinn|8302-2|ETH", answer.text)
