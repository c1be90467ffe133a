"""`:in`, `:not-in`, `:above`, `:below` and `:text` through the whole application, on every engine:
what terminology says is found, none of it lost, at 100,000 codes as well."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from careplane.storage.engines.memory import MemoryTerminology
from careplane.terminology.importers import opened
from careplane.terminology.loading.loader import load
from careplane.terminology.releases import Releases
from tests import release_files as made
from tests.contracts.engines import Store
from tests.fhir_house import House, bundle, entry, open_house
from tests.release_files import BOTH, CARDIAC, DISEASE, HEART, SCT, SET, STENOSIS, VALVE

pytestmark = pytest.mark.anyio
LARGE = "http://a.test/large"
SIZE = 100_000
USED = [0, 1, 2, 3, 777, 50_001, 99_998]
OUTSIDE = "elsewhere"


def large(n: int) -> str:
    """Codes of all shapes: numbers, UUIDs, words."""
    return (str(n), str(uuid.UUID(int=n)), f"C{n}", f"0{n}")[n % 4]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """A small edition, and a large table under one root."""
    folder: Path = tmp_path_factory.mktemp("releases")
    made.snomed(folder / "snomed")
    lines = ["code,parent", "root,", f"{OUTSIDE},", *(f"{large(n)},root" for n in range(SIZE))]
    (folder / "large.csv").write_text("\n".join(lines))
    options = {"url": LARGE, "code": "code", "parent": "parent"}
    store = MemoryTerminology()

    async def fill() -> None:
        for release in (
            opened("snomed", folder / "snomed", {}),
            opened("csv", folder / "large.csv", options),
        ):
            await load(store, release, folder, lambda *_: None)

    asyncio.run(fill())
    return Releases(lambda: store, lambda: 0.0)


@pytest.fixture
async def house(store: Store, releases: Releases) -> AsyncIterator[House]:
    async with open_house(store, library=releases, named=releases.named) as house:
        yield house


def condition(id: str, code: str, system: str = SCT) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": id,
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": system, "code": code, "display": f"Name of {id}"}]},
    }


def value_set(id: str, *includes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "id": id,
        "url": f"http://a.test/{id}",
        "status": "active",
        "compose": {"include": list(includes), **more},
    }


async def found(house: House, query: str) -> set[str]:
    answer = await house.http.get(f"/Condition?_count=200&{query}")
    assert answer.status_code == 200, answer.text
    return {one["resource"]["id"] for one in answer.json().get("entry", ())}


async def refused(house: House, query: str) -> tuple[int, str]:
    answer = await house.http.get(f"/Condition?{query}")
    return answer.status_code, answer.json()["issue"][0]["diagnostics"]


async def fill(house: House) -> None:
    for id, code in {"d": DISEASE, "c": CARDIAC, "s": STENOSIS, "b": BOTH, "h": HEART}.items():
        assert (await house.put(condition(id, code))).status_code == 201
    assert (await house.put(condition("o", CARDIAC, "http://other.test"))).status_code == 201


async def test_hierarchies_and_value_sets_are_found(house: House) -> None:
    await fill(house)
    assert await found(house, f"code:below={SCT}|{CARDIAC}") == {"c", "s", "b"}
    assert await found(house, f"code:above={SCT}|{STENOSIS}") == {"s", "c", "d"}
    assert await found(house, f"code:below={SCT}|{STENOSIS},{SCT}|{HEART}") == {"s", "b", "h"}
    assert await found(house, f"code:in={quote(SCT + '?fhir_vs=isa/' + CARDIAC)}") == {
        "c", "s", "b",
    }  # fmt: skip
    assert await found(house, f"code:in={quote(SCT + '?fhir_vs=refset/' + SET)}") == {"h"}
    refined = f"ecl/< {DISEASE} : {made.SITE} = {VALVE}"
    assert await found(house, f"code:in={quote(SCT + '?fhir_vs=' + quote(refined))}") == {"s", "b"}
    assert await found(house, f"code:not-in={quote(SCT + '?fhir_vs=isa/' + DISEASE)}") == {
        "h", "o",
    }  # fmt: skip
    assert await found(house, "code:text=name of s") == {"s"}


async def test_a_code_is_found_by_its_name_elsewhere(house: House) -> None:
    """In its code system it has names that the resource does not repeat."""
    await fill(house)
    assert await found(house, "code:text=Aortic sten") == {"s"}
    assert await found(house, "code:text=as - aortic") == {"s"}
    assert await found(house, "code:text=heart,stenosis and") == {"c", "h", "b"}
    assert await found(house, "code:text=valve stenosis") == set()
    assert await found(house, "code:text=AS") == set()


async def test_value_sets_of_the_tenant_are_found(house: House) -> None:
    await fill(house)
    heart = {"system": SCT, "filter": [{"property": "concept", "op": "is-a", "value": CARDIAC}]}
    own = {"system": "http://other.test", "concept": [{"code": CARDIAC}]}
    for one in (
        value_set("plain", heart, own),
        value_set("without", heart, exclude=[{"system": SCT, "concept": [{"code": BOTH}]}]),
        value_set("nested", {"valueSet": ["http://a.test/without"]}),
        value_set("round", {"valueSet": ["http://a.test/round"]}),
        value_set("strange", {"system": "http://nobody.test"}),
    ):
        assert (await house.put(one)).status_code == 201
    assert await found(house, "code:in=http://a.test/plain") == {"c", "s", "b", "o"}
    assert await found(house, "code:in=ValueSet/plain") == {"c", "s", "b", "o"}
    assert await found(house, "code:in=http://a.test/without") == {"c", "s"}
    assert await found(house, "code:in=http://a.test/nested") == {"c", "s"}
    assert (await refused(house, "code:in=http://a.test/round"))[0] in (400, 422)
    for unknown in ("http://a.test/strange", "http://a.test/none", "ValueSet/none"):
        status, text = await refused(house, f"code:in={unknown}")
        assert (status, "does not hold such a value set" in text) == (501, True), text
    status, text = await refused(house, "code:below=http://nobody.test|1")
    assert (status, "does not hold the hierarchy" in text) == (501, True)


async def test_searches_inside_of_others_ask_too(house: House) -> None:
    await fill(house)
    await house.put({"resourceType": "Patient", "id": "p"})
    below = f"code:below={SCT}|{STENOSIS}"
    answer = await house.http.get(f"/Patient?_has:Condition:subject:{below}")
    assert answer.json()["total"] == 1
    requests = [
        entry("GET", f"Condition?{below}"),
        entry("GET", "Condition?code:in=http://a.test/none"),
        entry("GET", f"Condition?code:below={SCT}|{CARDIAC}"),
    ]
    answer = await house.http.post("/", content=bundle("batch", *requests))
    one, other, last = answer.json()["entry"]
    assert (one["resource"]["total"], last["resource"]["total"]) == (2, 3)
    assert other["response"]["status"].startswith("501")


async def test_a_hundred_thousand_codes_lose_none(house: House) -> None:
    for n in USED:
        assert (await house.put(condition(f"n{n}", large(n), LARGE))).status_code == 201
    await house.put(condition("outside", OUTSIDE, LARGE))
    await house.put(condition("other", large(0), "http://other.test"))
    every = {f"n{n}" for n in USED}
    assert await found(house, f"code:below={LARGE}|root") == every
    assert await found(house, f"subject=Patient/p&code:below={LARGE}|root") == every
    await house.put(value_set("large", {"system": LARGE}))
    assert await found(house, "code:in=http://a.test/large") == {*every, "outside"}
    assert await found(house, "code:not-in=http://a.test/large") == {"other"}


async def test_too_many_questions_are_refused(house: House) -> None:
    values = ",".join(f"{SCT}|{n}" for n in range(1_000_000, 1_000_120))
    status, text = await refused(house, f"code:below={values}")
    assert (status, "100 value sets" in text) == (400, True)
