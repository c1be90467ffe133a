"""North reaches for what services do for south: jobs, files, imports, subscriptions, websockets,
search parameters, the authorization server, pages and their sessions.

Each attack is made by south as well, who must get through. What each guard is stands with its test.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from careplane.access.smart.client import Client
from careplane.interop.subscriptions.catalogue import change_of
from tests.fhir_house import observation, patient
from tests.subscription_house import subscription
from tests.tenant_house import MARK, ORIGIN, SOUTH_HOST, TenantHouse, put

pytestmark = pytest.mark.anyio
LATER = {"prefer": "respond-async"}


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await check():
            await asyncio.sleep(0.05)


def north_of(url: str) -> str:
    """The same address below north's."""
    return url.replace("/t/south/", "/t/north/")


async def test_a_request_that_is_answered_later_is_its_tenants(house: TenantHouse) -> None:
    """Guard: the tenant in `Book.find`."""
    taken = await house.south.get("Patient", headers=LATER)
    status = taken.headers["content-location"]
    assert status.startswith(f"{ORIGIN}/t/south/fhir/_async/")
    assert MARK in (await house.done(house.south, status)).text
    for attempt in (house.north.get(north_of(status)), house.north.delete(north_of(status))):
        assert (await attempt).status_code == 404
    assert MARK in (await house.south.get(status)).text


async def test_an_export_is_its_tenants(house: TenantHouse) -> None:
    """Guards: the tenant in `Book.find`, and in every statement of a snapshot."""
    house.here.background.start()
    taken = await house.south.get("$export", headers=LATER)
    status = taken.headers["content-location"]
    manifest = (await house.done(house.south, status)).json()
    files = [one["url"] for one in manifest["output"]]
    assert files
    assert all(url.startswith(f"{ORIGIN}/t/south/fhir/_bulk/") for url in files)
    assert any([MARK in _plain(await house.south.get(url)) for url in files])
    for url in (status, *files):
        assert (await house.north.get(north_of(url))).status_code == 404
    assert (await house.north.delete(north_of(status))).status_code == 404
    mine = await house.north.get("$export", headers=LATER)
    manifest = (await house.done(house.north, mine.headers["content-location"])).json()
    for one in manifest["output"]:
        assert MARK not in _plain(await house.north.get(one["url"]))


def _plain(answer: httpx.Response) -> str:
    raw = answer.content
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()


async def test_jobs_of_south_are_none_of_north(house: TenantHouse) -> None:
    """Guard: the tenant in `Book.get`."""
    taken = await house.south.post("$reindex")
    assert taken.status_code == 202, taken.text
    path = taken.headers["content-location"].rpartition("/")[2]
    assert (await house.south.get(path)).status_code == 200
    assert (await house.north.get(path)).status_code == 404


async def test_a_search_parameter_is_its_tenants(house: TenantHouse) -> None:
    """Guard: `Definitions` and `Capabilities` by tenant."""
    defined = {
        "resourceType": "SearchParameter", "id": "by-value", "status": "active",
        "url": "http://south.example/SearchParameter/by-value", "name": "ByValue",
        "description": "x", "code": "secret-param", "base": ["Observation"], "type": "string",
        "expression": "Observation.value.ofType(string)",
    }  # fmt: skip
    await put(house.south, defined)
    house.here.background.start()
    await house.south.post("SearchParameter/by-value/$reindex")

    async def works() -> bool:
        answer = await house.south.get(f"Observation?secret-param={MARK}")
        return answer.status_code == 200 and MARK in answer.text

    await until(works)
    assert "secret-param" in (await house.south.get("metadata")).text
    assert "secret-param" not in (await house.north.get("metadata")).text
    strict = {"prefer": "handling=strict"}
    refused = await house.north.get(f"Observation?secret-param={MARK}", headers=strict)
    assert refused.status_code == 400
    assert (await house.north.get("SearchParameter/by-value")).status_code == 404


async def test_nobody_hears_of_others_changes(house: TenantHouse) -> None:
    """Guard: a room for each tenant (`Rooms`), which follows its own log."""
    house.here.background.start()
    counted = {}
    for name, http in (("north", house.north), ("south", house.south)):
        wanted = subscription(change_of("Observation"), kind="websocket")
        made = await http.post("Subscription", json=wanted)
        assert made.status_code == 201, made.text
        counted[name] = str(made.json()["id"])

    async def active() -> bool:
        pair = zip((house.north, house.south), counted.values(), strict=True)
        return all(
            [(await h.get(f"Subscription/{i}")).json()["status"] == "active" for h, i in pair]
        )

    await until(active)
    await put(house.south, observation("heard", "p", valueString=MARK))

    async def told(http: httpx.AsyncClient, id: str) -> int:
        status = (await http.get(f"Subscription/{id}/$status")).json()["entry"][0]["resource"]
        found = [p for p in status["parameter"] if p["name"] == "events-since-subscription-start"]
        return int(found[0]["valueString"])

    async def south_hears() -> bool:
        return await told(house.south, counted["south"]) == 1

    await until(south_hears)
    assert await told(house.north, counted["north"]) == 0
    for operation in ("$status", "$events", "$get-ws-binding-token"):
        assert (
            await house.north.get(f"Subscription/{counted['south']}/{operation}")
        ).status_code == 404


async def _bound(house: TenantHouse, path: str, token: str) -> list[str]:
    """What a websocket at a path is told after it was bound with a token."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for message in (
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": f"bind-with-token {token}"},
    ):
        said.put_nowait(message)
    heard: list[str] = []
    over = asyncio.Event()

    async def send(message: Any) -> None:
        heard.append(str(message.get("text", message["type"])))
        if message["type"] in ("websocket.close", "websocket.send"):
            over.set()

    scope: Any = {"type": "websocket", "path": path, "raw_path": path.encode(), "headers": []}
    task = asyncio.create_task(house.here.asgi(scope, said.get, send))
    async with asyncio.timeout(10):
        await over.wait()
    said.put_nowait({"type": "websocket.disconnect"})
    await asyncio.gather(task, return_exceptions=True)
    return heard


async def test_a_binding_of_south_opens_no_socket_of_north(house: TenantHouse) -> None:
    """Guard: the seals of each tenant have a key of their own (`app.subscribing`)."""
    made = await house.south.post(
        "Subscription", json=subscription(change_of("Observation"), kind="websocket")
    )
    id = made.json()["id"]
    answer = (await house.south.get(f"Subscription/{id}/$get-ws-binding-token")).json()
    token = next(p["valueString"] for p in answer["parameter"] if p["name"] == "token")
    url = next(p["valueUrl"] for p in answer["parameter"] if p["name"] == "websocket-url")
    assert url == "ws://localhost/t/south/fhir/$subscriptions"
    path = "/t/{}/fhir/$subscriptions"
    assert any(id in text for text in await _bound(house, path.format("south"), token))
    for address in (path.format("north"), "/fhir/$subscriptions"):
        heard = await _bound(house, address, token)
        assert heard == ["websocket.accept", "websocket.close"]
    assert await _bound(house, path.format("nobody"), token) == ["websocket.close"]


async def _client(house: TenantHouse, name: str, **more: Any) -> tuple[str, str]:
    """A registered client of an institution: its id and secret."""
    tenant = house.institutions[name].number
    made, secret = await house.here.authorizing.registrar.add(
        Client(f"{name}-lab", tenant, name, ("system/*.rs",), "client_secret", 0, **more)
    )
    return made.id, secret


async def _ask(house: TenantHouse, at: str, path: str, auth: Any, **form: str) -> httpx.Response:
    root = house.institutions[at].root
    async with house.at(f"{ORIGIN}{root}/oauth/") as http:
        del http.headers["content-type"]
        return await http.post(path, data=form, auth=auth)


async def test_a_client_is_unknown_elsewhere(house: TenantHouse) -> None:
    """Guard: `Clients.find`."""
    asked = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    south = await _client(house, "south")
    good = await _ask(house, "south", "token", south, **asked)
    assert good.status_code == 200, good.text
    token = good.json()["access_token"]
    for at in ("north", "default"):
        refused = await _ask(house, at, "token", south, **asked)
        nobody = await _ask(house, at, "token", ("south-nobody", south[1]), **asked)
        assert refused.status_code == nobody.status_code == 401
        assert refused.json() == nobody.json()
    async with house.at(f"{ORIGIN}/t/south/fhir/", token) as http:
        assert MARK in (await http.get("Patient/only")).text
    async with house.at(f"{ORIGIN}/t/north/fhir/", token) as http:
        assert (await http.get("Patient/p")).status_code == 401


async def test_a_token_is_neither_seen_nor_ended_elsewhere(house: TenantHouse) -> None:
    """Guard: `Tokens.read`, by which introspection and revocation look a token up."""
    north = await _client(house, "north", inspects=True)
    south = await _client(house, "south", inspects=True)
    token = house.token("south")
    assert (await _ask(house, "south", "introspect", south, token=token)).json()["active"] is True
    said = (await _ask(house, "north", "introspect", north, token=token)).json()
    assert said == {"active": False}
    ended = await _ask(house, "north", "revoke", north, token=token)
    assert (ended.status_code, ended.json()) == (200, {})
    async with house.at(f"{ORIGIN}/t/south/fhir/", token) as http:
        assert (await http.get("Patient/only")).status_code == 200
    found = (await house.north.get(".well-known/smart-configuration")).json()
    assert found["token_endpoint"] == f"{ORIGIN}/t/north/oauth/token"


async def test_a_session_is_of_one_institution(house: TenantHouse) -> None:
    """Guard: `Tokens.read`, by which a cookie is looked up. Pages stand on a host of their own."""
    names = {"south": 200, "north": 303, "default": 303}
    for name, status in names.items():
        cookie = {"cookie": f"careplane={house.token(name)}"}
        async with house.at(f"http://{SOUTH_HOST}/") as http:
            answer = await http.get("records/Patient/only/raw", headers=cookie)
        assert answer.status_code == status, (name, answer.text)
        assert (MARK in answer.text) == (name == "south")
    async with house.at(f"{ORIGIN}/") as http:
        for path in ("records/Patient/only/raw", "t/south/records/Patient/only/raw", "t/south/"):
            south = {"cookie": f"careplane={house.token('south')}"}
            answer = await http.get(path, headers=south)
            assert answer.status_code in (303, 404)
            assert MARK not in answer.text


async def test_a_host_is_of_one_institution(house: TenantHouse) -> None:
    """Guard: `Entrance` looks at the host first; no header of a client leads elsewhere."""
    async with house.at(f"http://{SOUTH_HOST}/fhir/", house.token("south")) as http:
        answer = await http.get("Patient/only")
        assert MARK in answer.text
        page = (await http.get("Patient")).json()
        assert page["link"][0]["url"].startswith(f"http://{SOUTH_HOST}/fhir/Patient")
        assert (await http.get(f"http://{SOUTH_HOST}/t/north/fhir/Patient")).status_code == 404
    for host in (SOUTH_HOST, SOUTH_HOST.upper() + ":8080", SOUTH_HOST + "."):
        async with house.at(f"{ORIGIN}/fhir/", house.token("default")) as http:
            assert (await http.get("Patient/p", headers={"host": host})).status_code == 401
    forwarded = {"x-forwarded-host": SOUTH_HOST, "forwarded": f"host={SOUTH_HOST}"}
    async with house.at(f"{ORIGIN}/fhir/", house.token("south")) as http:
        assert (await http.get("Patient/only", headers=forwarded)).status_code == 401


async def test_a_disabled_institution_is_nowhere(house: TenantHouse) -> None:
    """Guard: `Tenants` knows those that are served, and no other."""
    from msgspec.structs import replace

    await house.here.tenancy.register.change("south", lambda one: replace(one, disabled=True))
    await house.here.tenancy.known.look()
    gone = await house.south.get("Patient/only")
    async with house.at(f"{ORIGIN}/t/nobody/fhir/", house.token("south")) as http:
        nobody = await http.get("Patient/only")
    assert gone.status_code == nobody.status_code == 404
    assert gone.content == nobody.content
    async with house.at(f"http://{SOUTH_HOST}/fhir/", house.token("south")) as http:
        assert (await http.get("Patient/only")).status_code == 404
    assert (await house.north.get("Patient/p")).status_code == 200
    await house.here.tenancy.register.change("south", lambda one: replace(one, disabled=False))
    await house.here.tenancy.known.look()
    assert MARK in (await house.south.get("Patient/only")).text


async def test_each_trail_is_of_its_institution(house: TenantHouse) -> None:
    """Guard: the tenant of an Account."""
    before = len(await house.audit("north"))
    await house.south.get("Patient/only")
    assert len(await house.audit("north")) == before
    assert (await house.audit("south"))[-1].interaction == "read"


async def test_bundles_with_the_same_urn_stay_apart(house: TenantHouse) -> None:
    """Guard: ids of a transaction are made within its tenant."""
    urn = "urn:uuid:0f5d3c1e-0000-4000-8000-000000000001"
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": urn, "resource": patient("x", name=[{"family": "Q"}]),
         "request": {"method": "POST", "url": "Patient"}},
        {"resource": observation("y", "p") | {"subject": {"reference": urn}},
         "request": {"method": "POST", "url": "Observation"}}]})  # fmt: skip
    made = [(await http.post("", content=body)).json() for http in (house.north, house.south)]
    for bundle, other in zip(made, (house.south, house.north), strict=True):
        for entry in bundle["entry"]:
            path = entry["response"]["location"].partition("/_history")[0].split("/fhir/")[-1]
            assert (await other.get(path)).status_code == 404
