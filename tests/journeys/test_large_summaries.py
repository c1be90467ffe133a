"""A summary of a record of ten thousand resources: bounded, and quick."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from careplane.app import keys
from careplane.app.build import OPERATOR, build
from careplane.app.settings import Settings
from careplane.fhir.codec import json
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import secret_id
from careplane.records.commands import Process
from careplane.sharing.ips.summaries import Summaries
from tests.fhir_house import BASE, bundle, entry, observation, patient
from tests.sharing_house import active, category, coded

pytestmark = [pytest.mark.anyio, pytest.mark.soak]
SECONDS = 0.5
"""What the chart of such a patient may take, too."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def resource(n: int) -> dict[str, Any]:
    """One of ten thousand: results, vital signs, problems, medications, procedures, encounters."""
    day = f"{2010 + n % 16}-{1 + n % 12:02d}-{1 + n % 28:02d}"
    subject = {"reference": "Patient/p"}
    if n % 10 < 6:
        kind = "laboratory" if n % 10 < 4 else "vital-signs"
        value = {"value": n, "unit": "mg"}
        return observation(f"o{n}", "p", f"{n % 300}-1", category=category(kind),
                           effectiveDateTime=day, valueQuantity=value)  # fmt: skip
    if n % 10 == 6:
        status = active("active" if n % 3 else "resolved")
        return {"resourceType": "Condition", "id": f"c{n}", "subject": subject,
                "clinicalStatus": status, "code": coded(f"Problem {n}", f"p{n}"),
                "recordedDate": day}  # fmt: skip
    if n % 10 == 7:
        return {"resourceType": "MedicationRequest", "id": f"m{n}", "subject": subject,
                "status": "active" if n % 2 else "completed", "intent": "order",
                "medicationCodeableConcept": {"text": f"Drug {n}"}, "authoredOn": day}  # fmt: skip
    if n % 10 == 8:
        return {"resourceType": "Procedure", "id": f"r{n}", "subject": subject,
                "status": "completed", "code": coded(f"Procedure {n}"),
                "performedDateTime": day}  # fmt: skip
    act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    return {"resourceType": "Encounter", "id": f"e{n}", "subject": subject, "status": "finished",
            "class": {"system": act, "code": "AMB"}}  # fmt: skip


@pytest.mark.timeout(300)
async def test_a_summary_of_ten_thousand_resources_is_bounded_and_quick(tmp_path: Path) -> None:
    keys.create(tmp_path / "data")
    here = build(Settings(data=tmp_path / "data"))
    try:
        all = [patient("p"), *map(resource, range(10_000))]
        for at in range(0, len(all), 1000):
            some = (entry("PUT", f"{r['resourceType']}/{r['id']}", r) for r in all[at : at + 1000])
            await here.door.process(OPERATOR, Process(bundle("transaction", *some)))
        summaries = Summaries(here.door, system_clock, secret_id)
        took = []
        for _ in range(10):
            begun = time.perf_counter()
            made = json.dump(await summaries.of(OPERATOR, "p", BASE))
            took.append(time.perf_counter() - begun)
        assert len(made) < 500_000
        assert sorted(took)[len(took) // 2] < SECONDS
    finally:
        await here.close()
