"""What the pages take where a clinic has ten thousand patients: on the server, and in a browser.

    python -m tools.measure_pages [--patients 10000] [--out docs/pages-measured.md]

Serves the demo on SQLite with as many patients more, and one with ten thousand resources; asks for
each page as a role of the demo (time until the last byte, one request at a time), and opens the
first ones in Chromium (largest contentful paint; bytes of scripts as they cross the network).
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
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
from playwright.sync_api import Browser, Response

from tools.screenshots import ROOT, chromium, served

BIG = "big-record"
DEVIN = "/patients/devin-bailey"
PAGES: tuple[tuple[str, str], ...] = (
    ("physician", "/"),
    ("physician", "/patients"),
    ("physician", "/patients?name=Field"),
    ("physician", DEVIN),
    ("physician", f"{DEVIN}/results"),
    ("physician", f"{DEVIN}/vitals"),
    ("physician", f"{DEVIN}/medications"),
    ("physician", f"{DEVIN}/timeline"),
    ("physician", "/records/Observation?code=718-7"),
    ("physician", "/results"),
    ("physician", f"{DEVIN}/documents"),
    ("physician", f"{DEVIN}/orders"),
    ("physician", f"{DEVIN}/prescribe?q=ramipril"),
    ("physician", "/desk?view=week"),
    ("physician", "/messages"),
    ("physician", "/tasks"),
    ("front-desk", "/"),
    ("front-desk", "/desk?view=day"),
    ("patient", "/"),
    ("patient", "/my/results"),
    ("patient", "/my/visits"),
    ("patient", "/book"),
    ("patient", DEVIN),
)
"""Role, page."""
HEAVY = (f"/patients/{BIG}", f"/patients/{BIG}/results", f"/patients/{BIG}/timeline")
"""Of the patient with ten thousand resources."""
OPENED = ("/", "/patients", DEVIN, f"{DEVIN}/results")
TIMES, VISITS = 20, 10
PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
    .observe({ type: "largest-contentful-paint", buffered: true });
})"""


def main() -> None:
    """Fill, serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--out", type=Path, help="write the page here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="careplane-") as scratch:
        data = Path(scratch) / "data"
        with served(data):
            pass  # the demo is loaded
        _fill(Path(scratch), data, options.patients)
        with served(data) as url:
            rows = asyncio.run(_asked(url))
            with chromium() as browser:
                painted = _painted(browser, url)
    text = _page(options.patients, rows, painted)
    print(text)
    if options.out:
        options.out.write_text(text)


def _fill(scratch: Path, data: Path, patients: int) -> None:
    file = scratch / "more.ndjson"
    with file.open("w") as out:
        for resource in _resources(patients):
            out.write(json.dumps(resource) + "\n")
    command = [sys.executable, "-c", "from careplane.app.cli import main; main()"]
    command += ["import", "--quiet", "--keep-ids", "--data", str(data), str(file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _resources(patients: int) -> Iterator[dict[str, Any]]:
    """Patients with a day's work each: a problem, a drug, results, perhaps an appointment."""
    chance = random.Random(1)
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(patients):
        yield from _patient(f"more-{number}", number, chance, now)
    yield from _patient(BIG, patients, chance, now)
    for number in range(9_995):
        when = now - timedelta(hours=number * 7)
        yield _observation(BIG, f"{BIG}-{number}", chance, when)


def _patient(
    id: str, number: int, chance: random.Random, now: datetime
) -> Iterator[dict[str, Any]]:
    subject = {"reference": f"Patient/{id}"}
    yield {
        "resourceType": "Patient", "id": id, "gender": chance.choice(("female", "male")),
        "name": [{"family": f"Field{number % 997}", "given": [f"Person{number}"]}],
        "birthDate": f"{1930 + number % 90}-0{1 + number % 9}-1{number % 9}",
    }  # fmt: skip
    yield {
        "resourceType": "Condition", "id": f"{id}-c", "subject": subject,
        "clinicalStatus": _coded("condition-clinical", "active"),
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}],
                 "text": "Hypertension"},
    }  # fmt: skip
    yield {
        "resourceType": "MedicationRequest", "id": f"{id}-m", "status": "active",
        "intent": "order", "subject": subject, "authoredOn": f"{now:%Y-%m-%d}",
        "medicationCodeableConcept": {"text": "Ramipril 5 mg"},
    }  # fmt: skip
    for which in range(2):
        when = now - timedelta(hours=chance.randrange(24 * 60))
        yield _observation(id, f"{id}-o{which}", chance, when)
    if number % 2 == 0:
        start = now + timedelta(minutes=20 * chance.randrange(-1500, 1500))
        actors = (f"Patient/{id}", "Practitioner/demo-cardiologist")
        yield {
            "resourceType": "Appointment", "id": f"{id}-a", "status": "booked",
            "start": start.isoformat(), "end": (start + timedelta(minutes=20)).isoformat(),
            "participant": [{"actor": {"reference": r}, "status": "accepted"} for r in actors],
        }  # fmt: skip


def _observation(patient: str, id: str, chance: random.Random, when: datetime) -> dict[str, Any]:
    value = round(chance.uniform(8, 18), 1)
    flag = "L" if value < 12 else "H" if value > 16 else "N"
    return {
        "resourceType": "Observation", "id": id, "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "category": [_coded("observation-category", "laboratory")],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": "Hemoglobin"},
        "effectiveDateTime": when.isoformat(),
        "valueQuantity": {"value": value, "unit": "g/dL", "code": "g/dL",
                          "system": "http://unitsofmeasure.org"},
        "interpretation": [_coded("v3-ObservationInterpretation", flag)],
    }  # fmt: skip


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


async def _asked(url: str) -> list[tuple[str, str, float, float]]:
    """Role, page, median and 95th percentile in milliseconds; the first answer warms up."""
    rows = []
    wanted = [*PAGES, *(("physician", path) for path in HEAVY)]
    for role in dict.fromkeys(role for role, _ in wanted):
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            await http.post("/sign-in", data={"role": role}, headers={"origin": url})
            for path in (path for by, path in wanted if by == role):
                took = []
                for _ in range(TIMES + 1):
                    began = time.perf_counter()
                    answer = await http.get(path)
                    took.append((time.perf_counter() - began) * 1000)
                    assert answer.status_code == 200, (path, answer.status_code)
                cuts = quantiles(took[1:], n=20)
                rows.append((role, path, cuts[9], cuts[18]))
    return rows


def _painted(browser: Browser, url: str) -> list[tuple[str, float, float, int]]:
    """Page, median and 95th percentile of the largest contentful paint in milliseconds, bytes of
    scripts of a first visit; nothing is cached."""
    rows = []
    for path in OPENED:
        took: list[float] = []
        scripts = 0
        for _ in range(VISITS):
            context = browser.new_context(base_url=url)
            page = context.new_page()
            page.goto("/sign-in")
            page.locator("button[value=physician]").click()
            page.wait_for_load_state()
            sizes: list[int] = []
            page.on("response", partial(_weigh, sizes))
            network = context.new_cdp_session(page)
            network.send("Network.clearBrowserCache")
            page.goto(path, wait_until="load")
            took.append(float(page.evaluate(PAINTED)))
            scripts = max(scripts, sum(sizes))
            context.close()
        cuts = quantiles(took, n=20)
        rows.append((path, cuts[9], cuts[18], scripts))
    return rows


def _weigh(sizes: list[int], answer: Response) -> None:
    if ".js" in answer.url:
        sizes.append(int(answer.headers.get("content-length", 0)))


def _page(
    patients: int,
    rows: list[tuple[str, str, float, float]],
    painted: list[tuple[str, float, float, int]],
) -> str:
    said = [
        "# What the pages take",
        "",
        f"Made by `python -m tools.measure_pages`, with {patients:,} patients on SQLite beside the "
        "demo's, one request at a time.",
        "",
        "| role | page | median, ms | p95, ms |",
        "|---|---|---|---|",
        *(f"| {role} | `{path}` | {half:.0f} | {most:.0f} |" for role, path, half, most in rows),
        "",
        f"`{BIG}` has ten thousand resources.",
        "",
        "In Chromium, with nothing cached:",
        "",
        "| page | largest contentful paint, median, ms | p95, ms | scripts, bytes |",
        "|---|---|---|---|",
        *(f"| `{p}` | {half:.0f} | {most:.0f} | {size:,} |" for p, half, most, size in painted),
        "",
    ]
    return "\n".join(said)


if __name__ == "__main__":
    main()
