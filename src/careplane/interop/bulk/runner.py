"""Who does the jobs: one loop, on the one process that holds the lease (`app.background`).

So many at once, and so many of one tenant; the next one is of the tenant that has least under way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from careplane.interop.bulk.exporting import Overtaken
from careplane.interop.bulk.jobs import Job, Jobs, State
from careplane.interop.bulk.vault import Vault
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError
from careplane.storage.ports.records import Tenant

Work: TypeAlias = Callable[[Job], Awaitable[None]]
Name: TypeAlias = tuple[Tenant, str]
Waiting: TypeAlias = tuple[Tenant, str, int]
_LOOK_SECONDS = 1.0
_TIDY_SECONDS = 60
_TRIES = 8
_ORPHAN = 60_000_000
_log = structlog.get_logger("careplane.bulk")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many jobs are under way together, how many of one tenant, and how long their output is
    kept, in microseconds."""

    at_once: int = 4
    per_tenant: int = 2
    kept: int = 86_400_000_000


def chosen(
    waiting: Sequence[Waiting], running: Collection[Name], limits: Limits
) -> tuple[Waiting, ...]:
    """Which of those that wait begin now."""
    load = Counter(tenant for tenant, _ in running)
    left = [one for one in waiting if one[:2] not in running]
    found: list[Waiting] = []
    while len(running) + len(found) < limits.at_once:
        free = [one for one in left if load[one[0]] < limits.per_tenant]
        if not free:
            break
        one = min(free, key=lambda w: (load[w[0]], w[2]))
        left.remove(one)
        found.append(one)
        load[one[0]] += 1
    return tuple(found)


class Runner:
    """The service. `work` does an open job; `wake` makes it look at once."""

    def __init__(self, jobs: Jobs, vault: Vault, work: Work, clock: Clock, limits: Limits) -> None:
        self._jobs = jobs
        self._vault = vault
        self._work = work
        self._clock = clock
        self._limits = limits
        self._running: dict[Name, asyncio.Task[None]] = {}
        self._awake: asyncio.Event | None = None

    def wake(self) -> None:
        """There may be a new job."""
        if self._awake is not None:
            self._awake.set()

    async def run(self) -> None:
        """Do jobs until cancelled."""
        self._awake = awake = asyncio.Event()
        tidied = 0
        try:
            while True:
                awake.clear()
                if self._clock() - tidied > _TIDY_SECONDS * 1_000_000:
                    tidied = self._clock()
                    await self.tidy()
                self._begin(await self._jobs.queue())
                with suppress(TimeoutError):
                    await asyncio.wait_for(awake.wait(), _LOOK_SECONDS)
        finally:
            self._awake = None
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            self._running.clear()

    async def tidy(self) -> None:
        """Remove the output that has expired."""
        for job in await self._jobs.ended(self._clock()):
            try:
                await self._vault.remove(job)
                await self._jobs.forget(job)
            except CareplaneError as error:
                _log.warning("Output of a bulk job could not be removed", reason=error.text)

    def _begin(self, waiting: Sequence[Waiting]) -> None:
        for tenant, id, begun in chosen(waiting, self._running.keys(), self._limits):
            self._running[tenant, id] = asyncio.create_task(self._one(tenant, id, begun))

    async def _one(self, tenant: Tenant, id: str, begun: int) -> None:
        try:
            await self._look(tenant, id, begun)
        except CareplaneError as error:
            _log.warning("A bulk job could not be looked at", reason=error.text)
        finally:
            self._running.pop((tenant, id), None)

    async def _look(self, tenant: Tenant, id: str, begun: int) -> None:
        """Whatever comes of it, the next look at the queue tells what is left to do."""
        job = await self._jobs.get(tenant, id)
        if job is None:
            if self._clock() - begun > _ORPHAN:
                await self._jobs.unqueue(tenant, id)
            return
        if job.state is State.OPEN:
            await self._try(job)
            job = await self._jobs.get(tenant, id)
        if job is not None and job.state is State.CANCELLED:
            await self._vault.remove(job)
            await self._jobs.forget(job)
            self.wake()
        elif job is None or job.state is not State.OPEN:
            await self._jobs.unqueue(tenant, id)
            self.wake()

    async def _try(self, job: Job) -> None:
        for number in range(_TRIES):
            try:
                await self._work(job)
            except Overtaken:
                return
            except Busy as error:
                problem = error.text
                await asyncio.sleep(min(2**number * 0.25, 30))
            except CareplaneError as error:
                problem = error.text
                break
            except Exception as error:
                _log.error("A bulk job has failed", error=type(error).__name__)
                problem = "The server failed; the operator finds the reason in its log."
                break
            else:
                await self._finish(job, State.DONE, "")
                return
        await self._finish(job, State.FAILED, problem)

    async def _finish(self, job: Job, state: State, problem: str) -> None:
        expires = self._clock() + self._limits.kept
        await self._jobs.change(job, state=state, problem=problem, expires=expires)
