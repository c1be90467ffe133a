"""Jobs that a process carries out itself: who knows of one, what becomes of it, and what is
refused; two processes, one state."""

from __future__ import annotations

import asyncio

import pytest

from careplane.kernel.errors import Busy, NotFound
from careplane.kernel.ids import secret_id
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job, State
from careplane.records.jobs.kind import Kind, Run
from careplane.records.jobs.lane import Lane
from careplane.records.jobs.runner import Runner
from careplane.records.jobs.work import Work
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import Tenant
from tests.contracts.conftest import Hands

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
KIND = Kind("request", Lane("request", 3, 2, most_open=500), kept=3_600_000_000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Process:
    """One process of an installation."""

    def __init__(self, state: MemoryState, clock: Hands) -> None:
        self.clock = clock
        self.book = Book(state, clock, secret_id)
        self.runner = Runner(self.book, clock, (KIND,))

    async def start(self, owner: str, run: Run) -> str:
        return (await self.runner.here(KIND, ONE, owner, run)).id

    async def look(self, tenant: Tenant, owner: str, id: str) -> Job:
        return await self.book.find(("request",), tenant, owner, id)

    async def settled(self, id: str) -> Job:
        for _ in range(100):
            job = await self.look(ONE, "me", id)
            if job.state is not State.OPEN:
                return job
            await asyncio.sleep(0.01)
        raise AssertionError(id)


async def quick(work: Work) -> None:
    await work.note("result", b"made")


async def endless(work: Work) -> None:
    await asyncio.Event().wait()


async def test_the_owner_alone_knows_of_it_and_of_its_end() -> None:
    state, clock = MemoryState(), Hands()
    here, there = Process(state, clock), Process(state, clock)
    id = await here.start("me", quick)
    job = await there.settled(id)
    assert await there.book.noted(job, "result") == b"made"
    for tenant, owner in ((ONE, "you"), (TWO, "me")):
        with pytest.raises(NotFound):
            await there.look(tenant, owner, id)
    with pytest.raises(NotFound):
        await there.book.find(("reindex",), ONE, "me", id)
    clock.now += 3_601_000_000
    with pytest.raises(NotFound):
        await there.look(ONE, "me", id)
    await there.runner.tidy()
    for space in ("job", "job-note", "job-queue"):
        assert not await state.scan(None, space)


@pytest.mark.parametrize("id", ["", "../x", "a" * 100, "nothing"])
async def test_an_id_that_is_none(id: str) -> None:
    with pytest.raises(NotFound):
        await Process(MemoryState(), Hands()).look(ONE, "me", id)


async def test_cancelled_from_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careplane.records.jobs.runner._BEAT_SECONDS", 0.01)
    state, clock = MemoryState(), Hands()
    here, there = Process(state, clock), Process(state, clock)
    id = await here.start("me", endless)
    await there.runner.cancel(await there.look(ONE, "me", id))
    with pytest.raises(NotFound):
        await there.look(ONE, "me", id)
    for _ in range(100):
        if not here.runner._here:
            break
        await asyncio.sleep(0.01)
    assert not here.runner._here
    for space in ("job", "job-note", "job-queue"):
        assert not await state.scan(None, space)


async def test_a_process_that_ended_is_told() -> None:
    state, clock = MemoryState(), Hands()
    here, there = Process(state, clock), Process(state, clock)
    id = await here.start("me", endless)
    await here.runner.close()
    job = await there.look(ONE, "me", id)
    assert job.state is State.OPEN
    assert not job.is_lost(clock())
    clock.now += 31_000_000
    assert (await there.look(ONE, "me", id)).is_lost(clock())
    leading = asyncio.create_task(there.runner.run())
    assert "ended" in (await there.settled(id)).problem
    leading.cancel()


async def test_no_more_than_so_many() -> None:
    here = Process(MemoryState(), Hands())
    for owner in ("me", "me", "you"):
        await here.start(owner, endless)
    with pytest.raises(Busy):
        await here.start("you", endless)
    await here.runner.close()
    assert await here.start("you", quick)
    await here.runner.close()
