"""How long a decision takes, remembered and for the first time, and the check of a token:
`python -m tools.measure_decisions`. In processor time of one core.

An institution with the ready roles and 1,000 patients who have said something in a Consent; callers
are physicians with SMART scopes. What is measured is what a request asks: whether what decides is
fresh, and what the resources of a type must match.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import Permission, parse_scopes
from careplane.app import keys
from careplane.app.build import OPERATOR, TENANT, Careplane, build
from careplane.app.settings import Settings
from careplane.records.commands import Process
from tools.bench.setups import Fact

_PATIENTS, _TOGETHER, _TIMES = 1_000, 250, 2_000
_TYPES = ("Observation", "Condition", "Encounter", "MedicationRequest")
_SCOPES = parse_scopes("user/*.cruds")


def _consent(n: int) -> list[dict[str, Any]]:
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "id": f"p{n}",
        "name": [{"family": f"P{n}"}],
    }
    consent: dict[str, Any] = {
        "resourceType": "Consent",
        "id": f"c{n}",
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/p{n}"},
        "policyRule": {"coding": [{"code": "OPTIN"}]},
        "provision": {
            "type": "deny",
            "actor": [
                {
                    "role": {"coding": [{"code": "IRCP"}]},
                    "reference": {"reference": f"Practitioner/d{n % 7}"},
                }
            ],
        },
    }
    return [patient, consent]


async def _fill(here: Careplane) -> None:
    for at in range(0, _PATIENTS, _TOGETHER):
        found = [one for n in range(at, at + _TOGETHER) for one in _consent(n)]
        entries = [
            {
                "resource": one,
                "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
            }
            for one in found
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        await here.door.process(OPERATOR, Process(json.dumps(bundle).encode()))


def _physician(n: int) -> Caller:
    return Caller(TENANT, f"Practitioner/d{n}", f"D{n}", _SCOPES, roles=frozenset({"physician"}))


async def _decided(here: Careplane, caller: Caller, type: str) -> float:
    began = time.thread_time_ns()
    parts = await here.parts.of(caller.tenant)
    parts.decider.restriction(caller, Permission.SEARCH, type)
    return (time.thread_time_ns() - began) / 1000


def _checked(here: Careplane, token: str) -> float:
    began = time.thread_time_ns()
    here.tokens.resolve(token)
    return (time.thread_time_ns() - began) / 1000


async def _measure(data: Path) -> list[Fact]:
    here = build(Settings(data=data, ledger=False))
    try:
        await _fill(here)
        await here.authorizing.standing.watch()
        await here.tenancy.known.watch()
        await here.people.changes.watch()
        await _decided(here, _physician(0), "Patient")
        cold = [await _decided(here, _physician(n), _TYPES[n % len(_TYPES)]) for n in range(_TIMES)]
        cached = [await _decided(here, _physician(n % 50), "Observation") for n in range(_TIMES)]
        cached = [await _decided(here, _physician(n % 50), "Observation") for n in range(_TIMES)]
        tokens = [here.tokens.issue(_physician(n), 3600) for n in range(_TIMES)]
        first = [_checked(here, token) for token in tokens]
        again = [_checked(here, token) for token in tokens]
    finally:
        await here.close()
    return [
        Fact("a decision that is remembered", f"{median(cached):.1f} µs", "20 µs"),
        Fact("a decision for the first time", f"{median(cold):.0f} µs", "1,000 µs"),
        Fact("the check of a token that was seen", f"{median(again):.1f} µs", "50 µs"),
        Fact("the check of a token for the first time", f"{median(first):.0f} µs", "50 µs"),
    ]


def facts() -> list[Fact]:
    """Medians."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        keys.create(data)
        return asyncio.run(_measure(data))


if __name__ == "__main__":
    for fact in facts():
        print(f"{fact.name}: {fact.value} (target {fact.target})")
