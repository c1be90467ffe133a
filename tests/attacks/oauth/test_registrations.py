"""Attacks on registration (RFC 7591): without an invitation, beyond it, with wrong addresses."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.contracts.conftest import Hands
from tests.launch_house import REDIRECT, AnApp, Launching, open_launching

pytestmark = pytest.mark.anyio
SCOPES = ("launch/patient", "openid", "patient/Observation.rs", "system/Patient.rs")


async def invited(here: Launching, uses: int = 1, seconds: int = 3600) -> str:
    _, token = await here.there.all.invitations.make(1, SCOPES, uses, seconds)
    return token


async def register(here: Launching, token: str, **metadata: Any) -> httpx.Response:
    usual = {
        "client_name": "Diary",
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
    }
    sent = {name: value for name, value in {**usual, **metadata}.items() if value is not None}
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return await here.there.http.post("/oauth/register", json=sent, headers=bearer)


async def test_an_app_registers_once_by_an_invitation_and_is_used(here: Launching) -> None:
    token = await invited(here)
    made = await register(here, token)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["scope"] == "launch/patient openid patient/Observation.rs"
    assert "client_secret" not in told
    again = await register(here, token)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_token")
    client = await here.there.clients.get(told["client_id"])
    async with here.person("physician") as person:
        app = AnApp(here.there, client)
        said = await app.tokens(person, "launch/patient patient/*.rs", patient="p1")
        assert said["scope"] == "launch/patient patient/Observation.rs"
    trail = [one for one in await here.there.house.audit() if one.interaction == "client-register"]
    assert [one.agent for one in trail] == [f"client/{client.id}"]


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 9000])
async def test_nobody_registers_without_an_invitation(here: Launching, token: str) -> None:
    before = len(await here.there.clients.all())
    refused = await register(here, token)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert len(await here.there.clients.all()) == before


async def test_an_invitation_ends() -> None:
    clock = Hands()
    async with open_launching(clock) as here:
        token = await invited(here, uses=5)
        clock.now += 3_600_000_000
        assert (await register(here, token)).status_code == 401


async def test_an_access_token_is_no_invitation(here: Launching) -> None:
    issued = here.there.tokens.issue(here.there.caller("system/*.cruds"), 60)
    assert (await register(here, issued)).status_code == 401


async def test_an_invitation_for_one_lets_one_in(here: Launching) -> None:
    token = await invited(here)
    answers = await asyncio.gather(*(register(here, token) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [201] + [401] * 5


WRONG: dict[str, dict[str, Any]] = {
    "a redirect without encryption": {"redirect_uris": ["http://app.example/cb"]},
    "a script": {"redirect_uris": ["javascript:alert(1)"]},
    "any host": {"redirect_uris": ["https://*/cb"]},
    "no redirect": {"redirect_uris": []},
    "redirects that are no list": {"redirect_uris": "https://app.example/cb"},
    "a number": {"redirect_uris": [1]},
    "another method": {"token_endpoint_auth_method": "tls_client_auth"},
    "another grant": {"grant_types": ["password"]},
    "implicit": {"grant_types": ["implicit"], "response_types": ["token"]},
    "a token at once": {"response_types": ["token"]},
    "keys that are none": {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
    "keys without encryption": {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "http://keys.example/jwks",
    },
    "a public service": {"grant_types": ["client_credentials"], "redirect_uris": None},
    "a public app with system scopes": {
        "grant_types": ["authorization_code", "client_credentials"],
        "scope": "system/Patient.rs openid",
    },
    "no scope that was offered": {"scope": "user/*.cruds"},
    "words that are no scopes": {"scope": "everything"},
    "a name with a line": {"client_name": "a\nb"},
    "a launch elsewhere": {"launch_url": "javascript:alert(1)"},
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_registration_is_refused_and_uses_no_invitation(
    here: Launching, name: str
) -> None:
    token = await invited(here)
    refused = await register(here, token, **WRONG[name])
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri")
    assert (await register(here, token)).status_code == 201


async def test_an_app_gets_no_more_scopes_than_the_invitation_has(here: Launching) -> None:
    made = await register(
        here,
        await invited(here),
        token_endpoint_auth_method="client_secret_post",
        scope="patient/*.cruds user/*.rs launch offline_access openid system/*.cruds",
    )
    assert made.json()["scope"] == "openid patient/Observation.rs"
    assert made.json()["client_secret"]
