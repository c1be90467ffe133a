"""Finished files of output, kept with their job.

Each says where the work goes on: what was under way when a process died is done again from there,
and nothing is there twice.
"""

from __future__ import annotations

import msgspec

from careplane.records.jobs.book import Book
from careplane.records.jobs.job import Job
from careplane.records.jobs.work import Work


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where work goes on: in which of its steps, behind what of it."""

    step: int = 0
    group: int = 0
    after: int = 0


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A finished file of output. `kind` is its array in the manifest; `name` its object in the
    store; `plain` and `packed` are the sizes of its chunks; `then` is where the work goes on."""

    number: int
    kind: str
    type: str
    count: int
    name: str
    salt: bytes
    check: int
    plain: list[int]
    packed: list[int]
    then: Place
    about: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(self.plain)


_PARTS = "part/"
_decode = msgspec.msgpack.Decoder(Part).decode


async def finished(work: Work, part: Part) -> None:
    """A part is there. Raises Overtaken where somebody else has finished one of this number."""
    await work.note_new(_name(part.number), msgspec.msgpack.encode(part))


async def parts(book: Book, job: Job) -> list[Part]:
    """The finished parts, in their order."""
    return [_decode(value) async for _, value in book.notes(job, _PARTS)]


async def part(book: Book, job: Job, number: int) -> Part | None:
    """One finished part."""
    value = await book.noted(job, _name(number))
    return _decode(value) if value else None


def _name(number: int) -> str:
    return f"{_PARTS}{number:06d}"
