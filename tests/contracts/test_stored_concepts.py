"""`Concepts` over the store answer as those of the same CodeSystem in memory, on every engine."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from careplane.kernel.errors import Incorrect, Unsupported
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryTerminology
from careplane.storage.ports.terminology import TerminologyStore
from careplane.terminology.concepts import Concepts, Filter, Selection
from careplane.terminology.formats.fhir import Fhir
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.loader import load
from careplane.terminology.releases import Releases
from careplane.terminology.resource import ResourceConcepts
from tests import postgres as database

pytestmark = pytest.mark.anyio
STORES: dict[str, Callable[[Path], TerminologyStore]] = {
    "memory": lambda _: MemoryTerminology(),
    "sqlite": lambda folder: sqlite.open_terminology(folder, bytes(range(32))),
    "postgres": lambda _: postgres.open_terminology(database.url()),
}
WORDS = ["Heart", "valve", "Ærø", "naïve", "left", "RIGHT", "acute,", "x-ray", "2nd"]
URL = "http://example.org/large"


def code_system(seed: int, *, exact: bool = True) -> dict[str, Any]:
    """Some dozens of concepts with up to three parents, and all kinds of properties."""
    rng = random.Random(seed)
    concepts: list[dict[str, Any]] = []
    for n in range(60):
        parents = rng.sample(range(n), min(n, rng.choice([0, 1, 1, 1, 2, 3])))
        properties: list[dict[str, Any]] = [
            {"code": "parent", "valueCode": f"C{p}"} for p in parents
        ]
        if rng.random() < 0.5:
            properties.append(
                {"code": "kind", "valueCode": rng.choice(["red", "green", "dark red"])}
            )
        if rng.random() < 0.3:
            properties.append({"code": "size", "valueInteger": rng.randrange(3)})
        if rng.random() < 0.3:
            properties.append({"code": "by", "valueCoding": {"system": "s", "code": "c1"}})
        if rng.random() < 0.2:
            properties.append({"code": "remark", "valueString": "long " * rng.randrange(39, 42)})
        if rng.random() < 0.2:
            properties.append({"code": "inactive", "valueBoolean": True})
        concepts.append(
            {
                "code": f"C{n}",
                "display": " ".join(rng.sample(WORDS, 3)),
                "definition": "defined" if n % 2 else "",
                "property": properties,
                "designation": [{"language": "de", "value": rng.choice(WORDS) + "klappe"}],
            }
        )
    return {
        "resourceType": "CodeSystem",
        "url": URL,
        "version": "1",
        "status": "active",
        "caseSensitive": exact,
        "content": "complete",
        "property": [
            {"code": code, "type": type}
            for code, type in [
                ("kind", "code"),
                ("size", "integer"),
                ("by", "Coding"),
                ("inactive", "boolean"),
                ("remark", "string"),
            ]
        ],
        "concept": concepts,
    }


FILTERS = [
    *(Filter(p, op, f"C{n}") for p in ("concept", "code") for n in (0, 3, 17) for op in (
        "is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "descendent-leaf", "=",
    )),
    Filter("concept", "is-a", "none"),
    Filter("concept", "in", "C1, C2,none"),
    Filter("concept", "not-in", "C1, C2"),
    Filter("concept", "regex", "C[1-2].?"),
    Filter("concept", "exists", "true"),
    Filter("parent", "=", "C1"),
    Filter("parent", "in", "C1,C4"),
    Filter("parent", "not-in", "C1,C4"),
    Filter("parent", "exists", "false"),
    Filter("parent", "regex", "C[12]"),
    Filter("child", "=", "C30"),
    Filter("child", "exists", "true"),
    *(Filter("kind", op, v) for op, v in [
        ("=", "red"), ("in", "red,green"), ("not-in", "red,green"), ("regex", ".*red"),
        ("exists", "true"), ("exists", "false"), ("=", "re"),
    ]),
    Filter("size", "=", "2"),
    Filter("by", "=", "c1"),
    Filter("remark", "exists", "false"),
    *(Filter("remark", op, "long " * n) for op in ("=", "in", "not-in") for n in (39, 40, 41)),
    Filter("remark", "regex", "(long )+"),
    Filter("remark", "regex", "(long ){41}"),
    Filter("inactive", "=", "true"),
    Filter("inactive", "=", "false"),
    Filter("display", "regex", ".*naïve.*"),
    Filter("display", "=", "Heartklappe"),
    Filter("definition", "=", "defined"),
]  # fmt: skip
TEXTS = ["heart", "hea val", "KLAPPE", "aer", "naive ra", "nothing", "2nd left", "x ray"]
REFUSED = [
    Filter("nobody", "=", "x"),
    Filter("kind", "is-a", "x"),
    Filter("kind", "exists", "maybe"),
    Filter("kind", "regex", "("),
    Filter("concept", "regex", "a" * 5000),
]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TerminologyStore]:
    store = STORES[request.param](tmp_path)
    yield store
    await store.close()


async def stored(store: TerminologyStore, tree: dict[str, Any], folder: Path) -> Concepts:
    """The code system, loaded."""
    place = folder / "release"
    place.mkdir()
    (place / "large.json").write_text(json.dumps(tree))
    await load(store, Fhir(Files(place), {}), folder, lambda *_: None)
    found = await Releases(lambda: store, lambda: 0.0).concepts(URL, "1")
    assert found is not None
    return found


async def everything(concepts: Concepts, selection: Selection) -> set[str]:
    """All codes of a selection, by pages of seven, each behind a parent of its."""
    found: list[str] = []
    while some := await concepts.select(selection, after=found[-1] if found else "", limit=7):
        found += [concept.code for concept in some]
    assert len(set(found)) == len(found) == await concepts.count(selection)
    skipped = await concepts.select(selection, skip=5, limit=4)
    assert [concept.code for concept in skipped] == found[5:9]
    return set(found)


async def test_it_answers_as_in_memory(store: TerminologyStore, tmp_path: Path) -> None:
    tree = code_system(1)
    here, there = await stored(store, tree, tmp_path), ResourceConcepts(tree)
    codes = [concept["code"] for concept in tree["concept"]]
    for code in [*codes, "none", "c1", "\0", "x" * 1_000_000]:
        assert await here.find(code) == await there.find(code)
        assert set(await here.children(code)) == set(await there.children(code))
        assert set(await here.ancestors(code)) == set(await there.ancestors(code))
    some = [*codes, "none"]
    assert await here.many(some) == await there.many(some)
    for one in some:
        for other in some:
            assert await here.is_a(one, other) == await there.is_a(one, other), (one, other)


async def test_it_selects_as_in_memory(store: TerminologyStore, tmp_path: Path) -> None:
    tree = code_system(2)
    here, there = await stored(store, tree, tmp_path), ResourceConcepts(tree)
    asked = [Selection((filter,)) for filter in FILTERS]
    asked += [Selection(text=text, active_only=True) for text in TEXTS]
    asked += [Selection((a, b), text="heart") for a, b in zip(FILTERS, FILTERS[5:], strict=False)]
    for selection in asked:
        wanted = {concept.code for concept in await there.select(selection, limit=100)}
        assert await everything(here, selection) == wanted, selection
        for code in ("C5", "none"):
            meets = await here.meets(code, selection.filters)
            assert meets == await there.meets(code, selection.filters), selection


async def test_what_cannot_be_asked_is_refused(store: TerminologyStore, tmp_path: Path) -> None:
    here = await stored(store, code_system(3), tmp_path)
    for filter in REFUSED:
        with pytest.raises((Unsupported, Incorrect)):
            await here.select(Selection((filter,)))


async def test_case_does_not_count_where_it_does_not(
    store: TerminologyStore, tmp_path: Path
) -> None:
    here = await stored(store, code_system(4, exact=False), tmp_path)
    found = await here.find("c7")
    assert found is not None
    assert found.code == "C7"
    assert await here.is_a("c7", "C7")
    assert await here.count(Selection((Filter("concept", "in", "c1,C2"),))) == 2
