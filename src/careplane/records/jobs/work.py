"""A job in the hands of who carries it out."""

from __future__ import annotations

from careplane.kernel.clock import Clock
from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job

LEASE = 30_000_000
"""Microseconds for which a sign of life is good."""


class Work:
    """What a kind's `run` gets. Each method may raise Overtaken: then it has nothing more to do."""

    def __init__(self, book: Book, job: Job, clock: Clock) -> None:
        self.book = book
        self._clock = clock
        self.job = job
        self.steps = 0

    async def save(self, place: bytes | None = None, told: str | None = None) -> None:
        """It has come further: the checkpoint, and what people are told."""
        further = {"place": place, "told": told}
        await self._change(starts=0, **{k: v for k, v in further.items() if v is not None})
        self.steps += 1

    async def beat(self) -> None:
        """A sign of life."""
        await self._change()

    async def note(self, name: str, value: bytes) -> None:
        """Keep something with the job, under a name, in place of what was there."""
        await self.book.note(self.job, name, value)

    async def note_new(self, name: str, value: bytes) -> None:
        """The same, where there was nothing; else somebody else has done this: Overtaken."""
        await self.book.note_new(self.job, name, value)

    async def _change(self, **changes: object) -> None:
        until = self._clock() + LEASE
        self.job = await self.book.change(self.job, until=until, **changes)
