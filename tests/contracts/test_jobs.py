"""What the one mechanism for jobs promises, over every engine: nothing is lost, nothing is done by
two, nothing is tried for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from careplane.kernel.errors import Busy, Incorrect, NotFound, TooMany
from careplane.kernel.ids import secret_id
from careplane.records.jobs import runner as running
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job, Overtaken, State
from careplane.records.jobs.kind import Kind, Run
from careplane.records.jobs.lane import Lane
from careplane.records.jobs.runner import MOST_STARTS, Runner
from careplane.records.jobs.work import Work
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from tests.contracts.conftest import Hands
from tests.contracts.mortal import Mortal
from tests.contracts.test_state import state as state  # the fixture, over every engine

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
LANE = Lane("counts", at_once=2, each=2, most_open=3, full=TooMany)
KEPT = 1_000_000
SPACES = ("job", "job-queue", "job-note")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(running, "_BEAT_SECONDS", 0.02)


class Process:
    """One process of an installation; `removed` are jobs whose output it has removed."""

    def __init__(self, state: StateStore, run: Run, clock: Hands | None = None) -> None:
        self.clock = clock or Hands()
        self.state = Mortal(state)
        self.book = Book(self.state, self.clock, secret_id)
        self.removed: list[str] = []
        self.runner = Runner(self.book, self.clock, (Kind("count", LANE, KEPT, run, self._remove),))

    async def _remove(self, job: Job) -> None:
        self.removed.append(job.id)

    async def add(self, owner: str = "me", tenant: Tenant = ONE, place: bytes = b"\0") -> Job:
        return await self.book.add("count", LANE, tenant, owner, place=place)

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """While it believes to lead."""
        service = asyncio.create_task(self.runner.run())
        try:
            yield
        finally:
            service.cancel()
            self.state.buried.set()
            await asyncio.gather(service, return_exceptions=True)

    async def die(self) -> None:
        """kill -9: it says nothing more, and its work stands still."""
        self.state.dead = True
        await asyncio.Event().wait()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    for _ in range(500):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It does not come true.")


async def over(book: Book, job: Job) -> Job:
    """The job when it is no longer open."""

    async def ended() -> bool:
        now = await book.get(job.tenant, job.id)
        return now is not None and now.state is not State.OPEN

    await until(ended)
    now = await book.get(job.tenant, job.id)
    assert now is not None
    return now


async def nothing_left(state: StateStore) -> bool:
    return not any([await state.scan(None, space) for space in SPACES])


async def idle(work: Work) -> None:
    await asyncio.Event().wait()


def counting(seen: list[int], to: int = 6) -> Run:
    """Counts up to a number, a checkpoint each."""

    async def run(work: Work) -> None:
        for n in range(work.job.place[0], to):
            await work.note(f"seen/{n}", b"")
            await work.save(bytes([n + 1]), f"{n + 1} of {to}")
            seen.append(n)

    return run


async def test_it_goes_on_where_a_killed_process_was(state: StateStore) -> None:
    seen: list[int] = []

    async def until_killed(work: Work) -> None:
        for n in range(3):
            await work.save(bytes([n + 1]), f"{n + 1} of 6")
            seen.append(n)
        await lost.die()

    lost = Process(state, until_killed)
    heir = Process(state, counting(seen))
    job = await lost.add()
    async with lost.leading():
        await until(lambda: _is(lost.state.dead))
        async with heir.leading():
            done = await over(heir.book, job)
    assert seen == list(range(6))
    assert (done.state, done.told, done.problem) == (State.DONE, "6 of 6", "")
    assert done.expires == done.ended + KEPT
    assert [name async for name, _ in heir.book.notes(done, "seen/")] == [
        f"seen/{n}" for n in (3, 4, 5)
    ]


async def _empty(book: Book) -> bool:
    return not await book.queue()


async def _is(value: object) -> object:
    return value


async def test_of_two_that_lead_the_later_one_does_it(state: StateStore) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def slow(work: Work) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def slower(work: Work) -> None:
        await asyncio.sleep(0.3)  # time enough for the other to take it back
        await counting(seen)(work)

    one, two = Process(state, slow), Process(state, slower)
    job = await one.add()
    async with one.leading():
        await began.wait()
        async with two.leading():
            await asyncio.wait_for(ended.wait(), 5)
            assert (await over(two.book, job)).state is State.DONE
    assert seen == list(range(6))


async def test_who_is_overtaken_changes_nothing(state: StateStore) -> None:
    here, there = Process(state, idle), Process(state, idle)
    job = await here.add()
    mine = Work(here.book, await here.book.change(job, term=await here.book.term()), here.clock)
    await mine.save(b"\1")
    await there.book.change(mine.job, term=await there.book.term(), place=b"\2")
    for late in (mine.save(b"\3"), mine.beat()):
        with pytest.raises(Overtaken):
            await late
    now = await here.book.get(ONE, job.id)
    assert now is not None
    assert now.place == b"\2"
    await mine.note_new("part", b"mine")
    with pytest.raises(Overtaken):
        await Work(there.book, now, there.clock).note_new("part", b"theirs")


async def test_cancelled_while_it_runs_nothing_is_left(state: StateStore) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def endless(work: Work) -> None:
        await work.note("part", b"something")
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    leads, other = Process(state, endless), Process(state, endless)
    async with leads.leading():
        job = await leads.add()
        await began.wait()
        await other.book.cancel(await other.book.find(("count",), ONE, "me", job.id))
        with pytest.raises(NotFound):
            await other.book.find(("count",), ONE, "me", job.id)
        await asyncio.wait_for(ended.wait(), 5)
        await until(lambda: nothing_left(state))
    assert set(leads.removed) == {job.id}


async def test_what_kills_every_process_has_failed(state: StateStore) -> None:
    starts = 0

    def poisoned() -> Process:
        async def kills(work: Work) -> None:
            nonlocal starts
            starts += 1
            await process.die()

        process = Process(state, kills)
        return process

    job = await poisoned().add()
    for number in range(1, MOST_STARTS + 1):
        process = poisoned()
        async with process.leading():
            await until(lambda number=number: _is(starts == number))  # type: ignore[misc]
    process = poisoned()
    async with process.leading():
        now = await over(process.book, job)
    assert now.state is State.FAILED
    assert "stopped 3 times" in now.problem
    assert starts == MOST_STARTS


async def test_what_comes_further_each_time_is_not_poisoned(state: StateStore) -> None:
    deaths = 2 * MOST_STARTS

    def dying() -> Process:
        async def run(work: Work) -> None:
            n = work.job.place[0] + 1
            await work.save(bytes([n]))
            if n <= deaths:
                await process.die()

        process = Process(state, run)
        return process

    job = await dying().add()
    for _ in range(deaths):
        process = dying()
        async with process.leading():
            await until(lambda process=process: _is(process.state.dead))  # type: ignore[misc]
    process = dying()
    async with process.leading():
        assert (await over(process.book, job)).state is State.DONE


async def test_a_process_that_stops_in_peace_is_not_held_against_it(state: StateStore) -> None:
    job = await Process(state, idle).add()
    for _ in range(MOST_STARTS + 1):
        began = asyncio.Event()

        async def noticed(work: Work, began: asyncio.Event = began) -> None:
            began.set()
            await asyncio.Event().wait()

        process = Process(state, noticed)
        async with process.leading():
            await asyncio.wait_for(began.wait(), 5)
    now = await process.book.get(ONE, job.id)
    assert now is not None
    assert (now.state, now.starts, now.term) == (State.OPEN, 0, 0)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (Incorrect("This is not right."), "This is not right."),
        (ValueError("a patient's name"), "The server failed"),
    ],
)
async def test_what_fails_says_why(state: StateStore, error: Exception, problem: str) -> None:
    async def fails(work: Work) -> None:
        raise error

    process = Process(state, fails)
    job = await process.add()
    async with process.leading():
        now = await over(process.book, job)
        await until(lambda: _empty(process.book))
    assert now.state is State.FAILED
    assert now.problem.startswith(problem)
    assert "name" not in now.problem


async def test_what_is_busy_is_tried_again_but_not_for_ever(
    state: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_LONGEST_SECONDS", 0.001)
    tried = 0

    async def busy(work: Work) -> None:
        nonlocal tried
        tried += 1
        if tried == running._TRIES - 1:
            await work.save(b"\1")  # it has come further: the tries are counted anew
        raise Busy("Not now.")

    process = Process(state, busy)
    job = await process.add()
    async with process.leading():
        assert (await over(process.book, job)).problem == "Not now."
    assert tried == 2 * (running._TRIES - 1)


async def test_others_know_nothing_of_it(state: StateStore) -> None:
    book = Process(state, idle).book
    job = await book.add("count", LANE, ONE, "me")
    assert await book.find(("other", "count"), ONE, "me", job.id) == job
    for kinds, tenant, owner, id in (
        (("other",), ONE, "me", job.id),
        (("count",), TWO, "me", job.id),
        (("count",), ONE, "you", job.id),
        (("count",), ONE, "", job.id),
        (("count",), ONE, "me", job.id[:-1] + "x"),
        (("count",), ONE, "me", "x" * 10_000),
    ):
        with pytest.raises(NotFound):
            await book.find(kinds, tenant, owner, id)


async def test_a_tenant_has_so_many_and_the_oldest_is_first(state: StateStore) -> None:
    process = Process(state, idle)
    jobs = []
    for _ in range(3):
        process.clock.now -= 1
        jobs.append(await process.add())
    with pytest.raises(TooMany):
        await process.add()
    other = await process.add(tenant=TWO)
    assert [one.id for one in await process.book.queue(ONE)] == [job.id for job in jobs[::-1]]
    assert other.id in [one.id for one in await process.book.queue()]
    assert len({job.id for job in jobs}) == 3


async def test_what_has_expired_goes_with_its_output(state: StateStore) -> None:
    process = Process(state, counting([]))
    async with process.leading():
        job = await over(process.book, await process.add())
    await process.runner.tidy()
    assert process.removed == []
    process.clock.now = job.expires
    with pytest.raises(NotFound):
        await process.book.find(("count",), ONE, "me", job.id)
    await process.runner.tidy()
    assert process.removed == [job.id]
    assert await nothing_left(state)


async def test_what_a_process_left_when_it_died_adding_goes(state: StateStore) -> None:
    lost, clock = Process(state, idle), Hands()
    original = lost.book.note

    async def dies(job: Job, name: str, value: bytes) -> None:
        await original(job, name, value)
        raise KeyboardInterrupt

    lost.book.note = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await lost.book.add("count", LANE, ONE, "me", notes={"asked": b"much"})
    heir = Process(state, idle, clock)
    async with heir.leading():
        await asyncio.sleep(0.1)
        assert await state.scan(None, "job-queue"), "it may be on its way"
        clock.now += 61_000_000
        await until(lambda: nothing_left(state))


async def test_a_kind_that_nobody_here_knows_is_left_alone(state: StateStore) -> None:
    process = Process(state, idle)
    job = await process.book.add("newer", Lane("newer", 1, 1, 1), ONE, "me")
    async with process.leading():
        await asyncio.sleep(0.1)
    assert await process.book.get(ONE, job.id) == job
