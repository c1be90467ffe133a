"""Two institutions on one installation, with records of the same ids side by side: north, who
attacks, and south, whose records have a mark that nobody else may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.tenants.institution import Institution
from careplane.app import keys
from careplane.app.build import Careplane, build
from careplane.app.settings import Settings
from careplane.ledger.audit import AuditRecord, decode
from tests.fhir_house import observation, patient

ORIGIN = "http://localhost"
MARK = "Zyx"
SOUTH_HOST = "records.south.example"
ALL = "system/*.cruds system/Patient.purge"


def records(mark: str) -> list[dict[str, Any]]:
    """What each has. The mark is in texts, values and narratives."""
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{mark}</div>'}
    return [
        patient("p", name=[{"family": mark}], birthDate="1970-01-01", text=text),
        observation("o", "p", valueString=mark, effectiveDateTime="2024-01-01"),
        observation("o2", "p", valueString=mark, effectiveDateTime="2024-01-02"),
    ]


def only_south() -> list[dict[str, Any]]:
    """What south alone has."""
    return [
        patient("only", name=[{"family": MARK}]),
        observation("oo", "only", code="theirs", valueString=MARK),
    ]


@dataclass
class TenantHouse:
    """One installation with both. `north` and `south` speak with all rights, each at its own."""

    here: Careplane
    north: httpx.AsyncClient
    south: httpx.AsyncClient
    institutions: dict[str, Institution]

    def token(self, name: str, scopes: str = ALL, id: str = "client/all") -> str:
        """A token of an institution; the same caller everywhere, but for the tenant."""
        tenant = self.institutions[name].tenant
        return self.here.tokens.issue(Caller(tenant, id, "All", parse_scopes(scopes)), 3600)

    def client(self, at: str, of: str, **more: Any) -> httpx.AsyncClient:
        """At the address of one, with a token of another."""
        base = f"{ORIGIN}{self.institutions[at].root}/fhir/"
        return self.at(base, self.token(of, **more))

    def at(self, base: str, token: str = "") -> httpx.AsyncClient:
        """At any address."""
        headers = {"content-type": "application/fhir+json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(app=self.here.asgi)
        return httpx.AsyncClient(transport=transport, base_url=base, headers=headers)

    async def add(self, name: str, **more: Any) -> Institution:
        """Another institution."""
        made = await self.here.tenancy.register.add(Institution(0, name, name.title(), **more))
        await self.here.tenancy.known.look()
        self.institutions[name] = made
        return made

    async def audit(self, name: str) -> list[AuditRecord]:
        """The trail of one."""
        tail = await self.here.store.tail(self.institutions[name].tenant, 0, 100_000)
        return [decode(record) for _, record in tail]

    async def done(self, http: httpx.AsyncClient, url: str) -> httpx.Response:
        """The status of a job, when it is no longer 202."""
        async with asyncio.timeout(30):
            while (answer := await http.get(url)).status_code == 202:
                await asyncio.sleep(0.02)
        return answer


async def put(http: httpx.AsyncClient, *resources: dict[str, Any]) -> None:
    """Store resources under their own ids."""
    for one in resources:
        answer = await http.put(f"{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code in (200, 201), answer.text


@asynccontextmanager
async def open_tenant_house(
    data: Path, *, filled: bool = True, **settings: Any
) -> AsyncIterator[TenantHouse]:
    """Everything wired over a new data folder."""
    keys.create(data)
    here = build(Settings(ledger=False, data=data, **{"base_url": ORIGIN, **settings}))
    house = TenantHouse(here, None, None, {})  # type: ignore[arg-type]
    try:
        first = here.tenancy.known.by_name("default")
        assert first is not None
        house.institutions["default"] = first
        await house.add("north")
        await house.add("south", host=SOUTH_HOST)
        house.north, house.south = house.client("north", "north"), house.client("south", "south")
        if filled:
            await put(house.north, *records("Abc"))
            await put(house.south, *records(MARK), *only_south())
        yield house
    finally:
        await here.close()
