"""What a kind of job is. Features hand theirs to `app.build`, which gives all to the one runner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from careplane.records.jobs.job import Job
from careplane.records.jobs.lane import Lane
from careplane.records.jobs.work import Work

Run: TypeAlias = Callable[[Work], Awaitable[None]]
"""All of a job, from where its checkpoint is. It may be ended at any moment and begun again."""


async def _nothing(job: Job) -> None:
    """There is no output but what the job has noted."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is kept with each job, and finds its kind again in whatever process goes on with it.
    `kept`: for how long a job is shown when it is over, in microseconds. Without `run`, a job is
    carried out once, by the process that took it (`Runner.here`). `remove` takes away what a job
    has put elsewhere; it may be called twice."""

    name: str
    lane: Lane
    kept: int
    run: Run | None = None
    remove: Callable[[Job], Awaitable[None]] = _nothing
