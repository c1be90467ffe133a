"""Attacks at the authorization endpoint: answers sent elsewhere, PKCE left out or weakened, another
server's audience, more scopes than one may have."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from msgspec.structs import replace

from careplane.access.smart.registration import check
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Incorrect
from careplane.rest.addressing import Addressing
from careplane.storage.engines.memory import MemoryStore
from tests.launch_house import (
    FHIR,
    REDIRECT,
    ROLES,
    ROOT,
    Launching,
    answer,
    claims_in,
    leads_to,
)
from tests.oauth_house import open_authority, registered

pytestmark = pytest.mark.anyio
SCOPE = "openid launch/patient patient/*.rs"

ELSEWHERE = {
    "another host": "https://evil.example/callback",
    "a longer path": f"{REDIRECT}/more",
    "a prefix": REDIRECT[:-1],
    "a parent": "https://app.example/",
    "up and down": "https://app.example/x/../callback",
    "a query": f"{REDIRECT}?next=https://evil.example",
    "a fragment": f"{REDIRECT}#x",
    "a port": "https://app.example:8443/callback",
    "the usual port": "https://app.example:443/callback",
    "a user": "https://app.example@evil.example/callback",
    "a subdomain": "https://app.example.evil.example/callback",
    "no encryption": "http://app.example/callback",
    "capitals": "https://APP.example/callback",
    "an escape": "https://app.example/%63allback",
    "a backslash": "https://app.example\\@evil.example/callback",
    "a space": f"{REDIRECT} ",
    "a line": f"{REDIRECT}\r\nX: y",
    "a script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "nothing": None,
}


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_no_answer_is_sent_to_an_address_that_is_not_registered(
    here: Launching, name: str
) -> None:
    async with here.person("physician") as person:
        request = here.app("pub").asks(SCOPE, redirect_uri=ELSEWHERE[name])
        for query in (urlencode(request), urlencode(request | {"response_type": "token"})):
            page = await person.http.get(f"/oauth/authorize?{query}")
            assert (page.status_code, leads_to(page)) == (400, "")
            assert "location" not in page.headers
            again = await person.http.get("/oauth/continue", params={"ask": query})
            assert (again.status_code, leads_to(again)) == (400, "")


async def test_nobody_who_is_no_app_is_answered(here: Launching) -> None:
    await here.there.add(registered("service", "system/*.rs"))
    await here.add("off")
    await here.there.registrar.disable("off")
    async with here.person("physician") as person:
        for client in ("service", "off", "unknown", "", "pub\0"):
            request = here.app("pub").asks(SCOPE, client_id=client)
            page = await person.http.get(f"/oauth/authorize?{urlencode(request)}")
            assert (page.status_code, leads_to(page)) == (400, ""), client


@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "state", "scope"])
async def test_no_parameter_is_taken_twice(here: Launching, name: str) -> None:
    async with here.person("physician") as person:
        query = urlencode([*here.app("pub").asks(SCOPE).items(), (name, "x")])
        page = await person.http.get(f"/oauth/authorize?{query}")
        assert (page.status_code, leads_to(page)) == (400, "")
        assert "twice" in page.text


REFUSED = {
    "no PKCE": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "PKCE without a challenge": ({"code_challenge": None}, "invalid_request"),
    "PKCE plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "PKCE without a method, which is plain": ({"code_challenge_method": None}, "invalid_request"),
    "PKCE in small letters": ({"code_challenge_method": "s256"}, "invalid_request"),
    "a short challenge": ({"code_challenge": "x" * 42}, "invalid_request"),
    "a challenge that is no hash": ({"code_challenge": "=" * 43}, "invalid_request"),
    "a token at once": ({"response_type": "token"}, "unsupported_response_type"),
    "a hybrid": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "no type": ({"response_type": None}, "invalid_request"),
    "a fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "a form": ({"response_mode": "form_post"}, "invalid_request"),
    "another audience": ({"aud": "https://evil.example/fhir"}, "invalid_request"),
    "the audience as a prefix": ({"aud": f"{FHIR}.evil.example"}, "invalid_request"),
    "the root as audience": ({"aud": ROOT}, "invalid_request"),
    "no audience": ({"aud": None}, "invalid_request"),
    "no state": ({"state": None}, "invalid_request"),
    "a long nonce": ({"nonce": "n" * 256}, "invalid_request"),
    "a request object": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "a request elsewhere": ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "many scopes": ({"scope": " ".join(f"s{n}" for n in range(65))}, "invalid_scope"),
    "silence and a page": ({"prompt": "none login"}, "invalid_request"),
    "an age that is none": ({"max_age": "-1"}, "invalid_request"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_wrong_request_is_refused_at_once_and_the_app_is_told(
    here: Launching, name: str
) -> None:
    changes, error = REFUSED[name]
    async with here.person("physician") as person:
        page = await person.http.get(
            f"/oauth/authorize?{urlencode(here.app('pub').asks(SCOPE, **changes))}"
        )
        assert page.status_code == 303, page.text
        said = answer(page.headers["location"])
        assert (said["error"], said["iss"]) == (error, ROOT)
        assert said.get("state") == (None if changes.get("state", "") is None else "a state")
        assert "code" not in said
        assert page.headers["location"].startswith(f"{REDIRECT}?")


async def test_a_request_is_checked_again_after_sign_in(here: Launching) -> None:
    async with here.person("physician") as person:
        query = urlencode(here.app("pub").asks(SCOPE, code_challenge_method="plain"))
        page = await person.http.get("/oauth/continue", params={"ask": query})
        assert answer(leads_to(page))["error"] == "invalid_request"


UPGRADES = {
    "more than is registered": ("physician", "patient/Observation.cruds", "patient/Observation.rs"),
    "another type": ("physician", "patient/*.rs", "patient/Observation.rs"),
    "everybody": ("physician", "user/*.cruds system/*.cruds patient/Observation.r", None),
    "more than the person may": ("nurse", "user/Observation.cruds user/Condition.rs", None),
    "to erase": ("physician", "user/Patient.purge patient/Observation.r", None),
}


@pytest.mark.parametrize("name", UPGRADES)
async def test_no_more_is_granted_than_registration_and_person_have(
    here: Launching, name: str
) -> None:
    key, asked, _ = UPGRADES[name]
    registration = {
        "more than is registered": "patient/Observation.rs",
        "another type": "patient/Observation.rs",
        "everybody": "patient/Observation.rs",
        "more than the person may": "user/*.cruds",
        "to erase": "patient/*.rs user/*.cruds",
    }[name]
    granted = {
        "more than is registered": "patient/Observation.rs",
        "another type": "patient/Observation.rs",
        "everybody": "patient/Observation.r",
        "more than the person may": "user/Observation.rs",
        "to erase": "patient/Observation.r",
    }[name]
    app = await here.add("small", registration)
    async with here.person(key) as person:
        patient = "p1" if "patient/" in granted else ""
        said = await app.tokens(person, asked, patient=patient)
        assert said["scope"] == granted
        assert claims_in(said["access_token"])["scope"] == granted


async def test_a_patient_gives_away_one_record_whatever_is_asked(here: Launching) -> None:
    async with here.person("patient") as person:
        said = await here.app("pub").tokens(person, "user/*.cruds openid launch/patient")
        assert (said["scope"], said["patient"]) == ("launch/patient openid patient/*.rs", "p1")
        seen = await here.there.get("Observation", said["access_token"])
        assert [one["resource"]["id"] for one in seen.json()["entry"]] == ["o1"]
        assert (await here.there.get("Observation/o2", said["access_token"])).status_code == 404


async def test_an_unknown_host_is_no_place_to_authorize() -> None:
    """A server that takes its name from the request could be asked under another one's name."""
    store = MemoryStore(system_clock)
    async with open_authority(store, addressing=Addressing(), roles=ROLES) as there:
        here = Launching(there)
        app = await here.add("pub")
        async with here.person("physician") as person:
            request = app.asks(SCOPE, aud="https://hospital.test/fhir")
            page = await person.http.get(f"/oauth/authorize?{urlencode(request)}")
            assert page.status_code == 400
            assert "CAREPLANE_BASE_URL" in page.text
            found = (await person.http.get("/fhir/.well-known/smart-configuration")).json()
            assert "authorization_endpoint" not in found
            for path in ("openid-configuration", "oauth-authorization-server"):
                assert (await person.http.get(f"/.well-known/{path}")).status_code == 404


REDIRECTS = {
    "no encryption": "http://app.example/cb",
    "a script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "a scheme that anybody has": "myapp:/cb",
    "a user": "https://a@app.example/cb",
    "any host": "https://*.example/cb",
    "a fragment": "https://app.example/cb#x",
    "a list of sources": "https://app.example;script-src/cb",
    "a quote": "https://app.example/'self'",
    "a space": "https://app.example/ x",
    "no host": "https:///cb",
    "a port that is none": "https://app.example:port/cb",
    "a file": "file:///etc/passwd",
    "relative": "/cb",
}


@pytest.mark.parametrize("name", REDIRECTS)
async def test_no_app_is_registered_with_such_an_address(name: str) -> None:
    good = registered("app", "patient/*.rs", method="none", redirect_uris=(REDIRECT,))
    check(good)
    with pytest.raises(Incorrect):
        check(replace(good, redirect_uris=(REDIRECT, REDIRECTS[name])))


async def test_headers_and_pages_are_of_one_origin(here: Launching) -> None:
    """Every answer of the flow: no frame, no referrer, nothing kept by a cache."""
    async with here.person("physician") as person:
        request = here.app("pub").asks("openid user/*.rs")
        first = await person.http.get(f"/oauth/authorize?{urlencode(request)}")
        consent = await person.http.get(leads_to(first))
        for page in (first, consent):
            assert page.headers["x-frame-options"] == "DENY"
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["referrer-policy"] == "same-origin"
        policy = consent.headers["content-security-policy"]
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(REDIRECT))
        assert f"form-action 'self' {origin};" in policy
        assert policy.count("https://") == 1
