"""Tables that are cut by tenant: keys allow it, and no request looks beyond its tenant's part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from careplane.storage.engines.postgres.batch import NO_DATE, WRITE
from tests import postgres as server
from tools.scale_layout.asks import Ask, Known, ask, house
from tools.scale_layout.evidence import Shown, all_of, cut_up, planned_once, show
from tools.scale_layout.layouts import BY_RESOURCE, BY_TENANT

_LEDGER = {f"ledger_{name}" for name in ("entry", "head", "loss", "mark", "note", "run", "tile")}
_PACKAGES = {f"package{part}" for part in ("", "_head", "_artifact", "_body", "_usage")}
_TERMS = {f"terminology_{part}" for part in ("system", "concept", "posting")}
_WHOLE = {"installation", "migration", "key_change", "key_permit"} | _LEDGER | _PACKAGES | _TERMS
"""Of an installation, not of a tenant: a row or two that every node has, the ledger's, and what all
tenants share."""
_KNOWN = Known("p", "Chalmers", "o0", "8302-2", "2020-05-01T10:00:00Z")
pytestmark = pytest.mark.anyio


async def _hospital(url: str, folder: Path) -> None:
    people = [("p", "Chalmers"), ("q", "Windsor")]
    async with house(folder, url) as (_, http):
        for id, family in people:
            body = {"resourceType": "Patient", "id": id, "name": [{"family": family}]}
            await ask(http, Ask("a patient", "PUT", f"Patient/{id}", body))
        for n in range(6):
            body = {
                "resourceType": "Observation",
                "id": f"o{n}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
                "subject": {"reference": f"Patient/{people[n % 2][0]}"},
                "effectiveDateTime": f"202{n}-05-01T10:00:00Z",
                "valueQuantity": {"value": 160 + n, "unit": "cm"},
            }
            await ask(http, Ask("an observation", "PUT", f"Observation/o{n}", body))


async def _shown(folder: Path, columns: Mapping[str, str]) -> tuple[str, list[str], list[Shown]]:
    url = server.url()
    weakened = await cut_up(url, folder, columns)
    await _hospital(url, folder)
    return url, weakened, await show(url, folder, all_of(_KNOWN))


async def test_every_request_touches_the_part_of_its_tenant_alone(tmp_path: Path) -> None:
    url, weakened, shown = await _shown(tmp_path, BY_TENANT)
    assert weakened == []
    assert {one.name: len(one.parts) for one in shown} == {one.name: 1 for one in shown}
    assert len({number for one in shown for number in one.parts}) == 1
    assert {WRITE, NO_DATE} <= {sent.text for one in shown for sent in one.sent}
    plan = await planned_once(url, shown, "search by patient, code and date", "JOIN version")
    assert any("Subplans Removed: 7" in line for line in plan)


async def test_cut_by_resource_only_what_is_about_one_stays_in_a_part(tmp_path: Path) -> None:
    _, weakened, shown = await _shown(tmp_path, BY_RESOURCE)
    assert weakened == ["version_t"]
    looked_into = {one.name: one.looked_into for one in shown}
    assert looked_into["read"] == looked_into["history of an instance"] == 1
    assert looked_into["search by patient, code and date"] == 8


async def test_every_table_has_its_place(tmp_path: Path) -> None:
    url = server.url()
    async with house(tmp_path, url) as (here, _):
        await here.store.check()
    connection = await asyncpg.connect(url)
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = current_schema()::regnamespace"
    )
    await connection.close()
    assert {row[0] for row in tables} == BY_TENANT.keys() | _WHOLE
