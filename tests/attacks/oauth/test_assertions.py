"""Attacks on client assertions: forged, borrowed, replayed, out of their time, made to confuse.

Each row changes one thing about an assertion that would pass, and names words of the one guard that
must refuse it.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from careplane.kernel.clock import system_clock
from careplane.rest.addressing import Addressing
from careplane.storage.engines.memory import MemoryState, MemoryStore
from tests.oauth_house import (
    EC,
    RSA,
    Authority,
    claims,
    open_authority,
    public,
    registered,
    signed,
)

pytestmark = pytest.mark.anyio
THIEF_EC = ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)
THIEF_RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)
HEADER = "alg, kid, typ and jku"
UNPROVEN = "cannot be authenticated"


def unsigned(said: dict[str, Any], **header: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = {"typ": "JWT", "kid": "ec-1", **header}
    return f"{part(head)}.{part(said)}."


def hmac_under_the_public_key() -> str:
    """What a reader takes that believes `alg` and has only one kind of key."""
    head, body, _ = unsigned(claims("lab"), alg="HS384", kid="rsa-1").split(".")
    mac = hmac.digest(RSA.as_pem(private=False), f"{head}.{body}".encode(), "sha384")
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def twice(name: str, value: str) -> str:
    """A good assertion with one claim a second time, signed as it is."""
    body = json.dumps(claims("lab"))[:-1] + f', "{name}": {json.dumps(value)}}}'
    header = {"alg": "ES384", "typ": "JWT", "kid": "ec-1"}
    return jws.serialize_compact(header, body.encode(), EC, algorithms=["ES384"])


def spoiled(raw: str) -> str:
    """Other claims under the signature of a good assertion."""
    head, _, signature = raw.split(".")
    other = claims("lab", jti="another")
    body = base64.urlsafe_b64encode(json.dumps(other).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: unsigned(claims("lab"), alg="none"), "RS384 or ES384"),
    "alg None": (lambda: unsigned(claims("lab"), alg="NoNe"), "RS384 or ES384"),
    "alg missing": (lambda: unsigned(claims("lab")), "RS384 or ES384"),
    "alg no text": (lambda: unsigned(claims("lab"), alg=["ES384"]), "RS384 or ES384"),
    "HMAC under the public key": (hmac_under_the_public_key, "RS384 or ES384"),
    "a weaker RSA": (lambda: signed(claims("lab"), "RS256", RSA), "RS384 or ES384"),
    "RSA-PSS": (lambda: signed(claims("lab"), "PS384", RSA), "RS384 or ES384"),
    "no signature": (lambda: unsigned(claims("lab"), alg="ES384"), UNPROVEN),
    "another's EC key": (lambda: signed(claims("lab"), key=THIEF_EC), UNPROVEN),
    "another's RSA key": (lambda: signed(claims("lab"), "RS384", THIEF_RSA), UNPROVEN),
    "claims changed": (lambda: spoiled(signed(claims("lab"))), UNPROVEN),
    "a key brought along": (
        lambda: signed(claims("lab"), key=THIEF_EC, jwk=THIEF_EC.as_dict(private=False)),
        HEADER,
    ),
    "x5c": (lambda: signed(claims("lab"), key=THIEF_EC, x5c=["MIIB"]), HEADER),
    "x5u": (lambda: signed(claims("lab"), key=THIEF_EC, x5u="http://127.0.0.1/c.pem"), HEADER),
    "crit": (lambda: unsigned(claims("lab"), alg="ES384", crit=["exp"]), HEADER),
    "jku of a thief": (
        lambda: signed(claims("lab"), key=THIEF_EC, jku="https://thief.example/jwks"),
        UNPROVEN,
    ),
    "jku inside": (lambda: signed(claims("lab"), jku="http://169.254.169.254/jwks"), UNPROVEN),
    "jku no text": (
        lambda: unsigned(claims("lab"), alg="ES384", jku={"a": 1}),
        "names its key by kid",
    ),
    "kid unknown": (lambda: signed(claims("lab"), kid="ec-2"), UNPROVEN),
    "kid of the other kind": (lambda: signed(claims("lab"), kid="rsa-1"), UNPROVEN),
    "kid a path": (lambda: signed(claims("lab"), kid="../../dev/null"), UNPROVEN),
    "kid SQL": (lambda: signed(claims("lab"), kid="' OR 1=1 --"), UNPROVEN),
    "kid missing": (lambda: signed(claims("lab"), kid=None), "names its key by kid"),
    "kid no text": (lambda: unsigned(claims("lab"), alg="ES384", kid=["ec-1"]), "names its key"),
    "typ of an access token": (lambda: signed(claims("lab"), typ="at+jwt"), "typ is JWT"),
    "typ missing": (lambda: signed(claims("lab"), typ=None), "typ is JWT"),
    "iss missing": (lambda: signed(claims("lab", iss=None)), "iss and sub"),
    "sub missing": (lambda: signed(claims("lab", sub=None)), "iss and sub"),
    "sub another": (lambda: signed(claims("lab", sub="desk")), "iss and sub"),
    "iss another": (lambda: signed(claims("lab", iss="desk")), "iss and sub"),
    "a client with a secret": (lambda: signed(claims("desk")), UNPROVEN),
    "a client that is none": (lambda: signed(claims("nobody")), UNPROVEN),
    "an id that is a path": (lambda: signed(claims("../lab")), UNPROVEN),
    "aud missing": (lambda: signed(claims("lab", aud=None)), "aud is the address"),
    "aud another server": (
        lambda: signed(claims("lab", aud="https://other.test/oauth/token")),
        "aud is the address",
    ),
    "aud the FHIR base": (
        lambda: signed(claims("lab", aud="https://hospital.test/fhir")),
        "aud is the address",
    ),
    "aud longer": (
        lambda: signed(claims("lab", aud="https://hospital.test/oauth/token/x")),
        "aud is the address",
    ),
    "aud two servers": (
        lambda: signed(
            claims("lab", aud=["https://hospital.test/oauth/token", "https://other.test/token"])
        ),
        "aud is the address",
    ),
    "expired": (lambda: signed(claims("lab", exp=int(time.time()) - 6)), "has expired"),
    "exp missing": (lambda: signed(claims("lab", exp=None)), "has expired"),
    "exp too late": (lambda: signed(claims("lab", exp=int(time.time()) + 320)), "300 seconds"),
    "exp no number": (lambda: signed(claims("lab", exp="soon")), "exp is a number"),
    "exp true": (lambda: signed(claims("lab", exp=True)), "exp is a number"),
    "exp infinite": (lambda: signed(claims("lab", exp=float("inf"))), "exp is a number"),
    "exp not a number": (lambda: signed(claims("lab", exp=float("nan"))), "exp is a number"),
    "nbf later": (lambda: signed(claims("lab", nbf=int(time.time()) + 60)), "nbf is in the future"),
    "iat later": (lambda: signed(claims("lab", iat=int(time.time()) + 60)), "iat is in the future"),
    "jti missing": (lambda: signed(claims("lab", jti=None)), "has a jti"),
    "jti empty": (lambda: signed(claims("lab", jti="")), "has a jti"),
    "jti no text": (lambda: signed(claims("lab", jti=7)), "has a jti"),
    "jti long": (lambda: signed(claims("lab", jti="x" * 256)), "has a jti"),
    "iss twice": (lambda: twice("iss", "desk"), "base64url of a JSON object"),
    "too long": (lambda: signed(claims("lab", padding="x" * 9000)), "at most 8192"),
    "five parts": (lambda: signed(claims("lab")) + ".x.y", "compact form"),
    "no JSON": (lambda: "e30.e30", "compact form"),
    "deep": (
        lambda: base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.x",
        "base64url of a JSON object",
    ),
    "bytes": (lambda: "\x00.\xff.é", "base64url of a JSON object"),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_assertion_is_refused(there: Authority, name: str) -> None:
    make, words = ATTACKS[name]
    answer = await there.by_assertion(make())
    assert answer.status_code == 401, answer.text
    assert answer.json()["error"] == "invalid_client"
    assert words in answer.json()["error_description"]
    assert "access_token" not in answer.text
    trail = await there.house.audit()
    assert not [r for r in trail if r.interaction == "oauth-token"]


async def test_what_the_attacks_change_passes(there: Authority) -> None:
    now = int(time.time())
    for good in (
        claims("lab"),
        claims("lab", exp=now + 300, nbf=now - 5),
        claims("lab", aud=["https://hospital.test/oauth/token"]),
    ):
        assert (await there.by_assertion(signed(good))).status_code == 200


async def test_an_assertion_is_used_once(there: Authority) -> None:
    raw = signed(claims("lab"))
    assert (await there.by_assertion(raw)).status_code == 200
    answer = await there.by_assertion(raw)
    assert answer.status_code == 401
    assert "used" in answer.json()["error_description"]


async def test_a_jti_is_used_once_whatever_else_is_said(there: Authority) -> None:
    now = int(time.time())
    assert (await there.by_assertion(signed(claims("lab", jti="one")))).status_code == 200
    later = signed(claims("lab", jti="one", exp=now + 299), "RS384")
    assert (await there.by_assertion(later)).status_code == 401


async def test_two_clients_may_use_the_same_jti(there: Authority) -> None:
    await there.add(registered("ward", "system/*.rs", "private_key_jwt"))
    for id in ("lab", "ward"):
        assert (await there.by_assertion(signed(claims(id, jti="one")))).status_code == 200


async def test_an_assertion_is_used_once_on_all_processes_and_after_a_restart() -> None:
    state, raw = MemoryState(), signed(claims("lab"))
    async with open_authority(MemoryStore(system_clock), state) as one:
        await one.add(registered("lab", "system/*.rs", "private_key_jwt"))
        assert (await one.by_assertion(raw)).status_code == 200
    async with open_authority(MemoryStore(system_clock), state) as other:
        await other.all.server.sweep()
        assert (await other.by_assertion(raw)).status_code == 401


async def test_an_assertion_for_another_server_does_not_pass_with_its_name_as_the_host() -> None:
    async with open_authority(MemoryStore(system_clock), addressing=Addressing()) as there:
        await there.add(registered("lab", "system/*.rs", "private_key_jwt"))
        there.http.headers["host"] = "other.test"
        raw = signed(claims("lab", aud="https://other.test/oauth/token"))
        answer = await there.by_assertion(raw)
        assert answer.status_code == 401
        assert "CAREPLANE_BASE_URL" in answer.json()["error_description"]
        found = await there.http.get("/fhir/.well-known/smart-configuration")
        assert "private_key_jwt" not in found.text


async def test_a_key_of_one_client_is_none_of_another(there: Authority) -> None:
    own = ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)
    await there.add(registered("ward", "system/*.rs", "private_key_jwt", jwks=public(own)))
    assert (await there.by_assertion(signed(claims("ward"), key=own))).status_code == 200
    assert (await there.by_assertion(signed(claims("lab"), key=own))).status_code == 401
    assert (await there.by_assertion(signed(claims("ward")))).status_code == 401
