"""Attacks with access tokens: revoked, expired, forged, of others; and on scopes."""

from __future__ import annotations

import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from careplane.access.scopes import parse_scopes
from careplane.access.smart.granting import grant, narrowed
from careplane.access.smart.refusal import Refused
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import Tokens
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Unauthenticated
from careplane.storage.engines.memory import MemoryState, MemoryStore
from tests.contracts.conftest import Hands
from tests.oauth_house import Authority, open_authority, registered

pytestmark = pytest.mark.anyio


async def token(there: Authority, id: str = "desk") -> str:
    answer = await there.by_secret(id)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def test_a_revoked_token_is_over(there: Authority) -> None:
    one, other = await token(there), await token(there)
    answer = await there.post("revoke", {"token": one}, auth=("desk", there.secrets["desk"]))
    assert answer.status_code == 200
    assert (await there.get("Patient/p1", one)).status_code == 401
    assert (await there.get("Patient/p1", other)).status_code == 200


async def test_a_disabled_client_has_no_good_token_and_gets_none(there: Authority) -> None:
    held = await token(there)
    await there.registrar.disable("desk")
    assert (await there.get("Patient/p1", held)).status_code == 401
    assert (await there.by_secret("desk")).status_code == 401
    asked = await there.post("introspect", {"token": held}, auth=("desk", there.secrets["desk"]))
    assert asked.status_code == 401
    await there.registrar.enable("desk")
    assert (await there.get("Patient/p1", held)).status_code == 401
    assert (await there.get("Patient/p1", await token(there))).status_code == 200


async def test_a_client_that_is_registered_anew_does_not_revive_old_tokens(
    there: Authority,
) -> None:
    held, old = await token(there), there.secrets["desk"]
    await there.registrar.remove("desk")
    assert (await there.get("Patient/p1", held)).status_code == 401
    await there.add(registered("desk", "system/Patient.rs"))
    assert (await there.get("Patient/p1", held)).status_code == 401
    answer = await there.post(
        "token",
        {"grant_type": "client_credentials", "scope": "system/*.rs"},
        auth=("desk", old),
    )
    assert answer.status_code == 401


async def test_another_process_learns_of_it_and_one_that_is_blind_lets_nobody_in() -> None:
    state, clock = MemoryState(), Hands()
    async with open_authority(MemoryStore(system_clock), state, clock) as there:
        await there.add(registered("desk", "system/Patient.rs"))
        held = await token(there)
        other = Standing(state, clock)
        elsewhere = Tokens(bytes(32), clock, other.is_revoked)
        await other.watch()
        assert elsewhere.resolve(held).id == "client/desk"
        await there.registrar.disable("desk")
        await other.look()
        with pytest.raises(Unauthenticated, match="revoked"):
            elsewhere.resolve(held)
        await other.close()
        clock.now += 5_000_001
        with pytest.raises(Busy):
            elsewhere.resolve(held)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("a session's key", {"key": b"s" * 32}),
        ("another issuer", {"iss": "elsewhere"}),
        ("another audience", {"aud": "careplane/pages"}),
        ("no audience", {"aud": None}),
        ("no id", {"jti": None}),
        ("an id token", {"typ": "JWT"}),
        ("expired", {"exp": 1}),
        ("another algorithm", {"alg": "HS512"}),
    ],
)
async def test_a_token_like_ours_is_refused(
    there: Authority, name: str, change: dict[str, object]
) -> None:
    good = there.tokens.issue(there.caller("system/*.rs"), 60)
    said = {**json.loads(base64.urlsafe_b64decode(good.split(".")[1] + "==")), **change}
    key, header = change.get("key", bytes(32)), {"alg": "HS256", "typ": "at+jwt"}
    header |= {name: str(said.pop(name)) for name in ("alg", "typ") if name in said}
    said = {name: value for name, value in said.items() if value is not None and name != "key"}
    raw = jwt.encode(header, said, OctKey.import_key(key), algorithms=[header["alg"]])
    assert (await there.get("Patient/p1", good)).status_code == 200
    assert (await there.get("Patient/p1", raw)).status_code == 401


async def test_a_token_can_be_seen_only_by_its_client_or_one_that_inspects(
    there: Authority,
) -> None:
    await there.add(registered("ward", "system/*.rs"))
    await there.add(registered("gate", "system/*.rs", inspects=True))
    await there.add(registered("abroad", "system/*.rs", inspects=True, tenant=2))
    held = await token(there)
    seen = {}
    for id in ("desk", "ward", "gate", "abroad"):
        answer = await there.post("introspect", {"token": held}, auth=(id, there.secrets[id]))
        seen[id] = answer.json()["active"]
    assert seen == {"desk": True, "ward": False, "gate": True, "abroad": False}
    assert (await there.post("introspect", {"token": held})).status_code == 401
    assert (await there.post("introspect", {"token": held, "client_id": "desk"})).status_code == 401


async def test_nobody_ends_a_token_of_another(there: Authority) -> None:
    await there.add(registered("ward", "system/*.rs"))
    held = await token(there)
    answer = await there.post("revoke", {"token": held}, auth=("ward", there.secrets["ward"]))
    assert answer.json()["error"] == "unauthorized_client"
    assert (await there.get("Patient/p1", held)).status_code == 200
    assert (await there.post("revoke", {"token": held})).status_code == 401


UPGRADES = [
    ("system/*.cruds", "system/Patient.rs"),
    ("system/Patient.cruds system/*.purge", "system/Patient.rs"),
    ("system/Patient.*", "system/Patient.rs"),
    ("system/Patient.read system/Patient.write", "system/Patient.read"),
    ("system/Patient.purge system/Patient.s", "system/Patient.s"),
]


@pytest.mark.parametrize(("asked", "granted"), UPGRADES)
async def test_more_is_not_granted(there: Authority, asked: str, granted: str) -> None:
    answer = await there.by_secret("desk", asked)
    assert answer.json()["scope"] == granted
    held = answer.json()["access_token"]
    created = await there.http.put(
        "/fhir/Patient/p2",
        json={"resourceType": "Patient", "id": "p2"},
        headers={"authorization": f"Bearer {held}"},
    )
    assert created.status_code == 403


@pytest.mark.parametrize(
    "asked",
    [
        "system/Observation.rs",
        "system/Patient.cud",
        "system/Patient.purge",
        "user/Patient.rs",
        "patient/Patient.rs",
        "launch openid",
        "system/Patient.sr",
        "system/Nothing.rs",
        "system/*",
        "",
        " ",
        "system/Patient.rs " * 65,
        "system/Patient.rs?" + "x" * 5000,
    ],
)
async def test_a_scope_is_refused(there: Authority, asked: str) -> None:
    answer = await there.by_secret("desk", asked)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


GRANULAR = [
    ("system/Observation.rs", "system/Observation.rs?category=lab"),
    ("system/*.rs", "system/Observation.rs?category=lab"),
    ("system/Observation.rs?status=final", "system/Observation.rs?category=lab&status=final"),
    ("system/Observation.rs?category=vital", "system/Observation.rs?category=lab&category=vital"),
    ("system/Observation.read", "system/Observation.rs?category=lab"),
]


@pytest.mark.parametrize(("asked", "granted"), GRANULAR)
def test_an_argument_of_the_registration_stays(asked: str, granted: str) -> None:
    limit = parse_scopes("system/Observation.rs?category=lab")
    assert list(map(str, grant(asked, limit))) == [granted]


@pytest.mark.parametrize("context", ["user", "patient"])
def test_a_scope_of_a_person_is_none_of_a_program(context: str) -> None:
    (person,), limits = parse_scopes(f"{context}/Patient.rs"), parse_scopes("system/*.rs")
    with pytest.raises(Refused, match="Without a person"):
        grant(str(person), limits)
    assert [narrowed(person, limit) for limit in limits] == [None]


def test_scopes_do_not_multiply_without_end() -> None:
    limits = parse_scopes(" ".join(f"system/Patient.rs?name=n{n}" for n in range(64)))
    asked = " ".join(f"system/*.rs?birthdate=ge19{n:02d}" for n in range(64))
    with pytest.raises(Refused, match="fewer"):
        grant(asked, limits)


def test_an_argument_that_is_asked_for_narrows() -> None:
    limit = parse_scopes("system/*.cruds")
    asked = "system/Observation.rs?category=lab"
    assert grant(asked, limit) == {next(iter(parse_scopes(asked))): asked}
    with pytest.raises(Refused):
        grant("system/Patient.purge", limit)
