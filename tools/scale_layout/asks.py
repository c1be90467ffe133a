"""The requests that are asked, of a house over a database, as any client would ask them."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app import keys
from careplane.app.build import TENANT, Careplane, build
from careplane.app.settings import Settings


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, by the name that it has on the page."""

    name: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is there to be asked for: an Observation of a Patient."""

    patient: str
    family: str
    observation: str
    code: str
    date: str


@asynccontextmanager
async def house(folder: Path, database: str) -> AsyncIterator[tuple[Careplane, httpx.AsyncClient]]:
    """The whole application over a database, and a client with all rights."""
    if not (folder / keys.NAME).exists():
        keys.create(folder)
    here = build(Settings(data=folder, database=database))
    token = here.tokens.issue(
        Caller(TENANT, "client/scale", "Scale", parse_scopes("system/*.cruds")), 3600
    )
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    transport = httpx.ASGITransport(app=here.asgi)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://scale.test/fhir/", headers=headers, timeout=60
        ) as http:
            yield here, http
    finally:
        await here.close()


async def ask(http: httpx.AsyncClient, one: Ask) -> httpx.Response:
    """The answer, which must be a good one."""
    content = None if one.body is None else json.dumps(one.body)
    answer = await http.request(one.method, one.path, content=content, headers=one.headers)
    if answer.status_code >= 300:
        raise SystemExit(f"{one.name}: {answer.status_code} {answer.text[:300]}")
    return answer


def reads(known: Known) -> Iterator[Ask]:
    """Everything that changes nothing. All but the last name less than a whole type."""
    chart = f"Observation?patient={known.patient}&code={known.code}&date=ge{known.date[:4]}"
    for name, path in (
        ("read", f"Observation/{known.observation}"),
        ("vread", f"Observation/{known.observation}/_history/1"),
        ("search by patient, code and date", chart),
        ("the same, newest first", f"{chart}&_sort=-date"),
        ("the same, with a total", f"{chart}&_total=accurate"),
        ("search by name", f"Patient?family={known.family}"),
        ("search by code and date", f"Observation?code={known.code}&date=ge2015"),
        ("search by quantity", f"Observation?code={known.code}&value-quantity=gt10"),
        ("chain", f"Observation?subject:Patient.family={known.family}&code={known.code}"),
        ("_has", f"Patient?_has:Observation:patient:code={known.code}&family={known.family}"),
        ("_include", f"{chart}&_include=Observation:patient"),
        ("_revinclude", f"Patient?_id={known.patient}&_revinclude=Observation:patient"),
        ("$everything", f"Patient/{known.patient}/$everything?_count=50"),
        ("history of an instance", f"Observation/{known.observation}/_history"),
        ("history of a type", "Observation/_history?_count=20"),
        ("search of a whole type, sorted", "Patient?_sort=family&_count=20"),
    ):
        yield Ask(name, "GET", path)


def writes(known: Known) -> Iterator[Ask]:
    """Everything that writes; each leaves what it wrote."""
    new = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": known.code}]},
        "subject": {"reference": f"Patient/{known.patient}"},
        "effectiveDateTime": known.date,
        "valueQuantity": {"value": 72, "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    id, mark = str(uuid.uuid4()), f"urn:scale|{uuid.uuid4()}"
    system, value = mark.split("|")
    marked = {**new, "identifier": [{"system": system, "value": value}]}
    entry = {"resource": new, "request": {"method": "POST", "url": "Observation"}}
    yield Ask("create", "POST", "Observation", new)
    condition = {"if-none-exist": f"identifier={mark}"}
    yield Ask("conditional create", "POST", "Observation", marked, condition)
    yield Ask("the same again", "POST", "Observation", marked, condition)
    yield Ask("update", "PUT", f"Observation/{id}", {**new, "id": id})
    later = {**new, "id": id, "effectiveDateTime": "2019-03-04"}
    yield Ask("update with another date", "PUT", f"Observation/{id}", later)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 20}
    yield Ask("transaction of 20", "POST", "", bundle)
