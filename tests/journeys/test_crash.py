"""kill -9 while 32 clients write: every acknowledged write is there after the restart, and no
bundle is there by half."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    await asyncio.sleep(random.uniform(0.05, 0.6))
    running.kill(signal.SIGKILL)
    await writing
    return locations


def _rounds(data: Path, rounds: int) -> None:
    written: set[str] = set()
    for number in range(rounds):
        with server.serving(data) as running:
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
def test_a_few_crashes_lose_nothing(data: Path) -> None:
    _rounds(data, 3)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_fifty_crashes_lose_nothing(data: Path) -> None:
    _rounds(data, 50)
