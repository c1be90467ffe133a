"""Who does the jobs: one loop, on the process that leads, and what a process carries out itself.

Each run of the loop has a term, above those before it. A job is taken from any lower term at once,
never from a higher one: of two processes that both believe to lead, the later one gets the jobs,
and the other is Overtaken at its next sign of life. A job that was begun so often and never came
further has brought down what carried it out, and has failed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError
from careplane.kernel.observe import describe
from careplane.records.jobs.book import CANCELLED, Book
from careplane.records.jobs.job import Job, Overtaken, State, Waiting
from careplane.records.jobs.kind import Kind, Run
from careplane.records.jobs.lane import Lane
from careplane.records.jobs.work import LEASE, Work
from careplane.storage.ports.records import Tenant

Name: TypeAlias = tuple[Tenant, str]
MOST_STARTS = 3
LOST = "The process that worked on this has ended; send the request again."
_POISONED = f"The server stopped {MOST_STARTS} times while it was at this, at the same place."
_FAILED = "The server failed; the operator finds the reason in its log."
_LOOK_SECONDS, _BEAT_SECONDS = 1.0, 2.0
_TIDY = 60_000_000
_ORPHAN = 60_000_000
_TRIES, _LONGEST_SECONDS = 9, 30.0
_log = logging.getLogger(__name__)


def chosen(waiting: Sequence[Waiting], running: Collection[Name], lane: Lane) -> list[Waiting]:
    """Which of those that wait in a lane begin now: the next is of the tenant that has least under
    way, and its oldest. `running` are those of the same lane."""
    load = Counter(tenant for tenant, _ in running)
    left = [one for one in waiting if (one.tenant, one.id) not in running]
    found: list[Waiting] = []
    while len(running) + len(found) < lane.at_once:
        free = [one for one in left if load[one.tenant] < lane.each]
        if not free:
            break
        one = min(free, key=lambda w: (load[w.tenant], w.begun))
        left.remove(one)
        found.append(one)
        load[one.tenant] += 1
    return found


class Runner:
    """Jobs of all `kinds`; names are unique."""

    def __init__(self, book: Book, clock: Clock, kinds: Sequence[Kind]) -> None:
        self._book = book
        self._clock = clock
        self._kinds = {kind.name: kind for kind in kinds}
        assert len(self._kinds) == len(kinds), "two kinds of one name"
        self._lanes = {kind.lane.name: kind.lane for kind in kinds if kind.run}
        self._running: dict[Name, tuple[str, asyncio.Task[None]]] = {}
        self._here: dict[Name, tuple[Job, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """The service of the process that leads, until it is cancelled."""
        term = await self._book.term()
        tidied = 0
        try:
            while True:
                self._book.changed.clear()
                if self._clock() - tidied > _TIDY:
                    tidied = self._clock()
                    await self.tidy()
                self._begin(await self._book.queue(), term)
                with suppress(TimeoutError):  # not wait_for, which may forget that it was cancelled
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._book.changed.wait()
        finally:
            await _ended([task for _, task in self._running.values()])

    async def here(self, kind: Kind, tenant: Tenant, owner: str, run: Run) -> Job:
        """Begin a job that this process carries out itself, once. Raises Busy."""
        self.check(kind, owner)
        job = await self._book.add(kind.name, kind.lane, tenant, owner, until=self._clock() + LEASE)
        task = asyncio.create_task(self._carry_here(kind, job, run))
        self._here[tenant, job.id] = job, task
        task.add_done_callback(lambda _: self._here.pop((tenant, job.id)))
        return job

    def check(self, kind: Kind, owner: str) -> None:
        """Raises Busy where `here` can take no more."""
        jobs = [job for job, _ in self._here.values() if job.kind == kind.name]
        mine = sum(job.owner == owner for job in jobs)
        if len(jobs) >= kind.lane.at_once or mine >= kind.lane.each:
            raise kind.lane.full("Too many are carried out now; wait for one of them to end.")

    async def cancel(self, job: Job) -> None:
        """End a job, wherever it is carried out, and forget it."""
        await self._book.cancel(job)
        if here := self._here.get((job.tenant, job.id)):
            here[1].cancel()

    async def discard(self, tenant: Tenant, kinds: Collection[str]) -> int:
        """End and forget all jobs of some kinds, with what they have put out; how many."""
        jobs = [job for job in await self._book.all(tenant) if job.kind in kinds]
        for job in jobs:
            await self.cancel(job)
            await self._forget(self._kinds[job.kind], job)
        return len(jobs)

    async def tidy(self) -> None:
        """Remove what is kept no longer."""
        for job in await self._book.expired():
            with suppress(KeyError):
                await self._forget(self._kinds[job.kind], job)

    async def close(self) -> None:
        """End what this process carries out itself; it is told as lost."""
        await _ended([task for _, task in self._here.values()])

    def _begin(self, waiting: Sequence[Waiting], term: int) -> None:
        begun = [one for one in waiting if one.lane not in self._lanes]
        for name, lane in self._lanes.items():
            running = [key for key, (its, _) in self._running.items() if its == name]
            begun += chosen([one for one in waiting if one.lane == name], running, lane)
        for one in begun:
            key = one.tenant, one.id
            known, task = self._running.get(key, (CANCELLED, None))
            if task is None:
                task = asyncio.create_task(self._one(one, term))
                task.add_done_callback(partial(self._left, key))
            elif known != CANCELLED and one.lane == CANCELLED:
                task.cancel()  # once: from then on it is being removed
            self._running[key] = one.lane, task

    def _left(self, key: Name, _: asyncio.Task[None]) -> None:
        del self._running[key]

    async def _one(self, one: Waiting, term: int) -> None:
        try:
            await self._look(one, term)
        except CareplaneError as error:
            _log.warning("A job could not be looked at: %s", error.text)

    async def _look(self, one: Waiting, term: int) -> None:
        """Whatever comes of it, the next look at the queue tells what is left to do."""
        job = await self._book.get(one.tenant, one.id)
        if job is None:
            if one.lane == CANCELLED or self._clock() - one.begun > _ORPHAN:
                await self._book.forget(one.tenant, one.id)
            return
        kind = self._kinds.get(job.kind)
        if kind is None or (kind.run is None and job.until > self._clock()):
            return  # of another version of Careplane, or its own process lives
        if job.state is State.OPEN and job.term <= term:
            with suppress(Overtaken):
                await self._lead(kind, job, term)
        await self._settle(kind, job)

    async def _lead(self, kind: Kind, job: Job, term: int) -> None:
        if kind.run is None or job.starts >= MOST_STARTS:
            problem = LOST if kind.run is None else _POISONED
            _log.error("A job of the kind %s has failed: %s", kind.name, problem)
            await self._finish(kind, job, State.FAILED, problem)
            return
        until = self._clock() + LEASE
        job = await self._book.change(job, term=term, starts=job.starts + 1, until=until)
        work = Work(self._book, job, self._clock)
        try:
            await self._carry(kind, work, kind.run)
        except asyncio.CancelledError:  # in peace: nobody need wait for it, nor count it
            with suppress(Overtaken, CareplaneError):
                starts = max(work.job.starts - 1, 0)
                await self._book.change(work.job, term=0, starts=starts, until=0)
            raise

    async def _carry_here(self, kind: Kind, job: Job, run: Run) -> None:
        try:
            with suppress(Overtaken):
                await self._carry(kind, Work(self._book, job, self._clock), run)
        except CareplaneError as error:
            _log.warning("A job could not be kept: %s", error.text)
        finally:
            with suppress(CareplaneError):
                await self._settle(kind, job)

    async def _carry(self, kind: Kind, work: Work, run: Run) -> None:
        """To its end, unless Overtaken: what is busy is tried again, longer and longer."""
        tries, steps = 0, 0
        while True:
            try:
                await self._alive(work, run)
            except Busy as error:
                tries = 1 if work.steps > steps else tries + 1
                steps, problem = work.steps, error.text
                if tries < _TRIES:
                    await asyncio.sleep(min(2**tries * 0.125, _LONGEST_SECONDS))
                    continue
            except CareplaneError as error:
                problem = error.text
            except Overtaken:
                raise
            except Exception as error:
                _log.error("A job of the kind %s has failed: %s", kind.name, describe(error))
                problem = _FAILED
            else:
                return await self._finish(kind, work.job, State.DONE, "")
            return await self._finish(kind, work.job, State.FAILED, problem)

    async def _alive(self, work: Work, run: Run) -> None:
        """Carry it out, and give signs of life meanwhile."""
        working = asyncio.ensure_future(run(work))
        try:
            while not (await asyncio.wait({working}, timeout=_BEAT_SECONDS))[0]:
                with suppress(CareplaneError):  # the store may be back at the next one
                    await work.beat()
            if working.cancelled():
                raise RuntimeError("it has cancelled itself")
            working.result()
        finally:
            await _ended([working])

    async def _finish(self, kind: Kind, job: Job, state: State, problem: str) -> None:
        now = self._clock()
        await self._book.change(
            job, state=state, problem=problem, ended=now, expires=now + kind.kept
        )

    async def _settle(self, kind: Kind, job: Job) -> None:
        """What is over leaves the queue; what was cancelled goes, with all that it left."""
        now = await self._book.get(job.tenant, job.id)
        if now is None or now.state is State.CANCELLED:
            await self._forget(kind, job)
        elif now.state is not State.OPEN:
            await self._book.unqueue(job.tenant, job.id)
        else:
            return
        self._book.changed.set()

    async def _forget(self, kind: Kind, job: Job) -> None:
        try:
            await kind.remove(job)
            await self._book.forget(job.tenant, job.id)
        except CareplaneError as error:
            _log.warning("The output of a job could not be removed: %s", error.text)


async def _ended(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
