"""What a move refuses to begin from, and what it makes index rows of."""

from __future__ import annotations

import msgspec
import pytest

from careplane.app import background
from careplane.app.moving.indexing import Indexing
from careplane.app.moving.move import move
from careplane.app.moving.origin import origin_of, require_rest
from careplane.kernel.errors import Busy, Full
from careplane.records.bodies import accepting
from careplane.records.definitions import Definitions
from careplane.search.extract import extract
from careplane.search.registry import r4_registry
from careplane.search.rows import Rows
from careplane.storage.engines.memory import MemoryMove, MemoryState, MemoryStore
from careplane.storage.ports.moving import Kept
from careplane.storage.ports.records import Put, Tenant, Unit, Version

pytestmark = pytest.mark.anyio
ONE = Tenant(1)
NOW = 1_700_000_000_000_000
WHOLE, BROKEN = b'},"active":true}', b'},"active":'


def installation() -> tuple[MemoryStore, MemoryState, MemoryMove]:
    store, state = MemoryStore(lambda: NOW), MemoryState()
    return store, state, MemoryMove(store, state)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(("until", "rests"), [(NOW + 1, False), (NOW, True), (None, True)])
async def test_a_server_holds_the_lease(until: int | None, rests: bool) -> None:
    _, state, source = installation()
    space, tenant, key = background.LEASE
    if until is not None:
        value = msgspec.msgpack.encode(["somebody", until])
        await state.put(tenant, space, key, value)
    await state.put(ONE, space, key, b"of another tenant")
    if rests:
        await require_rest(source, lambda: NOW)
    else:
        with pytest.raises(Busy, match="running"):
            await require_rest(source, lambda: NOW)


async def test_an_origin_changes_with_everything_that_is_written() -> None:
    store, state, source = installation()

    async def origin() -> bytes:
        return await origin_of(source, await source.marks())

    found = [await origin()]
    await store.commit(ONE, Unit((Put("Patient", "1", "PUT", WHOLE, Rows(), 0, Rows()),)))
    found.append(await origin())
    await store.append(ONE, b"read")
    found.append(await origin())
    revision = await state.put(ONE, "job", "a", b"1")
    found.append(await origin())
    await state.drop(ONE, "job", "a", revision)
    found.append(await origin())
    assert len(set(found)) == len(found)
    assert await origin() == found[-1]


def kept(rest: bytes, *, current: bool = True) -> Kept:
    return Kept(ONE, Version("Patient", "1", 1, NOW, "PUT", rest, 1), current)


def test_only_what_is_current_has_rows() -> None:
    indexing = Indexing({})
    assert indexing.rows(kept(WHOLE)).tokens
    assert indexing.rows(kept(WHOLE, current=False)) == Rows()
    assert indexing.failed == []


@pytest.mark.parametrize("full_text", [True, False])
async def test_words_are_moved_where_full_text_search_is_on(full_text: bool) -> None:
    store, state, source = installation()
    registry = r4_registry().with_full_text() if full_text else r4_registry()
    definitions = Definitions(
        store, state, lambda: NOW, registry, extract, lambda *_: accepting(extract), nothing_runs
    )
    await definitions.edition(ONE)
    words = (await Indexing.of(source)).rows(kept(WHOLE)).words
    assert bool(words) is full_text
    assert (await Indexing.of(source)).rows(kept(WHOLE, current=False)).words == []


async def nothing_runs(tenant: Tenant) -> dict[str, tuple[int, str]]:
    return {}


async def test_what_cannot_be_indexed_is_moved_and_named() -> None:
    store, _, source = installation()
    await store.commit(ONE, Unit((Put("Patient", "1", "PUT", BROKEN, Rows(), 0, Rows()),)))
    _, _, target = installation()
    report = await move(source, target, lambda *_: None)
    assert (report.is_same, report.unindexed) == (True, ["Patient/1"])


async def test_what_is_full_says_how_to_go_on() -> None:
    store, _, source = installation()
    await store.commit(ONE, Unit((Put("Patient", "1", "PUT", WHOLE, Rows(), 0, Rows()),)))
    _, _, target = installation()

    async def full(*_: object) -> None:
        raise Full("The disk is full")

    target.put_versions = full  # type: ignore[method-assign]
    with pytest.raises(Full, match="run the same command again"):
        await move(source, target, lambda *_: None)
