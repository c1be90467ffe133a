"""What the pages of visits take where a clinic has ten thousand patients and twice the visits.

    python -m tools.measure_calendar [--patients 10000] [--visits 20000] [--times 30]

Serves the demo on SQLite with as many patients more, and their visits over four months with
twenty-five people who are on Schedules; asks for each page one at a time, and prints the time until
the last byte (p50 and p95, ms) with the size of the page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from careplane.app.demo.schedules import bundle
from tools.screenshots import ROOT, served

_PEOPLE = 20
_DAYS = 120
_BUSY = "Practitioner/more-0"


def main() -> None:
    """Fill, serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--visits", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="careplane-") as scratch:
        data = Path(scratch) / "data"
        with served(data):
            pass  # the demo is loaded
        _fill(Path(scratch), data, options.patients, options.visits)
        with served(data) as url:
            asyncio.run(_ask(url, options.times))


def _fill(scratch: Path, data: Path, patients: int, visits: int) -> None:
    file = scratch / "more.ndjson"
    with file.open("w") as out:
        for resource in _resources(patients, visits):
            out.write(json.dumps(resource) + "\n")
    command = [sys.executable, "-c", "from careplane.app.cli import main; main()"]
    command += ["import", "--quiet", "--keep-ids", "--data", str(data), str(file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _resources(patients: int, visits: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(1)
    today = datetime.now(UTC).date()
    entries = json.loads(bundle(today))["entry"]
    plan = next(e["resource"] for e in entries if e["resource"]["id"] == "demo-family-doctor")
    for number in range(_PEOPLE):
        id = f"more-{number}"
        name = {"family": f"Field{number}", "given": ["Ada"], "prefix": ["Dr."]}
        yield {"resourceType": "Practitioner", "id": id, "active": True, "name": [name]}
        yield {**plan, "id": id, "actor": [{"reference": f"Practitioner/{id}"}]}
    for number in range(patients):
        name = {"family": f"Field{number % 997}", "given": [f"Person{number}"]}
        yield {"resourceType": "Patient", "id": f"more-{number}", "name": [name]}
    for number in range(visits):
        day = today + timedelta(days=chance.randrange(-_DAYS // 2, _DAYS // 2))
        minute = 20 * chance.randrange(24)
        start = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) + timedelta(minutes=minute)
        by = f"Practitioner/more-{number % _PEOPLE}"
        actors = (f"Patient/more-{chance.randrange(patients)}", by)
        yield {
            "resourceType": "Appointment", "id": f"more-{number}", "status": "booked",
            "start": start.isoformat(), "end": (start + timedelta(minutes=20)).isoformat(),
            "participant": [{"actor": {"reference": r}, "status": "accepted"} for r in actors],
        }  # fmt: skip


async def _ask(url: str, times: int) -> None:
    monday = datetime.now(UTC).date() + timedelta(days=7)
    pages = (
        ("front-desk", "week of one", f"/desk?view=week&of={_BUSY}&day={monday}"),
        ("front-desk", "day of one", f"/desk?view=day&of={_BUSY}&day={monday}"),
        ("front-desk", "day of eight", f"/desk?view=day&day={monday}"),
        ("front-desk", "a time with anybody", "/desk/find"),
        ("front-desk", "a time with one", f"/desk/find?of={_BUSY}"),
        ("front-desk", "waiting list", "/desk/waiting"),
        ("patient", "kinds of visits", "/book"),
        ("patient", "times with anybody", "/book/times"),
    )
    for role, name, path in pages:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            await http.post("/sign-in", data={"role": role})
            took, size = [], 0
            for _ in range(times + 3):
                began = time.perf_counter()
                answer = await http.get(path)
                took.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
                size = len(answer.content)
        cuts = quantiles(took[3:], n=20)
        print(f"{name}: p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms, {size // 1024} KiB")


if __name__ == "__main__":
    main()
