"""Attacks with authorization codes: used twice, late, by another client, without the verifier."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from careplane.access.smart.refusal import Refused
from tests.contracts.conftest import Hands
from tests.launch_house import REDIRECT, AnApp, Launching, Pkce, answer, open_launching

pytestmark = pytest.mark.anyio
SCOPE = "openid launch/patient offline_access patient/*.rs"


async def code(here: Launching, app: AnApp) -> str:
    """The address with a code for the app."""
    async with here.person("physician") as person:
        return await person.allows(app.asks(SCOPE), patient="p1")


async def test_a_code_is_good_once_and_its_second_use_ends_what_came_of_it(here: Launching) -> None:
    app = here.app("pub")
    address = await code(here, app)
    first = (await app.redeem(address)).json()
    assert (await here.there.get("Patient/p1", first["access_token"])).status_code == 200
    second = await app.redeem(address)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert (await here.there.get("Patient/p1", first["access_token"])).status_code == 401
    assert (await app.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_two_at_once_get_nothing_that_lasts(here: Launching) -> None:
    app = here.app("pub")
    address = await code(here, app)
    answers = await asyncio.gather(*(app.redeem(address) for _ in range(4)))
    tokens = [one.json()["access_token"] for one in answers if one.status_code == 200]
    assert len(tokens) <= 1
    for token in tokens:
        assert (await here.there.get("Patient/p1", token)).status_code == 401


WRONG: dict[str, dict[str, Any]] = {
    "no verifier": {"code_verifier": None},
    "an empty verifier": {"code_verifier": ""},
    "another verifier": {"code_verifier": Pkce().verifier},
    "a short verifier": {"code_verifier": "x" * 42},
    "a long verifier": {"code_verifier": "x" * 129},
    "another redirect URI": {"redirect_uri": f"{REDIRECT}/"},
    "no redirect URI": {"redirect_uri": None},
    "no code": {"code": None},
    "a made-up code": {"code": "x" * 43},
    "a long code": {"code": "x" * 5000},
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_code_alone_is_worth_nothing(here: Launching, name: str) -> None:
    app = here.app("pub")
    address = await code(here, app)
    refused = await app.redeem(address, **WRONG[name])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_the_challenge_is_no_verifier(here: Launching) -> None:
    """Who saw the request knows the challenge; under `plain` it would do."""
    app = here.app("pub")
    address = await code(here, app)
    refused = await app.redeem(address, code_verifier=app.pkce.challenge)
    assert refused.json()["error"] == "invalid_grant"
    assert (await app.redeem(address)).json()["error"] == "invalid_grant"  # it was tried


async def test_a_code_of_one_app_is_not_taken_from_another(here: Launching) -> None:
    app, other = here.app("pub"), here.app("conf")
    other.pkce = app.pkce
    stolen = await code(here, app)
    refused = await other.redeem(stolen)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    another = answer(await code(here, app))["code"]
    with pytest.raises(Refused, match="another client"):
        await here.there.all.codes.use(another, other.client, REDIRECT, app.pkce.verifier)


async def test_a_confidential_app_proves_who_it_is(here: Launching) -> None:
    app = here.app("conf")
    address = await code(here, app)
    form = {
        "grant_type": "authorization_code",
        "code": answer(address)["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": app.pkce.verifier,
        "client_id": "conf",
    }
    for more in ({}, {"client_secret": "x"}, {"client_secret": here.there.secrets["pub"] or "y"}):
        refused = await here.there.post("token", form | more)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await app.redeem(address)).status_code == 200


async def test_a_code_is_over_after_a_minute() -> None:
    clock = Hands()
    async with open_launching(clock) as here:
        app = here.app("pub")
        async with here.person("physician") as person:
            early = await person.allows(app.asks(SCOPE), patient="p1")
            late = await person.allows(app.asks(SCOPE, prompt="consent"), patient="p1")
            clock.now += 59_000_000
            assert (await app.redeem(early)).status_code == 200
            clock.now += 1_000_000
            assert (await app.redeem(late)).json()["error"] == "invalid_grant"


async def test_a_code_is_worth_nothing_once_the_grant_or_the_client_is_over(
    here: Launching,
) -> None:
    app = here.app("pub")
    async with here.person("physician") as person:
        address = await person.allows(app.asks(SCOPE), patient="p1")
        await person.http.post("/apps", data={"client": "pub"})
        assert (await app.redeem(address)).json()["error"] == "invalid_grant"
        address = await person.allows(app.asks(SCOPE), patient="p1")
        await here.there.registrar.disable("pub")
        await here.there.registrar.enable("pub")
        assert (await app.redeem(address)).json()["error"] == "invalid_grant"


async def test_a_public_client_gets_no_token_for_itself_and_asks_about_none(
    here: Launching,
) -> None:
    app = here.app("pub")
    refused = await app.posts({"grant_type": "client_credentials", "scope": "system/*.rs"})
    assert refused.json()["error"] == "unauthorized_client"
    async with here.person("physician") as person:
        said = await app.tokens(person, SCOPE, patient="p1")
    form = {"token": said["access_token"], "client_id": "pub"}
    assert (await here.there.post("introspect", form)).status_code == 401
