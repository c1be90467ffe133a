"""What LedgerStore promises, over every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from careplane.kernel.errors import Stale
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryLedger
from careplane.storage.ports.ledger import Batch, Entry, LedgerStore, Loss, Run
from tests import postgres as database

pytestmark = pytest.mark.anyio
KEY = bytes(range(32))
STORES: dict[str, Callable[[Path], LedgerStore]] = {
    "memory": lambda _: MemoryLedger(),
    "sqlite": lambda folder: sqlite.open_ledger(folder, KEY),
    "postgres": lambda _: postgres.open_ledger(database.url()),
}


def entries(*names: str) -> list[Entry]:
    return [Entry(name.encode(), b"salt of " + name.encode()) for name in names]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LedgerStore]:
    store = STORES[request.param](tmp_path)
    yield store
    await store.close()


async def test_what_is_appended_is_there_in_order(store: LedgerStore) -> None:
    assert (await store.size(), await store.entries(0, 9), await store.losses()) == (0, [], [])
    await store.append(Batch(0, entries("a", "b"), [((0, 0), b"ab")], {"outbox": 7}))
    await store.append(Batch(2, entries("c"), [((0, 0), b"abc"), ((1, 5), b"up")], {"inbox": 1}))
    assert await store.size() == 3
    assert await store.entries(1, 2) == list(enumerate(entries("b", "c"), 1))
    assert await store.entries(1, 1) == [(1, entries("b")[0])]
    assert await store.tiles([(0, 0), (1, 5), (1, 0)]) == {(0, 0): b"abc", (1, 5): b"up"}
    marks = [await store.mark(source) for source in ("outbox", "inbox", "other")]
    assert marks == [7, 1, 0]


async def test_an_append_at_another_place_changes_nothing(store: LedgerStore) -> None:
    await store.append(Batch(0, entries("a"), [((0, 0), b"a")]))
    for start in (0, 2):
        with pytest.raises(Stale):
            await store.append(Batch(start, entries("x"), [((0, 0), b"x")], {"outbox": 9}))
    assert await store.entries(0, 9) == [(0, entries("a")[0])]
    assert await store.tiles([(0, 0)]) == {(0, 0): b"a"}
    assert await store.mark("outbox") == 0


async def test_leaves_move_once(store: LedgerStore) -> None:
    """Of two who move the same, the second one is told."""
    await store.append(Batch(0, entries("a"), [], {"versions": 5}, since={"versions": 0}))
    with pytest.raises(Stale):
        await store.append(Batch(1, entries("a"), [], {"versions": 5}, since={"versions": 0}))
    assert (await store.size(), await store.mark("versions")) == (1, 5)
    await store.append(Batch(1, entries("b"), [], {"versions": 6}, since={"versions": 5, "x": 0}))
    assert await store.size() == 2


async def test_the_leaf_of_a_version_is_found_by_its_t(store: LedgerStore) -> None:
    runs = [Run(1, 5, 0, 2), Run(2, 5, 2, 1), Run(1, 9, 3, 1)]
    await store.append(Batch(0, entries(*"abcd"), [], runs=runs))
    found = {who: await store.places(who, range(4, 11)) for who in (1, 2, 3)}
    assert found == {1: {5: 0, 6: 1, 9: 3}, 2: {5: 2}, 3: {}}
    assert await store.runs(1) == [runs[0], runs[2]]
    assert (await store.runs(1, 5), await store.runs(1, 0, 1)) == ([runs[2]], [runs[0]])


async def test_what_is_kept_beside_a_leaf_and_notes_go_in_with_it(store: LedgerStore) -> None:
    said = Entry(b"a", b"salt", b"audit\nfirst 1\n")
    await store.append(Batch(0, [said], [], notes={"erased": b"1", "policies": b"2"}))
    assert await store.entries(0, 1) == [(0, said)]
    await store.erase([0])
    assert await store.entries(0, 1) == [(0, Entry(b"a", b"", said.said))]
    assert (await store.note("erased"), await store.note("policies")) == (b"1", b"2")


async def test_a_batch_of_thousands_is_one(store: LedgerStore) -> None:
    many = entries(*(str(n) for n in range(3_000)))
    await store.append(Batch(0, many, [((0, n), b"t") for n in range(12)]))
    assert await store.size() == 3_000
    assert [entry for _, entry in await store.entries(0, 5_000)] == many


async def test_an_erased_salt_is_gone_and_its_leaf_stays(store: LedgerStore) -> None:
    await store.append(Batch(0, entries("a", "b", "c"), []))
    assert await store.erase([0, 2, 2, 9]) == 2
    assert await store.erase([0]) == 0
    found = [entry for _, entry in await store.entries(0, 9)]
    assert found == [Entry(b"a", b""), entries("b")[0], Entry(b"c", b"")]


async def test_a_loss_forgets_what_was_behind_it(store: LedgerStore) -> None:
    await store.append(Batch(0, entries(*"abcde"), [((0, 0), b"abcde")]))
    tiles = [((0, n), b"full") for n in range(1, 4)] + [((1, 0), b"up")]
    await store.append(Batch(5, entries(*(str(n) for n in range(800))), tiles))
    loss = Loss(300, 900, 1, b"known", b"note")
    with pytest.raises(Stale):
        await store.append(Batch(805, entries("x"), [], loss=loss))
    await store.append(Batch(900, entries("epoch", "again"), [((0, 3), b"new")], loss=loss))
    assert await store.size() == 902
    assert await store.losses() == [loss]
    assert [n for n, _ in await store.entries(298, 9)] == [298, 299, 900, 901]
    kept = {(0, 0): b"abcde", (0, 1): b"full", (0, 3): b"new", (1, 0): b"up"}
    assert await store.tiles([(0, n) for n in range(5)] + [(1, 0)]) == kept


async def test_notes_are_replaced(store: LedgerStore) -> None:
    assert await store.note("signed") == b""
    await store.put_note("signed", b"one")
    await store.put_note("signed", b"two")
    assert (await store.note("signed"), await store.note("cosigned")) == (b"two", b"")


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_all_of_it_is_there_after_a_restart(tmp_path: Path, engine: str) -> None:
    url = database.url() if engine == "postgres" else ""

    def opened() -> LedgerStore:
        return postgres.open_ledger(url) if url else sqlite.open_ledger(tmp_path, KEY)

    store = opened()
    await store.append(Batch(0, entries("a"), [((0, 0), b"a")], {"outbox": 3}))
    await store.put_note("signed", b"note")
    await store.append(Batch(5, entries("e"), [], loss=Loss(0, 5, 0, b"known", b"")))
    await store.close()
    store = opened()
    assert (await store.size(), await store.mark("outbox")) == (6, 3)
    assert await store.note("signed") == b"note"
    assert await store.losses() == [Loss(0, 5, 0, b"known", b"")]
    await store.close()
