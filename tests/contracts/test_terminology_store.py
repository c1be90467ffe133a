"""What TerminologyStore promises, over every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from careplane.kernel.errors import Stale
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryTerminology
from careplane.storage.ports.terminology import Held, Posting, Row, TerminologyStore
from careplane.terminology.loading.copying import copied
from tests import postgres as database

pytestmark = pytest.mark.anyio
KEY = bytes(range(32))
STORES: dict[str, Callable[[Path], TerminologyStore]] = {
    "memory": lambda _: MemoryTerminology(),
    "sqlite": lambda folder: sqlite.open_terminology(folder, KEY),
    "postgres": lambda _: postgres.open_terminology(database.url()),
}
SCT = "http://snomed.info/sct"


def rows(*keys: str, start: int = 0) -> list[Row]:
    return [
        Row(n, key, b"beside " + key.encode(), key.encode()) for n, key in enumerate(keys, start)
    ]


async def loaded(store: TerminologyStore, version: str, *keys: str) -> int:
    number = await store.begin(SCT, version)
    await store.put(number, rows(*keys), [])
    await store.finish(number, version.encode())
    return number


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TerminologyStore]:
    store = STORES[request.param](tmp_path)
    yield store
    await store.close()


async def test_what_is_filled_comes_into_sight_as_a_whole(store: TerminologyStore) -> None:
    number = await store.begin(SCT, "1")
    await store.put(number, rows("a", "ü"), [])
    await store.put(number, rows("c", start=2), [])
    assert await store.held() == []
    await store.finish(number, b"head")
    assert await store.held() == [Held(number, SCT, "1", b"head", 3)]
    assert await store.places(number, ["a", "ü", "x", "\0", "\ud800"]) == {"a": 0, "ü": 1}
    assert await store.places(number, ["c"]) == {"c": 2}
    assert await store.bodies(number, [2, 7, -1, 1 << 40]) == {2: b"c"}
    assert await store.bodies(number, [0, 1]) == {0: b"a", 1: "ü".encode()}
    assert await store.keys(number, [1, 9]) == {1: "ü"}
    assert await store.links(number, [0]) == {0: b"beside a"}
    assert await store.rows(number, 1, 5) == [*rows("ü", start=1), *rows("c", start=2)]
    assert await store.rows(number, 0, 1) == rows("a")


async def test_versions_stand_side_by_side(store: TerminologyStore) -> None:
    one, two = await loaded(store, "1", "a", "b"), await loaded(store, "2", "b")
    assert [held.version for held in await store.held()] == ["1", "2"]
    assert (await store.places(one, ["b"]), await store.places(two, ["b"])) == ({"b": 1}, {"b": 0})
    assert await store.rows(one, 0, 9) == rows("a", "b")


async def test_the_same_version_takes_the_place_of_the_old_one(store: TerminologyStore) -> None:
    old, other = await loaded(store, "1", "a"), await loaded(store, "2", "a")
    new = await loaded(store, "1", "b")
    assert [held.number for held in await store.held()] == [other, new]
    assert await store.places(old, ["a"]) == {"a": 0}  # whoever reads it reads on
    await store.sweep()
    assert (await store.places(old, ["a"]), await store.rows(old, 0, 9)) == ({}, [])
    assert await store.places(new, ["b"]) == {"b": 0}


async def test_what_was_never_finished_gives_way(store: TerminologyStore) -> None:
    broken = await store.begin(SCT, "1")
    other = await store.begin(SCT, "2")
    await store.put(broken, rows("a"), [Posting("w:a", 0, b"1")])
    new = await store.begin(SCT, "1")
    for attempt in (store.put(broken, rows("b", start=1), []), store.finish(broken, b"")):
        with pytest.raises(Stale):
            await attempt
    await store.sweep()
    assert (await store.rows(broken, 0, 9), await store.postings(broken, ["w:a"])) == ([], {})
    for number in (new, other):
        await store.put(number, rows("c"), [])
        await store.finish(number, b"")
    assert [held.number for held in await store.held()] == [new, other]
    with pytest.raises(Stale):
        await store.put(new, rows("d", start=1), [])


async def test_what_is_dropped_is_out_of_sight(store: TerminologyStore) -> None:
    number = await loaded(store, "1", "a")
    assert [await store.drop(number), await store.drop(number), await store.drop(99)] == [
        True,
        False,
        False,
    ]
    assert await store.held() == []
    await store.sweep()
    assert await store.rows(number, 0, 9) == []
    assert await loaded(store, "1", "a") > number


async def test_postings_are_found_by_name_with_all_their_parts(store: TerminologyStore) -> None:
    number, other = await store.begin(SCT, "1"), await store.begin(SCT, "2")
    await store.put(number, [], [Posting("w:heart", 0, b"12"), Posting("w:heat", 0, b"1")])
    await store.put(number, [], [Posting("w:heart", 1, b"34"), Posting("p:é", 1, b"5")])
    await store.put(other, [], [Posting("w:heart", 0, b"9")])
    found = await store.postings(number, ["w:heart", "p:é", "w:none", "w:\0"])
    assert found == {"w:heart": b"1234", "p:é": b"5"}
    assert await store.names(number, "w:", "", 9) == ["w:heart", "w:heat"]
    assert await store.names(number, "", "", 9) == ["p:é", "w:heart", "w:heat"]
    assert await store.names(number, "w:hear", "", 9) == ["w:heart"]
    assert await store.names(number, "w:", "w:heart", 9) == ["w:heat"]
    assert await store.names(number, "w:", "", 1) == ["w:heart"]
    assert await store.names(number, "w:\0", "", 1) == []


async def test_all_of_it_is_copied_to_another_one(store: TerminologyStore) -> None:
    other = MemoryTerminology()
    number = await store.begin(SCT, "1")
    await store.put(number, rows("a", "b"), [Posting("w:heart", 0, b"12")])
    await store.put(number, [], [Posting("w:heart", 1, b"34"), Posting("p:é", 1, b"5")])
    await store.finish(number, b"head")
    await loaded(store, "2", "c")
    assert [await copied(store, other), await copied(store, other)] == [2, 2]
    one, two = await other.held()
    assert (one.version, one.head, one.count, two.version) == ("1", b"head", 2, "2")
    assert await other.rows(one.number, 0, 9) == rows("a", "b")
    assert await other.postings(one.number, ["w:heart", "p:é"]) == {"w:heart": b"1234", "p:é": b"5"}


async def test_tens_of_thousands_go_in_and_out(store: TerminologyStore) -> None:
    number = await store.begin(SCT, "1")
    keys = [f"{n:06}" for n in range(21_000)]
    await store.put(number, rows(*keys), [Posting(f"w:{key}", 0, b"") for key in keys])
    await store.finish(number, b"")
    assert (await store.held())[0].count == len(keys)
    assert len(await store.places(number, keys)) == len(keys)
    assert len(await store.bodies(number, range(len(keys)))) == len(keys)
    assert await store.drop(number)
    await store.sweep()
    assert (await store.rows(number, 0, 9), await store.names(number, "w:", "", 9)) == ([], [])


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_all_of_it_is_there_after_a_restart(tmp_path: Path, engine: str) -> None:
    url = database.url() if engine == "postgres" else ""

    def opened() -> TerminologyStore:
        return postgres.open_terminology(url) if url else sqlite.open_terminology(tmp_path, KEY)

    store = opened()
    number = await loaded(store, "1", "a")
    await store.begin(SCT, "2")
    await store.close()
    store = opened()
    assert [held.number for held in await store.held()] == [number]
    assert await store.rows(number, 0, 9) == rows("a")
    await store.close()
