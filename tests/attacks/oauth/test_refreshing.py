"""Attacks with refresh tokens: used twice, by another client, for more; after the grant, the
session, the account or the client is over."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from careplane.access.scopes import Scope, parse_scopes
from careplane.access.smart.people import SignedIn
from careplane.access.smart.tokens import Tokens
from careplane.storage.ports.records import Tenant
from careplane.web.session import Sessions
from careplane.web.signed_in import SessionPeople
from tests.contracts.conftest import Hands
from tests.launch_house import ROLES, AnApp, Launching, open_launching
from tests.oauth_house import KnownKeys

pytestmark = pytest.mark.anyio
OFFLINE = "launch/patient offline_access patient/*.rs"
ONLINE = "launch/patient online_access patient/*.rs"


async def given(here: Launching, scope: str = OFFLINE, app: str = "pub") -> tuple[AnApp, Any]:
    """What an app has after the person has allowed everything."""
    async with here.person("physician") as person:
        return here.app(app), await here.app(app).tokens(person, scope, patient="p1")


async def over(app: AnApp, token: str) -> bool:
    refused = await app.refresh(token)
    return (refused.status_code, refused.json().get("error")) == (400, "invalid_grant")


async def test_a_token_that_comes_again_ends_its_family(here: Launching) -> None:
    app, first = await given(here)
    second = (await app.refresh(first["refresh_token"])).json()
    third = (await app.refresh(second["refresh_token"])).json()
    assert (await here.there.get("Patient/p1", third["access_token"])).status_code == 200
    assert await over(app, first["refresh_token"])
    for held in (first, second, third):
        assert (await here.there.get("Patient/p1", held["access_token"])).status_code == 401
    assert await over(app, third["refresh_token"])


async def test_used_twice_at_once_it_is_over(here: Launching) -> None:
    app, first = await given(here)
    answers = await asyncio.gather(*(app.refresh(first["refresh_token"]) for _ in range(4)))
    for one in answers:
        if one.status_code == 200:
            assert await over(app, one.json()["refresh_token"])


async def test_it_is_worth_nothing_to_another_client(here: Launching) -> None:
    app, held = await given(here)
    assert await over(here.app("conf"), held["refresh_token"])
    assert (await app.refresh(held["refresh_token"])).status_code == 200


async def test_without_a_client_id_it_is_good_for_public_clients_and_once(here: Launching) -> None:
    app, held = await given(here)
    form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
    following = await here.there.post("token", form)
    assert following.status_code == 200
    assert (await here.there.post("token", form)).json()["error"] == "invalid_grant"
    assert await over(app, following.json()["refresh_token"])
    _, held = await given(here, app="conf")
    form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
    for more in ({}, {"client_id": "conf"}, {"client_id": "pub"}):
        assert (await here.there.post("token", form | more)).status_code in (400, 401)
    assert (await here.app("conf").refresh(held["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "made", ["x", "", ".", "x" * 43, f"{'x' * 43}.{'y' * 43}", "x" * 6000, "\u0661.\u0661"]
)
async def test_a_made_up_one_is_unknown(here: Launching, made: str) -> None:
    app, held = await given(here)
    assert await over(app, made)
    name = held["refresh_token"].partition(".")[0]
    assert (await app.refresh(held["refresh_token"])).status_code == 200
    assert name


@pytest.mark.parametrize(
    "scope",
    [
        "patient/*.cruds",
        "user/*.rs",
        "patient/Observation.rs patient/Patient.u",
        "system/*.rs",
        "openid",
        "patient/Observation.rs nonsense",
    ],
)
async def test_no_more_comes_of_it_than_was_given(here: Launching, scope: str) -> None:
    app, held = await given(here)
    refused = await app.refresh(held["refresh_token"], scope=scope)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


async def test_it_ends_with_the_grant(here: Launching) -> None:
    app, held = await given(here)
    async with here.person("physician") as person:
        await person.http.post("/apps", data={"client": "pub"})
    assert (await here.there.get("Patient/p1", held["access_token"])).status_code == 401
    assert await over(app, held["refresh_token"])


async def test_nobody_ends_the_grant_of_another(here: Launching) -> None:
    app, held = await given(here)
    async with here.person("nurse") as other:
        await other.http.post("/apps", data={"client": "pub"})
        assert "Pub" not in (await other.http.get("/apps")).text
    async with here.person() as nobody:
        await nobody.http.post("/apps", data={"client": "pub"})
    async with here.person("physician") as person:
        elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        refused = await person.http.post("/apps", data={"client": "pub"}, headers=elsewhere)
        assert refused.status_code == 403
    assert (await app.refresh(held["refresh_token"])).status_code == 200


async def test_it_stays_over_after_the_list_of_the_ended_is_swept() -> None:
    clock = Hands()
    async with open_launching(clock) as here:
        app, held = await given(here)
        async with here.person("physician") as person:
            await person.http.post("/apps", data={"client": "pub"})
            clock.now += 2 * 86_400_000_000
            await here.there.standing.sweep()
            await here.there.standing.end("something else")  # so that the list is read anew
            assert await over(app, held["refresh_token"])


async def test_less_that_is_allowed_later_is_all_that_an_app_has(here: Launching) -> None:
    app, held = await given(here)
    async with here.person("physician") as person:
        request = app.asks(OFFLINE, prompt="consent")
        page = await person.chooses(await person.asked(request), "p1")
        await person.decides(page, untick=["Observation", "offline_access"])
    assert (await here.there.get("Observation/o1", held["access_token"])).status_code == 401
    assert await over(app, held["refresh_token"])


async def test_it_ends_with_the_client(here: Launching) -> None:
    app, held = await given(here)
    await here.there.registrar.disable("pub")
    assert (await app.refresh(held["refresh_token"])).status_code == 401
    await here.there.registrar.enable("pub")
    assert await over(app, held["refresh_token"])


async def test_online_ends_with_the_session(here: Launching) -> None:
    async with here.person("physician") as person:
        app = here.app("pub")
        held = await app.tokens(person, ONLINE, patient="p1")
        following = (await app.refresh(held["refresh_token"])).json()
        await person.http.post("/sign-out")
        assert (await here.there.get("Patient/p1", following["access_token"])).status_code == 401
        assert await over(app, following["refresh_token"])


async def test_online_ends_when_the_session_does_by_itself() -> None:
    clock = Hands()
    async with open_launching(clock) as here:
        app, held = await given(here, ONLINE)
        clock.now += 7 * 3_600_000_000
        held = (await app.refresh(held["refresh_token"])).json()
        assert held["expires_in"] == 3600
        clock.now += 1_800_000_000
        held = (await app.refresh(held["refresh_token"])).json()
        assert held["expires_in"] == 1800
        clock.now += 1_801_000_000
        assert await over(app, held["refresh_token"])


async def test_offline_ends_after_its_days() -> None:
    clock = Hands()
    async with open_launching(clock) as here:
        app, held = await given(here)
        clock.now += 89 * 86_400_000_000
        held = (await app.refresh(held["refresh_token"])).json()
        clock.now += 2 * 86_400_000_000
        assert await over(app, held["refresh_token"])


class Leaving(SessionPeople):
    """One of the people leaves, or may less than before."""

    gone: ClassVar[bool] = False
    fewer: ClassVar[frozenset[Scope] | None] = None

    async def now(self, tenant: Tenant, id: str) -> SignedIn | None:
        if type(self).gone:
            return None
        found = await super().now(tenant, id)
        fewer = type(self).fewer
        return replace(found, scopes=fewer) if found and fewer else found


async def test_it_ends_with_the_account_and_shrinks_with_its_rights() -> None:
    class People(Leaving): ...

    def people(_: Tokens) -> SessionPeople:
        return People(
            Sessions(Tokens(KnownKeys(bytes(32), bytes(32)).derive("sessions"), Hands())), ROLES
        )

    async with open_launching(Hands(), people_of=people) as here:
        app, held = await given(here)
        People.fewer = parse_scopes("user/Observation.rs")
        held = (await app.refresh(held["refresh_token"])).json()
        assert held["scope"] == "launch/patient offline_access patient/Observation.rs"
        People.gone = True
        assert await over(app, held["refresh_token"])
