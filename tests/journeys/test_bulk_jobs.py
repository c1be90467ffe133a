"""What becomes of bulk jobs: failures, cancelling, expiry, too many."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from careplane.kernel.errors import Busy, Fault
from careplane.records.door import Door
from tests.bulk_house import BulkHouse, open_bulk_house
from tests.fhir_house import patient

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[BulkHouse]:
    async with open_bulk_house(tmp_path / "data") as house:
        await house.put(patient("1"))
        yield house


def _files(house: BulkHouse) -> list[Path]:
    """By os.walk, which does not mind that folders go while it looks."""
    return [Path(at) / name for at, _, names in os.walk(house.data / "bulk") for name in names]


async def _until(condition: Any) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It does not come true.")


async def test_a_job_that_fails_says_why(house: BulkHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise Fault("The store is broken.")

    monkeypatch.setattr(Door, "export", fails)
    answer = await house.done(await house.http.get("$export"))
    assert answer.status_code == 500
    assert "The store is broken." in answer.json()["issue"][0]["diagnostics"]

    async def stumbles(*_: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(Door, "export", stumbles)
    answer = await house.done(await house.http.get("$export"))
    assert answer.status_code == 500
    assert "secret" not in answer.text


async def test_what_is_busy_is_tried_again(
    house: BulkHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = Door.export, 0

    async def busy_once(self: Door, *asked: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Busy("Not now.")
        return await original(self, *asked)

    monkeypatch.setattr(Door, "export", busy_once)
    manifest = await house.export("$export?_type=Patient")
    assert [item["count"] for item in manifest["output"]] == [1]


async def test_what_is_cancelled_on_its_way_leaves_nothing(
    house: BulkHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, reached = Door.export, asyncio.Event()

    async def slow(self: Door, *asked: Any) -> Any:
        reached.set()
        await asyncio.sleep(0.05)
        return await original(self, *asked)

    monkeypatch.setattr(Door, "export", slow)
    kickoff = await house.http.get("$export?_type=Patient,Observation,Encounter,Condition")
    await reached.wait()
    assert (await house.http.delete(kickoff.headers["content-location"])).status_code == 202
    assert (await house.http.get(kickoff.headers["content-location"])).status_code == 404
    await _until(lambda: not _files(house))
    state = house.here.state
    for _ in range(200):
        left = [await state.scan(None, space) for space in ("job", "job-queue", "job-note")]
        if not any(left):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(left)


async def test_output_expires(tmp_path: Path) -> None:
    async with open_bulk_house(tmp_path / "data", bulk_keep_hours=1 / 3600) as house:
        await house.put(patient("1"))
        kickoff = await house.http.get("$export")
        manifest = (await house.done(kickoff)).json()
        await asyncio.sleep(1.1)
        for url in (kickoff.headers["content-location"], manifest["output"][0]["url"]):
            assert (await house.http.get(url)).status_code == 404
        assert _files(house)
    async with open_bulk_house(tmp_path / "data") as house:  # a service begins by tidying
        await _until(lambda: not _files(house))


async def test_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careplane.interop.bulk.service.MOST_WAITING", 3)
    async with open_bulk_house(tmp_path / "data") as house:
        await house.here.background.stop()
        answers = [await house.http.get("$export") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        assert answers[-1].headers["retry-after"]
