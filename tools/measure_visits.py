"""What the signalling of video visits takes: one server process, rooms of two that talk at once.

    python -m tools.measure_visits [--rooms 50]

Prints, of the rooms together, the time from showing a ticket to `welcome`, the way of a description
from one participant to the other while all rooms talk, and the time in which a dropped socket is
back in its seat (p50 and p95, ms).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import websockets

from careplane.kernel.clock import format_instant, system_clock
from tools.bench import server

_OFFER = {"type": "offer", "sdp": "v=0\r\n" + "a=x\r\n" * 800}
_ROUNDS = 20


def main() -> None:
    """Serve an empty folder, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=50)
    rooms = parser.parse_args().rooms
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        server.command("init", data=data)
        who = ("--scope", "user/*.cruds", "--client", "Practitioner/d")
        with server.serving(data, program=server.CAREPLANE, rights=who) as running:
            asyncio.run(_measure(running, rooms))


async def _measure(running: server.Server, rooms: int) -> None:
    headers = {
        "authorization": f"Bearer {running.token}",
        "content-type": "application/fhir+json",
    }
    took: dict[str, list[float]] = {"welcome": [], "description": [], "resume": []}
    async with httpx.AsyncClient(base_url=running.base + "/", headers=headers, timeout=60) as http:
        await http.put("Patient/p", json={"resourceType": "Patient", "id": "p"})
        for number in range(rooms):
            await http.put(f"Appointment/v{number}", json=_appointment(f"v{number}"))
        await asyncio.gather(*(_room(http, f"v{number}", took) for number in range(rooms)))
    for name, seconds in took.items():
        cuts = quantiles(seconds, n=20)
        print(f"{name}: p50 {cuts[9] * 1000:.1f} ms, p95 {cuts[18] * 1000:.1f} ms")


async def _room(http: httpx.AsyncClient, id: str, took: dict[str, list[float]]) -> None:
    one, seat, resume = await _join(http, id, took)
    other, theirs, _ = await _join(http, id, took)
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        await one.send(json.dumps({"type": "signal", "to": theirs, "description": _OFFER}))
        await _hear(other, "signalled")
        took["description"].append(time.perf_counter() - began)
    url = str(one.request.path)
    one.transport.abort()
    began = time.perf_counter()
    back = await websockets.connect(f"ws://{one.request.headers['Host']}{url}")
    await back.send(json.dumps({"type": "join", "resume": resume}))
    assert (await _hear(back, "welcome"))["seat"] == seat
    took["resume"].append(time.perf_counter() - began)
    await back.close()
    await other.close()


async def _join(
    http: httpx.AsyncClient, id: str, took: dict[str, list[float]]
) -> tuple[Any, str, str]:
    """A host's seat: its socket, its name, and by what it comes back."""
    answer = (await http.post(f"Appointment/{id}/$visit-join")).json()
    given = {
        one["name"]: next(v for k, v in one.items() if k.startswith("value"))
        for one in answer["parameter"]
    }
    assert given["role"] == "host", given
    socket = await websockets.connect(given["websocket-url"])
    began = time.perf_counter()
    await socket.send(json.dumps({"type": "join", "ticket": given["ticket"]}))
    welcome = await _hear(socket, "welcome")
    took["welcome"].append(time.perf_counter() - began)
    resume = (await _hear(socket, "admitted"))["resume"]
    return socket, welcome["seat"], resume


async def _hear(socket: Any, type: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["type"] == type:
            return message
        assert message["type"] != "problem", message


def _appointment(id: str) -> dict[str, Any]:
    now = system_clock()
    actors = ("Patient/p", "Practitioner/d")
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "start": format_instant(now),
        "end": format_instant(now + 1_200_000_000),
        "participant": [{"actor": {"reference": r}, "status": "accepted"} for r in actors],
    }


if __name__ == "__main__":
    main()
