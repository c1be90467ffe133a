"""People with the settings and the records of an installation: the provider, and whom proxies may
act for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careplane.access.people.standing import Ages
from careplane.access.people.user import Charge
from careplane.app.peopling import charges_of, exists_in, registration_of
from careplane.app.providing import ProviderWeb
from careplane.app.settings import Settings
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Incorrect
from careplane.storage.engines.memory import MemoryStore
from tests.fhir_house import TENANT, open_house, patient

GOOD: dict[str, Any] = {
    "oidc_issuer": "https://login.test",
    "oidc_client_id": "careplane",
    "oidc_client_secret": "a secret",
    "base_url": "https://hospital.test",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_provider_is_as_the_settings_say() -> None:
    assert registration_of(Settings()) is None
    found = registration_of(Settings(**GOOD, oidc_roles="ward=nurse"))
    assert found
    assert (found.issuer, found.claim, found.roles) == (
        "https://login.test",
        "email",
        {"ward": "nurse"},
    )
    local = registration_of(Settings(**{**GOOD, "oidc_issuer": "http://127.0.0.1:9000"}))
    assert local


@pytest.mark.parametrize(
    "change",
    [
        {"oidc_client_id": ""},
        {"oidc_client_secret": ""},
        {"base_url": ""},
        {"oidc_issuer": "http://login.test"},
        {"oidc_issuer": "login.test"},
        {"oidc_roles": "nurse"},
    ],
)
def test_settings_that_do_not_make_a_provider_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(Incorrect, match="CAREPLANE_OIDC"):
        registration_of(Settings(**{**GOOD, **change}))


def test_the_secret_is_not_shown() -> None:
    assert "a secret" not in repr(Settings(**GOOD))


def related(id: str, of: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson",
        "id": id,
        "patient": {"reference": f"Patient/{of}"},
        **more,
    }


@pytest.mark.anyio
async def test_proxies_act_for_patients_whose_relatives_are_active() -> None:
    store = MemoryStore(system_clock)
    async with open_house(store) as house:
        await house.put(patient("kid", name=[{"given": ["Kim"], "family": "Example"}]))
        await house.put(patient("gran"))
        await house.put(related("a", "kid", active=True))
        await house.put(related("b", "gran", active=True))
        await house.put(related("c", "kid", active=False))
        await house.put(related("d", "kid"))
        await house.put(related("e", "nobody", active=True))
        asked = tuple(f"RelatedPerson/{id}" for id in "abcdef")
        assert await charges_of(house.door, system_clock, Ages())(TENANT, asked) == [
            Charge("RelatedPerson/a", "kid", "Kim Example"),
            Charge("RelatedPerson/b", "gran", "gran"),
        ]
        assert await charges_of(house.door, system_clock, Ages())(TENANT, ()) == []
        exists = exists_in(house.door)
        await house.http.delete("Patient/gran")
        asked = ("Patient/kid", "Patient/gran", "Patient/nobody", "RelatedPerson/c")
        assert [await exists(TENANT, one) for one in asked] == [True, False, False, True]
        kept = [r for r in await house.audit() if r.agent == "client/people"]
        assert {id for r in kept for id in r.patients} == {"kid", "gran", "nobody"}
    await store.close()


ANSWERS: dict[str, httpx.Response] = {
    "an error": httpx.Response(500),
    "another place": httpx.Response(302, headers={"location": "https://evil.test"}),
    "too much": httpx.Response(200, content=b"x" * 300_000),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_provider_that_does_not_answer_as_it_should(name: str) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return ANSWERS[name]

    web = ProviderWeb(httpx.MockTransport(handler))
    with pytest.raises(Busy):
        await web.get("https://login.test/keys")
    assert asked == ["https://login.test/keys"]


@pytest.mark.anyio
async def test_our_secret_goes_to_the_provider_as_the_standard_says() -> None:
    heard: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers["authorization"])
        return httpx.Response(200, content=request.content)

    web = ProviderWeb(httpx.MockTransport(handler))
    assert await web.post("https://login.test/token", {"a": "b"}, ("me:x", "s/s")) == b"a=b"
    assert heard == [httpx.BasicAuth("me%3Ax", "s%2Fs")._auth_header]
