"""How long it takes to erase a patient for good, among others.

    python -m tools.measure_erase [--resources 10000] [--others 10000] [--database ADDRESS]

Fills a data folder with a patient of so many resources and as many of others, erases the patient
over the door, and looks that nothing is left. The target is 5 s for 10,000 resources.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from careplane.app import keys
from careplane.app.build import OPERATOR, TENANT, Careplane, build
from careplane.app.settings import Settings
from careplane.ledger.following import versions_of
from careplane.records.commands import Erase, Process
from tools.bench.setups import Fact

_TOGETHER = 500
_CODE = {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]}


def _bundle(patient: str, numbers: range) -> bytes:
    entries = [
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": _CODE,
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": f"20{n % 20 + 10}-01-{n % 28 + 1:02d}T10:00:00Z",
                "valueQuantity": {"value": 60 + n % 40, "unit": "/min"},
            },
            "request": {"method": "POST", "url": "Observation"},
        }
        for n in numbers
    ]
    people = {"resourceType": "Patient", "id": patient, "name": [{"family": patient}]}
    person = {"resource": people, "request": {"method": "PUT", "url": f"Patient/{patient}"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [person, *entries]}
    return json.dumps(bundle).encode()


async def _fill(here: Careplane, patient: str, count: int) -> None:
    for start in range(0, count, _TOGETHER):
        numbers = range(start, min(start + _TOGETHER, count))
        await here.door.process(OPERATOR, Process(_bundle(patient, numbers)))


async def _newest(here: Careplane) -> int:
    return max([await here.store.newest(TENANT, type) for type in ("Patient", "Observation")])


async def _measure(data: Path, database: str, resources: int, others: int) -> Fact:
    here = build(Settings(data=data, database=database), for_long=True)
    try:
        await here.warm()
        await _fill(here, "other", others)
        await _fill(here, "erased", resources)
        here.background.start()  # as a server does: its leaves follow the records
        while await here.ledger.store.mark(versions_of(TENANT)) < await _newest(here):
            await asyncio.sleep(0.1)
        began = time.perf_counter()
        done = await here.door.erase(OPERATOR, Erase("erased"))
        took = time.perf_counter() - began
        left = await here.store.counts(TENANT)
        assert done.purged.records == resources + 1
        assert sum(left.values()) == others + 1
        return Fact(f"a patient of {resources:,} resources erased", f"{took:.2f} s", "5 s")
    finally:
        await here.close()


def fact(resources: int = 10_000, others: int = 10_000, database: str = "") -> Fact:
    """How long it takes."""
    with tempfile.TemporaryDirectory() as folder:
        keys.create(Path(folder) / "data")
        data = Path(folder) / "data"
        return asyncio.run(_measure(data, database, resources, others))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--resources", type=int, default=10_000)
    asked.add_argument("--others", type=int, default=10_000)
    asked.add_argument("--database", default="")
    chosen = asked.parse_args()
    found = fact(chosen.resources, chosen.others, chosen.database)
    print(f"{found.name}: {found.value} (target {found.target})")


if __name__ == "__main__":
    main()
