"""Attacks on identity: algorithms and kinds of token mixed up, another issuer or audience, a nonce
of another request."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import KeySet, OctKey, RSAKey

from careplane.access.kept import kept
from careplane.access.scopes import parse_scopes
from careplane.access.smart.launch.codes import Given
from careplane.access.smart.launch.exchange import caller_of
from careplane.access.smart.launch.offer import Offer
from careplane.access.smart.people import SignedIn
from careplane.access.smart.refusal import Refused
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT
from tests.launch_house import ROOT, Launching, answer, claims_in, leads_to, open_launching

pytestmark = pytest.mark.anyio
SCOPE = "openid fhirUser user/*.rs"


async def keys(here: Launching) -> dict[str, Any]:
    return dict((await here.there.http.get("/oauth/jwks")).json())


async def given(here: Launching, **changes: str) -> dict[str, Any]:
    async with here.person("physician") as person:
        app = here.app("pub")
        address = await person.allows(app.asks(SCOPE, **changes))
        return dict((await app.redeem(address)).json())


async def test_an_id_token_is_verified_by_published_keys_and_by_nothing_else(
    here: Launching,
) -> None:
    said = await given(here, nonce="n-1")
    published = await keys(here)
    found = jwt.decode(said["id_token"], KeySet.import_key_set(published), algorithms=["RS256"])
    assert found.header["alg"] == "RS256"
    assert found.claims["nonce"] == "n-1"
    assert (found.claims["iss"], found.claims["aud"]) == (ROOT, "pub")
    assert found.claims["fhirUser"] == f"{ROOT}/fhir/Practitioner/dr"
    assert all(not {"d", "p", "q", "k"} & one.keys() for one in published["keys"])
    with pytest.raises(BadSignatureError):
        jwt.decode(said["id_token"], RSAKey.generate_key(2048), algorithms=["RS256"])


async def test_an_id_token_is_no_access_token_and_the_other_way_round(here: Launching) -> None:
    said = await given(here)
    assert (await here.there.get("Patient/p1", said["id_token"])).status_code == 401
    bearer = {"authorization": f"Bearer {said['id_token']}"}
    assert (await here.there.http.get("/oauth/userinfo", headers=bearer)).status_code == 401
    with pytest.raises(JoseError):
        jwt.decode(
            said["access_token"], KeySet.import_key_set(await keys(here)), algorithms=["RS256"]
        )


async def test_a_token_under_a_public_key_is_refused(here: Launching) -> None:
    """The public key as the secret of an HMAC, and no signature at all."""
    said = await given(here)
    claims = claims_in(said["access_token"]) | {"sub": "Practitioner/other"}
    published = (await keys(here))["keys"][0]
    for secret in (published["n"].encode(), json.dumps(published).encode()):
        forged = jwt.encode(
            {"alg": "HS256", "typ": "at+jwt", "kid": published["kid"]},
            claims,
            OctKey.import_key(secret),
        )
        assert (await here.there.get("Patient/p1", forged)).status_code == 401
    head, body, _ = said["access_token"].split(".")
    for forged in (f"{head}.{body}.", f"eyJhbGciOiJub25lIn0.{body}."):
        assert (await here.there.get("Patient/p1", forged)).status_code == 401


async def test_keys_turn_and_those_of_before_verify_for_a_while() -> None:
    clock = Hands()
    async with open_launching(clock) as here:
        first = await given(here)
        before = await keys(here)
        clock.now += 30 * 86_400_000_000
        second = await given(here)
        now = await keys(here)
        for held in (first, second):
            jwt.decode(held["id_token"], KeySet.import_key_set(now), algorithms=["RS256"])
        ids = [json.loads(_head(held["id_token"]))["kid"] for held in (first, second)]
        assert ids[0] != ids[1]
        assert ids[1] in {one["kid"] for one in before["keys"]}  # it was published ahead
        clock.now += 31 * 86_400_000_000
        await here.there.all.keys.sweep()
        assert ids[0] not in {one["kid"] for one in (await keys(here))["keys"]}


def _head(token: str) -> bytes:
    return urlsafe_b64decode(token.split(".")[0] + "==")


async def test_every_answer_names_its_issuer(here: Launching) -> None:
    """An app that speaks with two servers tells their answers apart (RFC 9207)."""
    async with here.person("physician") as person:
        page = await person.asked(here.app("pub").asks(SCOPE))
        assert answer(await person.decides(page))["iss"] == ROOT
        page = await person.asked(here.app("pub").asks(SCOPE, prompt="consent"))
        assert answer(await person.decides(page, "deny"))["iss"] == ROOT
        page = await person.asked(here.app("pub").asks("nonsense"))
        assert answer(leads_to(page))["iss"] == ROOT
    found = (await here.there.http.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == ROOT
    assert found["authorization_response_iss_parameter_supported"] is True


async def test_a_host_header_names_no_issuer(here: Launching) -> None:
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    for path in ("/.well-known/openid-configuration", "/fhir/.well-known/smart-configuration"):
        page = await here.there.http.get(path, headers=forged)
        assert "evil" not in page.text


async def test_no_nonce_is_kept_from_another_request(here: Launching) -> None:
    assert "nonce" not in claims_in((await given(here))["id_token"])
    assert claims_in((await given(here, nonce="a"))["id_token"])["nonce"] == "a"


async def test_silence_shows_no_page_and_gives_nothing_new(here: Launching) -> None:
    request = here.app("pub").asks(SCOPE, prompt="none")
    async with here.person() as nobody:
        assert answer(leads_to(await nobody.asked(request)))["error"] == "login_required"
    async with here.person("physician") as person:
        assert answer(leads_to(await person.asked(request)))["error"] == "consent_required"
        picks = here.app("pub").asks("launch/patient patient/*.rs", prompt="none")
        assert answer(leads_to(await person.asked(picks)))["error"] == "interaction_required"
        await person.allows(here.app("pub").asks(SCOPE))
        assert "code" in answer(leads_to(await person.asked(request)))


async def test_an_old_sign_in_does_not_do_where_the_app_wants_a_new_one() -> None:
    clock = Hands()
    async with open_launching(clock) as here, here.person("physician") as person:
        await person.allows(here.app("pub").asks(SCOPE))
        clock.now += 120_000_000
        for changes in ({"max_age": "60"}, {"prompt": "login"}):
            page = await person.asked(here.app("pub").asks(SCOPE, **changes))
            assert leads_to(page).startswith("/sign-in?next=")
        silent = await person.asked(here.app("pub").asks(SCOPE, prompt="none", max_age="60"))
        assert answer(leads_to(silent))["error"] == "login_required"
        await person.sign_in("physician")
        page = await person.asked(here.app("pub").asks(SCOPE, max_age="60"))
        said = (await here.app("pub").redeem(leads_to(page))).json()
        assert clock.now // 1_000_000 - claims_in(said["id_token"])["auth_time"] <= 60


async def test_userinfo_is_for_tokens_of_people_who_are_known(here: Launching) -> None:
    async with here.person("physician") as person:
        with_id = await here.app("pub").tokens(person, SCOPE)
        without = await here.app("pub").tokens(person, "user/*.rs")

    async def told(token: str) -> Any:
        bearer = {"authorization": f"Bearer {token}"}
        return await here.there.http.get("/oauth/userinfo", headers=bearer)

    assert (await told(with_id["access_token"])).json() == {
        "sub": "Practitioner/dr",
        "name": "Physician Example",
        "fhirUser": f"{ROOT}/fhir/Practitioner/dr",
    }
    refused = await told(without["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert (await here.there.http.get("/oauth/userinfo")).status_code == 401
    assert "id_token" not in without


def test_a_role_of_a_patient_opens_no_other_record() -> None:
    """A nurse who is a patient too: policies of the role go by the patient that the token names."""

    def caller(patient: str, *roles: str) -> Any:
        scopes = parse_scopes("user/*.rs")
        who = SignedIn("Practitioner/n", "N", TENANT, frozenset(roles), scopes, "s", 0, 0, "p1")
        held = kept(who.caller())
        given = Given(held, True, "pub", 0, "g", "f", "", 0, (), patient, "", 0, ())
        return caller_of(given, who, Offer({}, frozenset()))

    assert caller("p1", "nurse", "patient").roles == {"nurse", "patient"}
    assert caller("p2", "nurse", "patient").roles == {"nurse"}
    with pytest.raises(Refused):
        caller("p2", "patient")
