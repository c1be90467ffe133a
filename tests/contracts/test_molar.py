"""Amounts of an analyte in grams and in moles find one another, in every engine and as the plan
means it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir import structs
from careplane.search.criterion import Setting
from careplane.search.extract import extract
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.parse import parse, parse_query
from careplane.search.registry import r4_registry
from careplane.storage.ports.records import Tenant, Unit
from tests.contracts import material as m
from tests.contracts.conftest import Hands
from tests.contracts.engines import ENGINES

CASES = yaml.safe_load(Path(__file__).with_name("molar.yaml").read_text("utf-8"))
SETTING = Setting(r4_registry())
UCUM = "http://unitsofmeasure.org"
TENANT = Tenant(3)


def measured(code: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "system": UCUM, "code": unit},
    }


def rows(row: list[Any]) -> m.Rows:
    if row[0] == "component":
        found: dict[str, Any] = {"code": {"text": "a"}, "component": [measured(*row[1:])]}
    else:
        found = measured(*row)
    raw = json.dumps({"resourceType": "Observation", "status": "final", **found})
    return extract(structs.decoder("Observation").decode(raw))


ROWS = {id: rows(row) for id, row in CASES["observations"].items()}


@pytest.mark.parametrize("engine", ENGINES)
def test_grams_and_moles_find_one_another(engine: str, tmp_path: Path) -> None:
    async def run() -> None:
        store = ENGINES[engine](tmp_path, Hands())
        puts = tuple(m.put("Observation", id, found) for id, found in ROWS.items())
        await store.commit(TENANT, Unit(puts))
        for case in CASES["queries"]:
            pairs = parse_query(case["ask"].replace("|U|", f"|{UCUM}|"))
            query = parse(SETTING, ("Observation",), pairs).query
            page = await store.search(TENANT, query)
            assert sorted(v.id for v in page.versions) == sorted(case["find"]), case["ask"]
            assert await store.count(TENANT, query) == len(case["find"])
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("case", CASES["queries"], ids=lambda case: str(case["ask"]))
def test_the_plan_means_the_same(case: dict[str, Any]) -> None:
    pairs = parse_query(case["ask"].replace("|U|", f"|{UCUM}|"))
    where = parse(SETTING, ("Observation",), pairs).query.where
    found = [
        id
        for id, rows in ROWS.items()
        if matches(where, Subject("Observation", id, 0, rows), NoWorld())
    ]
    assert sorted(found) == sorted(case["find"])
