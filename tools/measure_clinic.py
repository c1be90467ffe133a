"""How long the pages of clinicians take to make, with many patients on SQLite.

    python -m tools.measure_clinic [--patients 10000]

Makes patients, each with a report of three results, a medicine and an appointment, of forty
practitioners, in a scratch folder; then asks for each page as often as it takes to tell. Prints the
server's time (p50 and p95, ms) by page, with the door, its decisions and its audit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app import keys
from careplane.app.build import OPERATOR, TENANT, Careplane, build
from careplane.app.settings import Settings
from careplane.records.commands import Process

PRACTITIONERS = 40
_BUNDLE = 50
_ROUNDS = 60
PAGES = (
    "/",
    "/results",
    "/results?whose=all",
    "/patients/p17/medications",
    "/patients/p17/results",
    "/patients/p17/prescribe?q=warf",
    "/patients/p17/prescribe?medicine=Aspirin",
)


def main() -> None:
    """Fill a folder, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    count = parser.parse_args().patients
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        keys.create(data)
        asyncio.run(_measure(Settings(data=data, ledger=False), count))


async def _measure(settings: Settings, patients: int) -> None:
    here = build(settings)
    for bundle in _bundles(patients):
        await here.door.process(OPERATOR, Process(bundle))
    doctor = Caller(TENANT, "Practitioner/d3", "Dr. 3", parse_scopes("user/*.cruds"), None,
                    frozenset({"physician"}))  # fmt: skip
    for path in PAGES:
        times = await _times(here, doctor, path)
        cuts = quantiles(times, n=20)
        print(f"{path:50} p50 {cuts[9]:7.1f} ms   p95 {cuts[18]:7.1f} ms")
    await here.close()


async def _times(here: Careplane, caller: Caller, path: str) -> list[float]:
    seats = {"careplane": here.tokens.issue(caller, 3600)}
    transport = httpx.ASGITransport(here.asgi)
    base = "http://localhost"
    times = []
    async with httpx.AsyncClient(transport=transport, base_url=base, cookies=seats) as http:
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            answer = await http.get(path)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (path, answer.status_code)
    return times[5:]


def _bundles(patients: int) -> Iterator[bytes]:
    now = datetime.now(UTC)
    yield _bundle([{"resourceType": "Practitioner", "id": f"d{n}", "name": [{"family": f"D{n}"}]}
                   for n in range(PRACTITIONERS)])  # fmt: skip
    for start in range(0, patients, _BUNDLE):
        numbers = range(start, min(start + _BUNDLE, patients))
        yield _bundle([one for n in numbers for one in _record(n, now)])


def _bundle(resources: list[dict[str, Any]]) -> bytes:
    places = (f"{one['resourceType']}/{one['id']}" for one in resources)
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": place}}
        for one, place in zip(resources, places, strict=True)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def _record(n: int, now: datetime) -> Iterator[dict[str, Any]]:
    who, by = {"reference": f"Patient/p{n}"}, {"reference": f"Practitioner/d{n % PRACTITIONERS}"}
    yield {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Family{n}"}],
           "birthDate": f"{1930 + n % 90}-02-03", "generalPractitioner": [by]}  # fmt: skip
    day = (now - timedelta(days=n % 400)).isoformat()
    for part in range(3):
        yield {"resourceType": "Observation", "id": f"o{n}-{part}", "status": "final",
               "category": [{"coding": [{"code": "laboratory"}]}], "subject": who,
               "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
               "effectiveDateTime": day, "referenceRange": [{"high": {"value": 5}}],
               "valueQuantity": {"value": 3 + n % 4}}  # fmt: skip
    yield {"resourceType": "DiagnosticReport", "id": f"r{n}", "status": "final", "subject": who,
           "code": {"text": "Electrolytes"}, "effectiveDateTime": day, "performer": [by],
           "result": [{"reference": f"Observation/o{n}-{part}"} for part in range(3)]}  # fmt: skip
    yield {"resourceType": "MedicationRequest", "id": f"m{n}", "status": "active",
           "intent": "order", "subject": who, "requester": by, "authoredOn": day,
           "medicationCodeableConcept": {"text": "Warfarin 5 MG Oral Tablet"}}  # fmt: skip
    begin = now + timedelta(minutes=n)
    yield {"resourceType": "Appointment", "id": f"a{n}", "status": "booked",
           "start": begin.isoformat(), "end": (begin + timedelta(minutes=15)).isoformat(),
           "participant": [{"actor": who, "status": "accepted"},
                           {"actor": by, "status": "accepted"}]}  # fmt: skip


if __name__ == "__main__":
    main()
