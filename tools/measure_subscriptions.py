"""What subscriptions cost a write: Observations written one after another to an embedded store,
with no subscription, and with many active ones, each for a patient of its own.

    python -m tools.measure_subscriptions [--subscriptions 10000] [--writes 1500]

The service runs in the same process and on the same loop as the writes, as in a server, so what it
takes shows. Rounds with and without take turns, and the best of each counts. The time of the
processor is what to go by on a machine that others use too."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from careplane.app import keys
from careplane.app.build import Careplane, build
from careplane.app.settings import Settings
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.catalogue import change_of
from careplane.records import commands as c

_SIDE_BY_SIDE = 32
_ENTRIES = 500


def _subscription(number: int) -> dict[str, object]:
    url, value = names.FILTER, f"Observation?patient=Patient/s{number}"
    content = {"extension": [{"url": names.CONTENT, "valueCode": "id-only"}]}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "To measure",
        "criteria": change_of("Observation"),
        "_criteria": {"extension": [{"url": url, "valueString": value}]},
        "channel": {
            "type": "websocket",
            "payload": "application/fhir+json",
            "_payload": content,
        },
    }


def _observation(number: int) -> bytes:
    coding = [{"system": "http://loinc.org", "code": "8867-4"}]
    return json.dumps(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": coding},
            "subject": {"reference": f"Patient/w{number % 200}"},
            "effectiveDateTime": "2026-01-01T10:00:00Z",
            "valueQuantity": {"value": 70, "unit": "/min"},
        }
    ).encode()


async def _subscribe(here: Careplane, count: int) -> None:
    for start in range(0, count, _ENTRIES):
        entries = [
            {"resource": _subscription(n), "request": {"method": "POST", "url": "Subscription"}}
            for n in range(start, min(count, start + _ENTRIES))
        ]
        raw = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        await here.door.process(here.operator, c.Process(raw.encode()))
    wanted = c.Search("Subscription", (("status", "active"), ("_summary", "count")))
    while (await here.door.search(here.operator, wanted)).total != count:
        await asyncio.sleep(0.2)


async def _cost(here: Careplane, writes: int) -> tuple[float, float]:
    """Microseconds of one write: of the clock, and of the processor in this process."""
    left = iter(range(writes))

    async def one() -> None:
        for number in left:
            await here.door.create(here.operator, c.Create("Observation", _observation(number)))

    began, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(_SIDE_BY_SIDE)))
    await asyncio.sleep(0.1)  # so that the service has matched the last of them
    clock, processor = time.perf_counter() - began - 0.1, time.process_time() - busy
    return clock / writes * 1e6, processor / writes * 1e6


async def _measure(folder: Path, subscriptions: int, writes: int, rounds: int) -> None:
    without = build(_settings(folder / "without"), for_long=True)
    among = build(_settings(folder / "with"), for_long=True)
    service = asyncio.create_task(among.tenancy.subscribing(among.subscriptions)())
    try:
        for here in (without, among):
            await here.warm()
        began = time.perf_counter()
        await _subscribe(among, subscriptions)
        seconds = time.perf_counter() - began
        print(f"{subscriptions} subscriptions were active after {seconds:.0f} s.")
        await _cost(without, 500)
        await _cost(among, 500)
        pairs = []
        for number in range(rounds):
            order = (without, among) if number % 2 else (among, without)
            found = {id(here): await _cost(here, writes) for here in order}
            pairs.append((found[id(without)], found[id(among)]))
    finally:
        service.cancel()
        with suppress(asyncio.CancelledError):
            await service
        await without.close()
        await among.close()
    for name, of in (("of the clock", 0), ("of the processor", 1)):
        plain, more = (min(costs[of] for costs in column) for column in zip(*pairs, strict=True))
        print(
            f"A write, {name}: {plain:.0f} µs; with them {more:.0f} µs ({more / plain - 1:+.1%})."
        )


def _settings(folder: Path) -> Settings:
    keys.create(folder)
    return Settings(data=folder)


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=10_000)
    parser.add_argument("--writes", type=int, default=1_500)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = _measure(Path(folder), given.subscriptions, given.writes, given.rounds)
        asyncio.run(work)


if __name__ == "__main__":
    main()
