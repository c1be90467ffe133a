"""Minutes of mixed load, with a kill -9 of a random serving process each minute: no acknowledged
write is lost, no request is answered with a fault, and memory does not grow. Over each engine.

CAREPLANE_SOAK_MINUTES says how long each; 15 without it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.bench import server
from tools.bench.client import Answer, Target, load

WORKERS, CONNECTIONS = 3, 32
SPELL = 10.0
"""Seconds of load between looks at the server."""
_ASKED_AGAIN = 500
MINUTES = float(os.environ.get("CAREPLANE_SOAK_MINUTES", "15"))


@dataclass
class Seen:
    """What the server has said."""

    written: set[str] = field(default_factory=set)
    some: list[str] = field(default_factory=list)
    """The first of them, to be asked for again."""
    bad: list[Answer] = field(default_factory=list)
    answers: int = 0

    def keep(self, answer: Answer) -> None:
        self.answers += 1
        if answer.status == 201:
            place = answer.head.decode().lower().split("/fhir/observation/", 1)
            if len(place) == 2:
                id = place[1].split("/", 1)[0]
                self.written.add(id)
                if len(self.some) < _ASKED_AGAIN:
                    self.some.append(id)
        if answer.status >= 500 and answer.status != 503:
            self.bad.append(answer)


def _requests(target: Target, seen: Seen) -> Iterator[bytes]:
    """Writes, reads, searches, conditional creates and transactions by turns, without an end."""
    for number in itertools.count():
        turn = number % 8
        if turn < 3:
            yield target.request("POST", "/Observation", _observation(number))
        elif turn == 3:
            yield target.request("GET", f"/Observation?code=c{number % 50}&_count=5&_sort=-date")
        elif turn == 4:
            entry = {
                "resource": json.loads(_observation(number)),
                "request": {"method": "POST", "url": "Observation"},
            }
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 20}
            yield target.request("POST", "", json.dumps(bundle).encode())
        elif turn == 5 and seen.some:
            id = seen.some[0]
            body = {**json.loads(_observation(number)), "id": id}
            yield target.request("PUT", f"/Observation/{id}", json.dumps(body).encode())
        elif seen.some:
            yield target.request("GET", f"/Observation/{random.choice(seen.some)}")


def _observation(number: int) -> bytes:
    return json.dumps(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "urn:soak", "code": f"c{number % 50}"}]},
            "effectiveDateTime": f"2026-0{1 + number % 9}-11T10:00:00Z",
            "valueQuantity": {"value": number, "unit": "mg"},
        }
    ).encode()


@pytest.mark.soak
@pytest.mark.timeout(int(MINUTES * 60 + 900))
def test_mixed_load_and_kills_lose_nothing(tmp_path: Path, database: str) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    seen, memory = Seen(), []
    settings = {"CAREPLANE_DATABASE": database}
    with server.serving(data, workers=WORKERS, settings=settings) as running:
        target = Target.of(running.base, running.token)
        requests = _requests(target, seen)
        until, killed = time.monotonic() + MINUTES * 60, time.monotonic()
        while time.monotonic() < until:
            kill = time.monotonic() - killed > 60
            asyncio.run(_spell(running, target, requests, seen, kill=kill))
            killed = time.monotonic() if kill else killed
            memory.append(running.memory())
        found = {r["id"] for r in server.search(running, "/Observation?_count=1000")}
    assert seen.written <= found
    assert not seen.bad
    assert seen.answers > MINUTES * 60 * 50
    third = max(1, len(memory) // 3)
    early, late = memory[third : 2 * third] or memory, memory[-third:]
    assert statistics.median(late) < statistics.median(early) * 1.25, memory


async def _spell(
    running: server.Server, target: Target, requests: Iterator[bytes], seen: Seen, *, kill: bool
) -> None:
    if kill:
        victim = random.choice(running.serving())
        asyncio.get_running_loop().call_later(SPELL / 2, os.kill, victim, signal.SIGKILL)
    await load(target, requests, connections=CONNECTIONS, seconds=SPELL, keep=seen.keep)
