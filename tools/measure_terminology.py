"""How fast the operations on codes are: `python -m tools.measure_terminology`. In processor time of
one core, whole requests by ASGI, each with its audit record.

An institution with a code system of 1,000 codes of its own and a value set over it; the other calls
are about what R4 ships.
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
from careplane.access.scopes import parse_scopes
from careplane.app import keys
from careplane.app.build import TENANT, Careplane, build
from careplane.app.settings import Settings
from tools.bench.setups import Fact

_CODES, _TOGETHER, _ROUNDS, _TIMES = 1_000, 50, 7, 500
_OWN, _R4 = "http://hospital.test/vs", "http://hl7.org/fhir/ValueSet/observation-status"
_STATUS = "http://hl7.org/fhir/observation-status"
_V3 = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def _resources() -> list[dict[str, Any]]:
    system = "http://hospital.test/cs"
    concepts = [{"code": f"c{n:04}", "display": f"Concept number {n}"} for n in range(_CODES)]
    return [
        {
            "resourceType": "CodeSystem", "id": "cs", "url": system, "version": "1",
            "status": "active", "content": "complete", "concept": concepts,
        },
        {
            "resourceType": "ValueSet", "id": "vs", "url": _OWN, "status": "active",
            "compose": {"include": [{"system": system}]},
        },
    ]  # fmt: skip


CALLS = {
    "$validate-code, R4": f"ValueSet/$validate-code?url={_R4}&system={_STATUS}&code=final",
    "$validate-code, own": (
        f"ValueSet/$validate-code?url={_OWN}&system=http://hospital.test/cs&code=c0500"
    ),
    "$lookup": f"CodeSystem/$lookup?system={_STATUS}&code=final",
    "$subsumes": f"CodeSystem/$subsumes?system={_V3}&codeA=_ActCoverageTypeCode&codeB=EHCPOL",
    "$expand, 1,000 codes": f"ValueSet/$expand?url={_OWN}",
}


_TARGETS = {
    "$validate-code, R4": "5,000/s",
    "$validate-code, own": "5,000/s",
    "$lookup": "5,000/s",
    "$subsumes": "1 ms",
    "$expand, 1,000 codes": "20 ms",
}


class _Client:
    """Calls the application in this very process."""

    def __init__(self, here: Careplane) -> None:
        caller = Caller(TENANT, "client/m", "Measurer", parse_scopes("system/*.cruds"))
        token = here.tokens.issue(caller, 3600)
        self._here = here
        self._headers = [
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/fhir+json"),
        ]

    async def call(self, method: str, address: str, body: bytes = b"") -> None:
        path, _, query = address.partition("?")
        scope = {
            "type": "http", "method": method, "path": f"/fhir/{path}",
            "raw_path": f"/fhir/{path}".encode(), "query_string": query.encode(),
            "headers": self._headers, "client": ("127.0.0.1", 1), "scheme": "http",
            "server": ("localhost", 80), "http_version": "1.1",
        }  # fmt: skip
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        await self._here.asgi(scope, receive, send)
        if status not in (200, 201):
            raise RuntimeError(f"{address} was answered with {status}")


async def _seconds(client: _Client, address: str, times: int) -> float:
    """Of one call, the median of rounds."""
    taken = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(times // _TOGETHER):
            await asyncio.gather(*(client.call("GET", address) for _ in range(_TOGETHER)))
        taken.append((time.process_time() - began) / times)
    return median(taken)


async def _measure(folder: Path) -> dict[str, float]:
    keys.create(folder)
    here = build(Settings(data=folder), for_long=True)
    try:
        await here.warm()
        client = _Client(here)
        for one in _resources():
            address = f"{one['resourceType']}/{one['id']}"
            await client.call("PUT", address, json.dumps(one).encode())
        found = {}
        for name, address in CALLS.items():
            await client.call("GET", address)
            times = _TOGETHER if "expand" in name else _TIMES
            found[name] = await _seconds(client, address, times)
        return found
    finally:
        await here.close()


def facts() -> list[Fact]:
    """The rows."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_measure(Path(folder)))
    return [
        Fact(name, f"{seconds * 1000:.2f} ms, {1 / seconds:,.0f}/s", _TARGETS[name])
        for name, seconds in found.items()
    ]


if __name__ == "__main__":
    for fact in facts():
        print(f"{fact.name}: {fact.value} (target {fact.target})")
