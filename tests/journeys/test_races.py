"""64 clients that want the same thing at once: one gets it made, the others are told of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench import server
from tools.bench.client import Answer, Target, load

CLIENTS = 64


@pytest.fixture
def data(tmp_path: Path) -> Path:
    server.command("init", data=tmp_path / "data")
    return tmp_path / "data"


def _conditional(target: Target, mark: str) -> bytes:
    """POST of a Patient unless there is one with this identifier."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:race", "value": mark}]}
    plain = target.request("POST", "/Patient", json.dumps(patient).encode())
    head, body = plain.split(b"\r\n\r\n", 1)
    return b"\r\n".join([head, f"If-None-Exist: identifier=urn:race|{mark}".encode(), b"", body])


async def _race(target: Target, mark: str) -> Counter[int]:
    statuses: Counter[int] = Counter()

    def keep(answer: Answer) -> None:
        statuses[answer.status] += 1

    requests: Iterator[bytes] = iter([_conditional(target, mark)] * CLIENTS)
    await load(target, requests, connections=CLIENTS, seconds=60, keep=keep)
    return statuses


def _rounds(data: Path, database: str, rounds: int, workers: int) -> None:
    settings = {"CAREPLANE_DATABASE": database}
    with server.serving(data, workers=workers, settings=settings) as running:
        target = Target.of(running.base, running.token)
        for number in range(rounds):
            statuses = asyncio.run(_race(target, f"m{number}"))
            assert statuses == {201: 1, 200: CLIENTS - 1}, f"round {number}"
        assert len(list(server.search(running, "/Patient?_count=500"))) == rounds


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_of_many_conditional_creates_one_makes_it(data: Path, database: str, workers: int) -> None:
    _rounds(data, database, 15, workers)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", [1, 2])
def test_of_many_conditional_creates_one_makes_it_a_thousand_times(
    data: Path, database: str, workers: int
) -> None:
    _rounds(data, database, 1000, workers)
