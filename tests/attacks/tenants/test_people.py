"""Attacks by people: a session, an invitation, a passkey or an app of one institution at the host
of another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from careplane.access.people.user import User
from careplane.storage.ports.records import Tenant
from tests.oauth_house import registered
from tests.people_house import Authenticator, Browser
from tests.tenant_house import SOUTH_HOST, TenantHouse, open_tenant_house, put

pytestmark = pytest.mark.anyio
OWN_HOST = "hospital.test"
HOSTS = {"default": OWN_HOST, "south": SOUTH_HOST}
COOKIE = "__Host-careplane-session"
REDIRECT = "https://app.example/callback"


@dataclass
class Somebody:
    """A person of an institution, with a passkey for its host."""

    user: User
    key: Authenticator


@dataclass
class Sites:
    """The pages of both, and browsers that go there."""

    house: TenantHouse

    def tenant(self, name: str) -> Tenant:
        return self.house.institutions[name].tenant

    def browser(self, name: str) -> Browser:
        there: Any = _Pages(self.house.here.asgi)
        browser = Browser(there)
        browser.http.base_url = f"https://{HOSTS[name]}"  # type: ignore[assignment]
        browser.http.headers["origin"] = f"https://{HOSTS[name]}"
        return browser

    async def invite(self, name: str, login: str, *roles: str) -> tuple[User, str]:
        resource = {"resourceType": "Practitioner", "id": login, "active": True}
        await put(self.house.client(name, name), resource)
        registrar, is_ = self.house.here.people.registrar, f"Practitioner/{login}"
        return await registrar.add(self.tenant(name), login, login.title(), (is_,), roles)

    async def join(self, name: str, login: str, *roles: str) -> tuple[Somebody, Browser]:
        """Somebody who has set up a passkey, and the browser that is signed in."""
        user, code = await self.invite(name, login, *roles)
        browser = self.browser(name)
        options = await browser.post("/set-up/passkey/options", {"code": code})
        key = Authenticator(f"https://{HOSTS[name]}", HOSTS[name])
        made = {"code": code, "credential": key.create(options.json())}
        assert (await browser.post("/set-up/passkey", made)).status_code == 303
        return Somebody(user, key), browser


@dataclass
class _Pages:
    pages: Any


@pytest.fixture
async def sites(tmp_path: Path) -> AsyncIterator[Sites]:
    data, base = tmp_path / "data", f"https://{OWN_HOST}"
    async with open_tenant_house(data, filled=False, base_url=base) as house:
        yield Sites(house)


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/security")).status_code == 200


@pytest.mark.parametrize(("of", "at"), [("default", "south"), ("south", "default")])
async def test_a_session_is_nobodys_elsewhere(sites: Sites, of: str, at: str) -> None:
    _, mine = await sites.join(of, "ada", "physician")
    assert await is_in(mine)
    stranger = sites.browser(at)
    stranger.http.cookies.set(COOKIE, mine.session, domain=HOSTS[at])
    for path in ("/", "/security", "/people", "/patients/p"):
        answer = await stranger.get(path)
        assert answer.headers["location"].startswith("/sign-in"), path
    cookie = mine.session.partition(".")[2]
    stranger.http.cookies.set(COOKIE, f"{int(sites.tenant(at))}.{cookie}", domain=HOSTS[at])
    assert not await is_in(stranger)
    assert await is_in(mine)  # and was not ended by that


@pytest.mark.parametrize(("of", "at"), [("default", "south"), ("south", "default")])
async def test_an_invitation_is_over_elsewhere(sites: Sites, of: str, at: str) -> None:
    user, code = await sites.invite(of, "ada", "physician")
    stranger = sites.browser(at)
    assert (await stranger.get(f"/set-up?code={code}")).status_code == 401
    assert (await stranger.post("/set-up/passkey/options", {"code": code})).status_code >= 400
    sent = {"code": code, "password": "four words of mine here", "again": "four words of mine here"}
    assert (await stranger.post("/set-up", sent)).status_code == 401
    book = sites.house.here.people.registrar.book
    assert not (await book.get(sites.tenant(of), user.id)).any
    assert (await sites.browser(of).get(f"/set-up?code={code}")).status_code == 200


@pytest.mark.parametrize(("of", "at"), [("default", "south"), ("south", "default")])
async def test_a_passkey_opens_nothing_elsewhere(sites: Sites, of: str, at: str) -> None:
    """Also one whose owner signs whatever the other host wants to hear."""
    ada, _ = await sites.join(of, "ada", "physician")
    stranger = sites.browser(at)
    ada.key.origin, ada.key.host = f"https://{HOSTS[at]}", HOSTS[at]
    options = await stranger.post("/sign-in/passkey/options")
    answer = await stranger.post("/sign-in/passkey", {"credential": ada.key.get(options.json())})
    assert answer.status_code == 401
    assert stranger.session == ""


async def test_the_same_login_is_two_people(sites: Sites) -> None:
    _, ours = await sites.join("default", "ada", "physician")
    _, theirs = await sites.join("south", "ada", "administrator")
    _, eve = await sites.join("south", "eve", "nurse")
    assert await is_in(ours)
    assert await is_in(eve)
    listed = (await theirs.get("/people")).text
    assert "Practitioner/eve" in listed
    everybody = await sites.house.here.people.registrar.users.all(sites.tenant("south"))
    assert {one.login for one in everybody} == {"ada", "eve"}
    (mine,) = await sites.house.here.people.registrar.users.all(sites.tenant("default"))
    assert mine.id not in listed
    assert (await theirs.get(f"/people/{mine.id}")).status_code == 404
    disabling = await theirs.post(f"/people/{mine.id}", {"do": "disable"})
    assert disabling.status_code in (400, 404)
    assert await is_in(ours)


async def test_the_trail_of_a_failure_is_that_of_the_host(sites: Sites) -> None:
    stranger = sites.browser("south")
    await stranger.get("/set-up?code=1.x.y")
    south, ours = await sites.house.audit("south"), await sites.house.audit("default")
    assert "user-set-up" in {one.interaction for one in south}
    assert "user-set-up" not in {one.interaction for one in ours}


async def test_an_app_acts_for_people_of_its_own_institution(sites: Sites) -> None:
    _, mine = await sites.join("default", "ada", "physician")
    _, theirs = await sites.join("south", "eve", "physician")
    app = registered(
        "diary",
        "openid user/Patient.rs",
        "none",
        tenant=int(sites.tenant("south")),
        redirect_uris=(REDIRECT,),
    )
    await sites.house.here.authorizing.registrar.add(app)
    asks = {
        "response_type": "code",
        "client_id": "diary",
        "redirect_uri": REDIRECT,
        "scope": "openid user/Patient.rs",
        "state": "x",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }

    async def asked(browser: Browser, at: str) -> str:
        aud = f"https://{HOSTS[at]}/fhir"
        first = await browser.get(f"/oauth/authorize?{urlencode({**asks, 'aud': aud})}")
        if "http-equiv" not in first.text:
            return first.headers.get("location") or first.text
        onward = first.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")
        then = await browser.get(onward)
        return then.headers.get("location") or then.text

    assert "Diary" in await asked(theirs, "south")
    unknown = await asked(mine, "default")
    assert "Diary" not in unknown
    assert not unknown.startswith("/sign-in")
    stranger = sites.browser("south")
    stranger.http.cookies.set(COOKIE, mine.session, domain=SOUTH_HOST)
    assert (await asked(stranger, "south")).startswith("/sign-in")
