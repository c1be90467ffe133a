"""Questions about a large code system that would take without bound: each is answered or refused
within seconds of processor time, through HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore, MemoryTerminology
from careplane.terminology.importers import opened
from careplane.terminology.loading.loader import load
from careplane.terminology.releases import Releases
from tests.fhir_house import House, open_house
from tools.make_rf2 import FINDING, ROOT, SITE, make

pytestmark = pytest.mark.anyio
SCT = "http://snomed.info/sct"
SIZE = 4_000
SECONDS = 3.0


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    folder: Path = tmp_path_factory.mktemp("rf2")
    make(folder / "rf2", SIZE)
    store = MemoryTerminology()
    release = opened("snomed", folder / "rf2", {})
    asyncio.run(load(store, release, folder, lambda *_: None))
    return Releases(lambda: store, lambda: 0.0)


@pytest.fixture
async def house(releases: Releases) -> AsyncIterator[House]:
    async with open_house(MemoryStore(system_clock), library=releases) as house:
        yield house


NESTED = "(" * 45 + f"<< {FINDING}" + ")" * 45
BOMBS = {
    "deep": "(" * 5_000 + "*" + ")" * 5_000,
    "long": " OR ".join(["<< " + FINDING] * 1_500),
    "above everything": f"> (< {ROOT})",
    "beside everything": f"<! (>! (< {ROOT}))",
    "values of values": f"* : * = (* : * = (< {FINDING}))",
    "counted": f"* : [1..*] {{ [1..1] {SITE} = (<< {FINDING}) }}",
    "reversed": f"* : R * = (< {FINDING})",
    "dotted": "((*).*).*",
    "nested": NESTED,
    "brackets": f"* : {'(' * 40}{SITE} = *{')' * 40}",
    "a word of a megabyte": '* {{ term = "' + "x" * 15_000 + '" }}',
}


@pytest.mark.parametrize("name", BOMBS)
async def test_an_expression_ends(house: House, name: str) -> None:
    url = f"{SCT}?fhir_vs=ecl/{quote(BOMBS[name], safe='')}"
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "url", "valueUri": url}, {"name": "count", "valueInteger": 10}],
    }
    began = time.process_time()
    answer = await house.http.post("/ValueSet/$expand", json=parameters)
    assert time.process_time() - began < SECONDS
    assert answer.status_code in (200, 400, 404, 422, 501), answer.text
    kind = "ValueSet" if answer.status_code == 200 else "OperationOutcome"
    assert answer.json()["resourceType"] == kind


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*x" * 100, "x{1000}{1000}", "(" * 900])
async def test_a_regular_expression_ends(house: House, pattern: str) -> None:
    include = {"system": SCT, "filter": [{"property": "code", "op": "regex", "value": pattern}]}
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "valueSet", "resource": value_set},
            {"name": "count", "valueInteger": 10},
        ],
    }
    began = time.process_time()
    answer = await house.http.post("/ValueSet/$expand", json=parameters)
    assert time.process_time() - began < SECONDS
    assert answer.status_code in (200, 400, 422, 501), answer.text


async def test_a_code_of_a_megabyte_is_not_there(house: House) -> None:
    code = "9" * 1_000_000
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "system", "valueUri": SCT}, {"name": "code", "valueCode": code}],
    }
    began = time.process_time()
    answer = await house.http.post("/CodeSystem/$lookup", json=parameters)
    assert time.process_time() - began < SECONDS
    assert answer.status_code in (400, 404, 422)
    assert len(answer.content) < 10_000
