"""Everything of a source to a target, in batches; begun again, it goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from careplane.app.moving.compare import compare
from careplane.app.moving.indexing import Indexing
from careplane.app.moving.origin import origin_of
from careplane.app.moving.report import Report
from careplane.kernel.errors import Busy
from careplane.storage.ports.moving import Source, Target

T = TypeVar("T")
Told: TypeAlias = Callable[[str, int, float], None]
"""Hears what is under way, how many more of it are done, and which part of all that is."""


async def nothing_else() -> None:
    """Nothing stands beside what a Source has."""


async def move(
    source: Source, target: Target, told: Told, beside: Callable[[], Awaitable[None]] = nothing_else
) -> Report:
    """Copy, then compare. The target may be opened afterwards only where all is the same. Raises
    Conflict for a target that is not free; after Busy or Full the same call goes on. `beside` moves
    what else belongs to it, and may be called again."""
    indexing = await Indexing.of(source)
    marks = await source.marks()
    reached = await target.begin(await origin_of(source, marks))
    try:
        async for places in ahead(source.places(reached.place)):
            await target.put_places(places)
            told("places", len(places), places[-1].at[0] / marks.place)
        async for versions in ahead(source.versions(reached.t)):
            rows = [indexing.rows(kept) for kept in versions]
            patients = [indexing.patient(*pair) for pair in zip(versions, rows, strict=True)]
            await target.put_versions(versions, rows, patients)
            told("versions", len(versions), versions[-1].at[0] / marks.t)
        async for records in ahead(source.audited(reached.seq)):
            await target.put_audited(records)
            told("audit records", len(records), records[-1].at[0] / marks.seq)
        async for notes in ahead(source.noted(reached.note)):
            await target.put_noted(notes)
        await target.settle(marks)
    except Busy as error:
        kept = "What was moved stays: run the same command again"
        raise type(error)(f"{error.text}. {kept}") from error
    report = await compare(source, target, told)
    if report.is_same:
        await beside()
        await target.finish()
    return msgspec.structs.replace(report, unindexed=indexing.failed)


async def ahead(stream: AsyncIterator[Sequence[T]]) -> AsyncIterator[Sequence[T]]:
    """The same, each batch fetched while the one before is worked on."""

    async def following() -> Sequence[T] | None:
        return await anext(stream, None)

    fetching = asyncio.create_task(following())
    try:
        while (batch := await fetching) is not None:
            fetching = asyncio.create_task(following())
            yield batch
    finally:
        fetching.cancel()
