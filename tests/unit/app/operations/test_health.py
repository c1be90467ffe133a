"""`/livez` and `/readyz`: what they say, and that they leave no trace in the audit trail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from careplane.app import keys
from careplane.app.build import TENANT, Careplane, build
from careplane.app.operations import health
from careplane.app.operations.health import Check, Health
from careplane.app.operations.traffic import Traffic
from careplane.app.settings import Settings
from careplane.kernel.errors import Fault, Full

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def good() -> None:
    pass


async def bad() -> None:
    raise Fault("The data folder is damaged")


async def full() -> None:
    raise Full("The disk is full")


async def slow() -> None:
    await asyncio.sleep(60)


@pytest.fixture
def house(tmp_path: Path) -> Careplane:
    keys.create(tmp_path)
    return build(Settings(data=tmp_path), for_long=True)


def client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://h.test")  # type: ignore[arg-type]


async def test_a_house_is_ready_until_it_is_told_to_go(house: Careplane) -> None:
    async with client(house.asgi) as http:
        ready = await http.get("/readyz")
        house.traffic.drain()
        leaving = await http.get("/readyz")
        live = await http.get("/livez")
    trail = await house.store.tail(TENANT)
    await house.close()
    assert (ready.status_code, ready.headers["content-type"]) == (200, "application/json")
    checks = dict.fromkeys(("store", "writer", "room", "traffic"), "good")
    assert ready.json() == {"status": "ready", "checks": checks}
    assert leaving.status_code == 503
    assert leaving.json() == {"status": "not ready", "checks": checks | {"traffic": "draining"}}
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert trail == []


async def test_a_house_whose_store_is_closed_is_not_ready(tmp_path: Path) -> None:
    keys.create(tmp_path)
    house = build(Settings(data=tmp_path))
    await house.close()
    async with client(house.asgi) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["store"] == "bad"


@pytest.mark.parametrize(
    ("check", "said"), [(good, "good"), (full, "full"), (bad, "bad"), (slow, "slow")]
)
async def test_a_check_is_named_with_its_state(
    check: Check, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_SECONDS", 0.02)
    async with client(Health({"one": check}, Traffic())) as http:
        answer = await http.get("/readyz")
    assert answer.json()["checks"]["one"] == said
    assert answer.status_code == (200 if said in ("good", "full") else 503)
    assert "damaged" not in answer.text


async def test_other_methods_are_refused_and_head_has_no_body() -> None:
    async with client(Health({}, Traffic())) as http:
        assert (await http.post("/readyz")).status_code == 405
        head = await http.head("/livez")
    assert (head.status_code, head.content) == (200, b"")
