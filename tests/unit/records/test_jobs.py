"""Jobs: who knows of one, what becomes of it, and what is refused; two processes, one state."""

from __future__ import annotations

import asyncio

import pytest

from careplane.kernel.errors import Busy, NotFound
from careplane.kernel.ids import new_id
from careplane.records.jobs import Jobs, Stage
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import Tenant
from tests.contracts.conftest import Hands

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def quick() -> bytes:
    return b"made"


async def endless() -> bytes:
    await asyncio.Event().wait()
    return b""


async def settled(jobs: Jobs, id: str) -> None:
    for _ in range(100):
        if (await jobs.look(ONE, "me", id)).stage is not Stage.RUNNING:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(id)


async def test_the_owner_alone_knows_of_it_and_of_its_end() -> None:
    state, clock = MemoryState(), Hands()
    here, there = Jobs(state, clock, new_id), Jobs(state, clock, new_id)
    id = await here.start(ONE, "me", "GET Patient", quick)
    await settled(there, id)
    assert await there.result(ONE, id) == b"made"
    for tenant, owner in ((ONE, "you"), (TWO, "me")):
        with pytest.raises(NotFound):
            await there.look(tenant, owner, id)
        with pytest.raises(NotFound):
            await there.cancel(tenant, owner, id)
    clock.now += 3_601_000_000
    with pytest.raises(NotFound):
        await there.look(ONE, "me", id)
    await here.start(ONE, "me", "GET Patient", quick)  # forgets what is over
    assert await state.get(ONE, "job-result", id) is None


@pytest.mark.parametrize("id", ["", "../x", "a" * 100, "nothing"])
async def test_an_id_that_is_none(id: str) -> None:
    with pytest.raises(NotFound):
        await Jobs(MemoryState(), Hands(), new_id).look(ONE, "me", id)


async def test_cancelled_from_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careplane.records.jobs._BEAT_SECONDS", 0.01)
    state, clock = MemoryState(), Hands()
    here, there = Jobs(state, clock, new_id), Jobs(state, clock, new_id)
    id = await here.start(ONE, "me", "GET Patient", endless)
    await there.cancel(ONE, "me", id)
    for _ in range(100):
        if not here._tasks:
            break
        await asyncio.sleep(0.01)
    assert not here._tasks
    with pytest.raises(NotFound):
        await there.look(ONE, "me", id)


async def test_a_process_that_ended_is_told() -> None:
    state, clock = MemoryState(), Hands()
    here, there = Jobs(state, clock, new_id), Jobs(state, clock, new_id)
    id = await here.start(ONE, "me", "GET Patient", endless)
    await here.close()
    assert (await there.look(ONE, "me", id)).stage is Stage.RUNNING
    clock.now += 31_000_000
    assert (await there.look(ONE, "me", id)).stage is Stage.LOST


async def test_no_more_than_so_many() -> None:
    jobs = Jobs(MemoryState(), Hands(), new_id, most=3, most_each=2)
    for owner in ("me", "me", "you"):
        await jobs.start(ONE, owner, "", endless)
    with pytest.raises(Busy):
        await jobs.start(ONE, "you", "", endless)
    await jobs.close()
    id = await jobs.start(ONE, "you", "", quick)
    assert id
    await jobs.close()
