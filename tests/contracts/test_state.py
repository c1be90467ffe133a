"""What StateStore promises, over every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry, StateStore
from tests import postgres as server

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
STATES: dict[str, Callable[[Path], StateStore]] = {
    "memory": lambda _: MemoryState(),
    "sqlite": lambda folder: sqlite.open_state(folder, bytes(range(32))),
    "postgres": lambda _: postgres.open_state(server.url()),
}


@pytest.fixture(params=STATES)
async def state(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateStore]:
    state = STATES[request.param](tmp_path)
    yield state
    await state.close()


async def test_values_are_kept_apart_by_tenant_space_and_key(state: StateStore) -> None:
    await state.put(ONE, "job", "a", b"1")
    await state.put(ONE, "job", "b", b"2")
    await state.put(ONE, "lease", "a", b"3")
    await state.put(TWO, "job", "a", b"4")
    found = await state.get(ONE, "job", "a")
    assert found is not None
    assert found.value == b"1"
    assert await state.get(TWO, "job", "b") is None
    assert [(t, e.key, e.value) for t, e in await state.scan(None, "job")] == [
        (1, "a", b"1"),
        (1, "b", b"2"),
        (2, "a", b"4"),
    ]
    assert [e.key for _, e in await state.scan(ONE, "job", after="a")] == ["b"]
    assert len(await state.scan(ONE, "job", count=1)) == 1


async def test_a_change_on_condition_is_made_once(state: StateStore) -> None:
    first = await state.put(ONE, "job", "a", b"1", expect=0)
    assert first
    assert await state.put(ONE, "job", "a", b"2", expect=0) is None
    second = await state.put(ONE, "job", "a", b"2", expect=first)
    assert second is not None
    assert second > first
    assert await state.drop(ONE, "job", "a", expect=first) is False
    assert await state.get(ONE, "job", "a") == Entry("a", b"2", second)
    assert await state.drop(ONE, "job", "a", expect=second) is True
    assert await state.drop(ONE, "job", "a") is False
    third = await state.put(ONE, "job", "a", b"3", expect=0)
    assert third is not None
    assert third > second, "a revision is never used again"


async def test_of_many_that_want_the_same_one_gets_it(state: StateStore) -> None:
    async def claim(name: bytes) -> int | None:
        return await state.put(ONE, "lease", "x", name, expect=0)

    won = await asyncio.gather(*(claim(b"%d" % n) for n in range(20)))
    assert len([revision for revision in won if revision]) == 1
