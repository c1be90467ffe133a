"""What this machine can do at all, in the same minutes: an empty application behind the same HTTP
server under the same load, and a plain Python loop. Shared machines differ by half from one hour to
the next; figures mean something beside these."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from statistics import median
from typing import Any

import uvloop

from tools.bench import server
from tools.bench.client import Target, load

_BODY = b"x" * 900
_HEADERS = [(b"content-type", b"application/fhir+json"), (b"content-length", b"900")]
_TURNS = 1_000_000


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers everything with the same 900 bytes."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


def empty_application(runs: int, seconds: float) -> float:
    """Requests a second of an application that does nothing, 32 connections, one worker."""
    port = server.free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop",
        "--workers", "1", "--no-ws", "--log-level", "warning", "--port", str(port),
        "tools.bench.yardstick:application",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=server.ENVIRONMENT)
    try:
        target = Target.of(f"http://127.0.0.1:{port}", "x" * 300)
        server.until_open(process, port)
        request = target.request("GET", "/fhir/Observation/1")
        requests = itertools.repeat(request)
        samples = [
            uvloop.run(load(target, requests, connections=32, seconds=seconds)) for _ in range(runs)
        ]
        return median(sample.rate for sample in samples)
    finally:
        process.terminate()
        process.wait(30)


def plain_loop(runs: int) -> float:
    """Nanoseconds a turn of a Python loop that counts in a dictionary."""
    return median(_loop() for _ in range(runs)) / _TURNS * 1e9


def _loop() -> float:
    counts: dict[int, int] = {}
    began = time.perf_counter()
    for n in range(_TURNS):
        key = n & 1023
        counts[key] = counts.get(key, 0) + 1
    return time.perf_counter() - began
