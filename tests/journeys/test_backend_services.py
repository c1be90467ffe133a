"""A backend service from its registration to its last token (SMART App Launch 2.2, Backend
Services), over each engine; and served, by two processes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.access.smart.assertion import TYPE
from tests.fhir_house import House, observation, patient
from tests.oauth_house import (
    AUDIENCE,
    JWKS,
    Authority,
    claims,
    open_authority,
    registered,
    signed,
)
from tools.bench import server

pytestmark = pytest.mark.anyio


@pytest.fixture
async def there(house: House) -> AsyncIterator[Authority]:
    async with open_authority(house.store) as authority:
        for resource in (patient("p1"), observation("o1", "p1")):
            await house.put(resource)
        yield authority


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a_service_signs_gets_a_token_and_reads(there: Authority, algorithm: str) -> None:
    await there.add(registered("lab", "system/Observation.rs", "private_key_jwt"))
    found = (await there.http.get("/fhir/.well-known/smart-configuration")).json()
    assert found["token_endpoint"] == AUDIENCE
    answer = await there.by_assertion(signed(claims("lab"), algorithm), "system/Observation.rs")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert (said["token_type"], said["expires_in"]) == ("bearer", 300)
    assert said["scope"] == "system/Observation.rs"
    assert (await there.get("Observation/o1", said["access_token"])).status_code == 200
    assert (await there.get("Patient/p1", said["access_token"])).status_code == 403
    trail = await there.house.audit()
    assert [r.query for r in trail if r.interaction == "oauth-token"] == ["system/Observation.rs"]
    assert {r.agent for r in trail if r.interaction == "read"} == {"client/lab"}


async def test_what_is_said_of_the_server_is_what_it_does(there: Authority) -> None:
    answer = await there.http.get("/fhir/.well-known/smart-configuration")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    found = answer.json()
    ends = {name: found[f"{name}_endpoint"] for name in ("token", "introspection", "revocation")}
    for address in ends.values():
        assert (await there.http.post(address, data={"a": "b"})).status_code == 401
    assert "client_credentials" in found["grant_types_supported"]
    named = {"client-confidential-asymmetric", "client-confidential-symmetric"}
    assert named | {"permission-v1", "permission-v2"} <= set(found["capabilities"])
    await there.add(registered("lab", "system/*.cruds", "private_key_jwt"))
    await there.add(registered("desk", "system/*.cruds"))
    for algorithm in found["token_endpoint_auth_signing_alg_values_supported"]:
        assert (await there.by_assertion(signed(claims("lab"), algorithm))).status_code == 200
    for scope in (one for one in found["scopes_supported"] if one.startswith("system/")):
        assert (await there.by_secret("desk", scope)).json()["scope"] == scope
    asked = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    posted = {"client_id": "desk", "client_secret": there.secrets["desk"]}
    assert (await there.post("token", asked | posted)).status_code == 200


async def test_methods_and_origins(there: Authority) -> None:
    ahead = await there.http.options("/oauth/token", headers={"origin": "https://app.test"})
    assert (ahead.status_code, ahead.headers["access-control-allow-methods"]) == (
        204,
        "POST, OPTIONS",
    )
    wrong = await there.http.get("/oauth/token")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, OPTIONS")
    head = await there.http.head("/fhir/.well-known/smart-configuration")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_token_tells_of_itself_until_it_is_revoked(there: Authority) -> None:
    await there.add(registered("lab", "system/Observation.rs?category=laboratory"))
    auth = ("lab", there.secrets["lab"])
    token = (await there.by_secret("lab")).json()["access_token"]
    said = (await there.post("introspect", {"token": token}, auth=auth)).json()
    assert said["active"] is True
    assert said["scope"] == "system/Observation.rs?category=laboratory"
    assert (said["client_id"], said["sub"]) == ("lab", "client/lab")
    assert said["exp"] - said["iat"] == 300
    for _ in range(2):
        gone = await there.post("revoke", {"token": token, "token_type_hint": "x"}, auth=auth)
        assert gone.status_code == 200
    assert (await there.post("introspect", {"token": token}, auth=auth)).json() == {"active": False}
    trail = [r for r in await there.house.audit() if r.interaction.startswith("oauth-")]
    assert [(r.agent, r.interaction) for r in trail] == [
        ("client/lab", f"oauth-{what}")
        for what in ("token", "introspect", "revoke", "revoke", "introspect")
    ]


async def test_a_granular_scope_filters_what_is_found(there: Authority) -> None:
    await there.house.put(
        observation(
            "o2",
            "p1",
            category=[{"coding": [{"code": "laboratory"}]}],
        )
    )
    await there.add(registered("lab", "system/Observation.rs?category=laboratory"))
    for asked in ("system/Observation.read", "system/*.rs", "system/Observation.s?status=final"):
        token = (await there.by_secret("lab", asked)).json()["access_token"]
        found = (await there.get("Observation", token)).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == ["o2"]


async def test_a_process_that_is_blind_answers_503(there: Authority) -> None:
    await there.add(registered("lab", "system/*.rs"))
    token = (await there.by_secret("lab")).json()["access_token"]
    await there.standing.watch()
    assert (await there.get("Patient/p1", token)).status_code == 200
    await there.standing.close()
    there.standing._looked -= 5_000_001
    answer = await there.get("Patient/p1", token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_service_of_a_served_installation(database: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    keys = tmp_path / "keys.json"
    keys.write_bytes(JWKS)

    def careplane(*words: str) -> Any:
        return json.loads(server.command("client", *words, "--json", data=data, database=database))

    keyed = ("--jwks", str(keys), "--id", "lab")
    assert "client_secret" not in careplane("add", "Lab", "--scope", "system/*.read", *keyed)
    desk = careplane("add", "Front desk", "--scope", "system/Patient.rs", "--introspect")
    settings = {"CAREPLANE_DATABASE": database}
    with server.serving(data, workers=2, settings=settings) as running:
        root = running.base.removesuffix("/fhir")
        found = httpx.get(f"{running.base}/.well-known/smart-configuration").json()
        stated = httpx.get(f"{running.base}/metadata").json()["rest"][0]["security"]
        codes = {one["code"] for one in stated["service"][0]["coding"]}
        assert codes == {"OAuth", "SMART-on-FHIR"}
        assert found["token_endpoint"] == f"{root}/oauth/token"
        assert found["token_endpoint"] in stated["description"]
        form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
        raw = signed(claims("lab", aud=found["token_endpoint"]), "RS384")
        proof = {"client_assertion_type": TYPE, "client_assertion": raw}
        answers = [httpx.post(found["token_endpoint"], data=form | proof) for _ in range(8)]
        assert sorted(one.status_code for one in answers) == [200] + [401] * 7
        token = answers[0].json()["access_token"]

        def asked(token: str) -> list[httpx.Response]:
            """Over many connections, so that both processes answer some."""
            head = {"authorization": f"Bearer {token}"}
            url = f"{running.base}/Patient"
            return [httpx.get(url, headers=head, verify=False) for _ in range(12)]

        def is_good(token: str) -> bool:
            return {answer.status_code for answer in asked(token)} == {200}

        def is_over(token: str) -> bool:
            """Within five seconds on both."""
            ends = time.monotonic() + 5
            while time.monotonic() < ends:
                answers = asked(token)
                if {answer.status_code for answer in answers} == {401}:
                    return True
            raise AssertionError({answer.text for answer in answers})

        assert is_good(token)
        auth = (desk["client_id"], desk["client_secret"])
        seen = httpx.post(found["introspection_endpoint"], data={"token": token}, auth=auth)
        assert seen.json()["client_id"] == "lab"
        assert careplane("disable", "lab")["state"] == "disabled"
        assert is_over(token)
        assert is_good(running.token)
        server.command("revoke", running.token, data=data, database=database)
        assert is_over(running.token)
        fresh = careplane("rotate", auth[0])["client_secret"]
        answers = [
            httpx.post(found["token_endpoint"], data=form, auth=(auth[0], secret))
            for secret in (auth[1], fresh)
        ]
        assert [answer.status_code for answer in answers] == [401, 200]
    listed = {one["client_id"]: one["state"] for one in careplane("list")}
    assert listed == {"lab": "disabled", auth[0]: "active"}
    assert careplane("enable", "lab")["state"] == "active"
    assert careplane("remove", "lab")["removed"] is True
    assert careplane("show", auth[0])["scope"] == ["system/Patient.rs"]
