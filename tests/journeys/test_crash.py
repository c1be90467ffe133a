"""kill -9 while 32 clients write: every acknowledged write is there after the restart, and no
bundle is there by half."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.processes import until_ended
from tools.bench import server
from tools.bench.client import Answer, Target, load

CLIENTS = 32
ENTRIES = 5


@pytest.fixture
def data(tmp_path: Path) -> Path:
    server.command("init", data=tmp_path / "data")
    return tmp_path / "data"


def requests(target: Target, seed: str) -> Iterator[bytes]:
    """By turns a single resource and a transaction of ENTRIES that carry the same mark."""
    number = 0
    while True:
        number += 1
        mark = f"{seed}-{number}"
        if number % 3:
            yield target.request("POST", "/Basic", _basic(mark))
        else:
            request = {"method": "POST", "url": "Basic"}
            entry = {"resource": json.loads(_basic(mark)), "request": request}
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * ENTRIES}
            yield target.request("POST", "", json.dumps(bundle).encode())


def _basic(mark: str) -> bytes:
    coding = {"system": "http://example.org/mark", "code": mark}
    return json.dumps({"resourceType": "Basic", "code": {"coding": [coding]}}).encode()


async def _write_and_kill(running: server.Server, seed: str) -> list[str]:
    """The locations of what was acknowledged before the server died."""
    locations: list[str] = []

    def keep(answer: Answer) -> None:
        if answer.status == 201:
            head = answer.head.decode().lower()
            locations.append(head.split("/fhir/basic/", 1)[1].split("/", 1)[0])
        elif answer.status == 200:
            for entry in json.loads(answer.body)["entry"]:
                locations.append(entry["response"]["location"].split("Basic/", 1)[1].split("/")[0])

    target = Target.of(running.base, running.token)
    writing = asyncio.ensure_future(
        load(target, requests(target, seed), connections=CLIENTS, seconds=30, keep=keep)
    )
    while not locations:
        await asyncio.sleep(0.01)
    await asyncio.sleep(random.uniform(0, 0.5))
    running.kill(signal.SIGKILL)
    await writing
    return locations


def _rounds(data: Path, rounds: int, workers: int = 1) -> None:
    written: set[str] = set()
    for number in range(rounds):
        with server.serving(data, workers=workers) as running:
            _check(running, written)
            written.update(asyncio.run(_write_and_kill(running, f"r{number}")))
    with server.serving(data) as running:
        assert len(written) > rounds
        _check(running, written)


def _check(running: server.Server, written: set[str]) -> None:
    """All that was acknowledged is there; and marks of bundles are there ENTRIES times."""
    marks: dict[str, int] = {}
    found: set[str] = set()
    for resource in server.search(running, "/Basic?_count=1000"):
        found.add(resource["id"])
        mark = resource["code"]["coding"][0]["code"]
        marks[mark] = marks.get(mark, 0) + 1
    assert written <= found
    for mark, count in marks.items():
        assert count == (ENTRIES if int(mark.split("-")[1]) % 3 == 0 else 1), mark


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_few_crashes_lose_nothing(data: Path, workers: int) -> None:
    _rounds(data, 3, workers)


@pytest.mark.slow
def test_one_process_of_several_dies_and_the_others_go_on(data: Path) -> None:
    written: list[str] = []

    def keep(answer: Answer) -> None:
        if answer.status == 201:
            head = answer.head.decode().lower()
            written.append(head.split("/fhir/basic/", 1)[1].split("/", 1)[0])

    with server.serving(data, workers=3) as running:
        target = Target.of(running.base, running.token)
        for number, one in enumerate(running.serving()[:2]):  # those that follow take a while
            os.kill(one, signal.SIGKILL)
            until_ended([one])  # whoever was about to connect to it is refused
            ours = (target.request("POST", "/Basic", _basic(f"d{number}-{n}")) for n in range(300))
            asyncio.run(load(target, ours, connections=8, seconds=20, keep=keep))
        found = {resource["id"] for resource in server.search(running, "/Basic?_count=1000")}
        assert set(written) <= found
        assert len(written) > 400, "most connections went to those that lived"


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_fifty_crashes_lose_nothing(data: Path) -> None:
    _rounds(data, 50)
