"""Apps that act for people, over HTTP: in this process on every engine, and a served installation
with two processes on each kind of database, set up from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fhir_house import House, observation, patient
from tests.launch_house import (
    REDIRECT,
    ROLES,
    Launching,
    Pkce,
    answer,
    claims_in,
    fields_of,
    leads_to,
)
from tests.oauth_house import open_authority
from tools.bench import server

pytestmark = pytest.mark.anyio
ALONE = "openid fhirUser launch/patient offline_access patient/*.rs"


@pytest.fixture
async def here(house: House) -> AsyncIterator[Launching]:
    async with open_authority(house.store, house.state, roles=ROLES) as there:
        launching = Launching(there)
        await launching.add("pub")
        await launching.add("conf", method="client_secret", launch_url="https://app.example/l?a=b")
        for number in ("1", "2"):
            await house.put(patient(f"p{number}"))
            await house.put(observation(f"o{number}", f"p{number}"))
        relative = {"resourceType": "RelatedPerson", "id": "r2", "active": True}
        await house.put({**relative, "patient": {"reference": "Patient/p2"}})
        yield launching


async def test_a_patient_uses_an_app_comes_back_and_ends_it(here: Launching) -> None:
    app = here.app("pub")
    async with here.person("patient") as person:
        said = await app.tokens(person, ALONE)
        assert said["patient"] == "p1"
        for _ in range(2):
            said = (await app.refresh(said["refresh_token"])).json()
        part = (await app.refresh(said["refresh_token"], scope="patient/Observation.r")).json()
        assert part["scope"] == "patient/Observation.r"
        assert (await here.there.get("Observation/o1", part["access_token"])).status_code == 200
        assert (await here.there.get("Observation", part["access_token"])).status_code == 403
        whole = (await app.refresh(part["refresh_token"])).json()
        assert set(whole["scope"].split()) == set(ALONE.split())
        again = await person.asked(app.asks(ALONE))
        assert "code" in answer(leads_to(again))  # it was allowed before
        page = await person.http.get("/apps")
        assert "Pub" in page.text
        await person.http.post("/apps", data={"client": "pub"})
        assert (await here.there.get("Patient/p1", whole["access_token"])).status_code == 401
        assert leads_to(await person.asked(app.asks(ALONE))) == ""
    told = [r for r in await here.there.house.audit() if r.interaction.startswith("oauth-")]
    kinds = [r.interaction for r in told]
    assert kinds.count("oauth-authorize") == 2
    assert kinds.count("oauth-end") == 1
    assert {r.agent for r in told} == {"Patient/p1"}
    assert all("client/pub" in r.query for r in told)


async def test_staff_choose_a_patient_and_open_from_a_chart(here: Launching) -> None:
    async with here.person("physician") as person:
        said = await here.app("pub").tokens(person, ALONE, patient="p2")
        assert (said["patient"], claims_in(said["access_token"])["sub"]) == (
            "p2",
            "Practitioner/dr",
        )
        assert (await here.there.get("Patient/p1", said["access_token"])).status_code == 404
        chart = await person.http.get("/patients/p1/apps")
        assert "Open “Conf”" in chart.text
        assert "Pub" not in chart.text.partition("<main")[2]
        page = await person.http.post("/patients/p1/apps/conf")
        assert leads_to(page).startswith("https://app.example/l?a=b&iss=")
        opened = answer(leads_to(page))
        request = here.app("conf").asks(
            "launch patient/*.rs online_access", launch=opened["launch"]
        )
        done = await here.app("conf").redeem(await person.decides(await person.asked(request)))
        assert done.json()["patient"] == "p1"
        assert "encounter" not in done.json()


async def test_a_relative_chooses_among_theirs(here: Launching) -> None:
    async with here.person("proxy") as person:
        said = await here.app("pub").tokens(person, ALONE, patient="p2")
        assert said["patient"] == "p2"
        assert (await here.there.get("Observation/o2", said["access_token"])).status_code == 200
        assert (await here.there.get("Observation/o1", said["access_token"])).status_code == 404


async def test_a_sign_in_on_the_way_leads_back(here: Launching) -> None:
    app = here.app("pub")
    async with here.person() as person:
        page = await person.asked(app.asks(ALONE))
        onward = page.headers["location"]
        assert onward.startswith("/sign-in?next=")
        form = await person.http.get(onward)
        hidden = re.search(r'name="next" value="([^"]+)"', form.text)
        assert hidden
        goal = hidden[1].replace("&amp;", "&")
        entered = await person.http.post("/sign-in", data={"role": "patient", "next": goal})
        consent = await person.http.get(entered.headers["location"])
        said = (await app.redeem(await person.decides(consent))).json()
        assert said["patient"] == "p1"


def careplane(data: Path, database: str, *words: str) -> Any:
    return json.loads(server.command(*words, "--json", data=data, database=database))


def test_an_app_of_a_served_installation(database: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    scopes = ("--scope", "launch launch/patient openid fhirUser offline_access patient/*.rs")
    made = careplane(
        data, database, "client", "add", "Diary", "--id", "diary", "--public", *scopes,
        "--redirect-uri", REDIRECT, "--launch-url", "https://app.example/launch",
    )  # fmt: skip
    assert "client_secret" not in made
    assert made["redirect_uris"] == [REDIRECT]
    invited = careplane(data, database, "client", "invite", *scopes)["initial_access_token"]
    settings = {"CAREPLANE_DATABASE": database}
    with server.serving(data, workers=2, settings=settings) as running:
        root = running.base.removesuffix("/fhir")
        bearer = {"authorization": f"Bearer {running.token}"}
        person = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Served"}]}
        done = httpx.put(f"{running.base}/Patient/p1", json=person, headers=bearer)
        assert done.status_code == 201
        token = careplane(
            data, database, "token", "--user", "Patient/p1", "--scope", "patient/*.rs"
        )["access_token"]
        session = httpx.Client(base_url=root)
        assert session.post("/sign-in", data={"token": token}).status_code == 303
        pkce = Pkce()
        request = {
            "response_type": "code", "client_id": "diary", "redirect_uri": REDIRECT, "state": "s",
            "scope": "openid launch/patient patient/*.rs", "aud": running.base,
            "code_challenge": pkce.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        found = httpx.get(f"{root}/.well-known/openid-configuration").json()
        assert found["issuer"] == root
        page = session.get(found["authorization_endpoint"], params=request)
        consent = session.get(leads_to(page))
        told = session.post("/oauth/continue", data=fields_of(consent) | {"decision": "allow"})
        said = answer(told.headers["location"])
        assert said["iss"] == root
        form = {
            "grant_type": "authorization_code", "client_id": "diary", "redirect_uri": REDIRECT,
            "code": said["code"], "code_verifier": pkce.verifier,
        }  # fmt: skip
        answers = [httpx.post(found["token_endpoint"], data=form) for _ in range(4)]
        assert sorted(one.status_code for one in answers) == [200, 400, 400, 400]
        got = next(one.json() for one in answers if one.status_code == 200)
        assert got["patient"] == "p1"
        keys = {json.dumps(httpx.get(found["jwks_uri"]).json()) for _ in range(8)}
        assert len(keys) == 1  # of both processes
        stated = httpx.get(f"{running.base}/metadata").json()["rest"][0]["security"]
        assert stated["extension"][0]["extension"][0]["valueUri"].endswith("/oauth/authorize")
        metadata = {"client_name": "Other", "redirect_uris": [REDIRECT]}
        carried = {"authorization": f"Bearer {invited}"}
        for status in (201, 401):
            done = httpx.post(found["registration_endpoint"], json=metadata, headers=carried)
            assert done.status_code == status
        session.close()
    listed = {one["client_name"] for one in careplane(data, database, "client", "list")}
    assert listed == {"Diary", "Other"}
