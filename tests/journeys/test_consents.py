"""Consents and who writes: a record is changed, and shown after it, where all rights let it.

Random Consents, policies, callers, purposes and scopes, drawn together (`tests/consent_house`).
What leaves is the matter of `tests/oracle`.
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
from tests.consent_house import ALL, Consented, consented
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import House, open_house

pytestmark = pytest.mark.anyio


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
async def test_memory_lets_change_what_patients_allow(filled: Store, drawn: Consented) -> None:
    await _check(filled, drawn)


@settings(_DRAWN, max_examples=25)
@given(consented)
@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
async def test_sqlite_lets_change_what_patients_allow(filled: Store, drawn: Consented) -> None:
    await _check(filled, drawn)


@settings(_DRAWN, max_examples=5)
@given(consented)
@pytest.mark.parametrize("filled", ["postgres"], indirect=True)
async def test_postgres_lets_change_what_patients_allow(filled: Store, drawn: Consented) -> None:
    await _check(filled, drawn)


async def _check(store: Store, drawn: Consented) -> None:
    choices = Choices(opt_in=frozenset({"HRESCH"}))
    async with (
        open_house(store, consents=False) as plain,
        open_house(store, policies=drawn.case.files(), consent=choices) as house,
        house.client_of(drawn.caller()) as http,
    ):
        await _agreed(plain, drawn)
        await _patches(plain, http, drawn)


async def _agreed(plain: House, drawn: Consented) -> None:
    """The Consents of this example are stored, and no others."""
    for one in drawn.consents:
        await plain.put(one)
    for number in range(len(drawn.consents), 4):
        assert (await plain.http.delete(f"Consent/k{number}")).status_code in (200, 204)


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
