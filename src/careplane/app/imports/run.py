"""The import itself: pieces in, a few at a time, through the door; a report out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from careplane.access.caller import Caller
from careplane.app.imports import units
from careplane.app.imports.journal import Journal
from careplane.app.imports.sources import Piece, pieces
from careplane.kernel.errors import Busy, CareplaneError, Fault
from careplane.records.commands import Process
from careplane.records.door import Door
from careplane.records.results import Answer, Processed, Version, Written

AT_ONCE = 6
"""Pieces under way together: while one is made durable, the next is validated."""


@dataclass(slots=True)
class Report:
    """What came of it. `stored` and `known` count resources by type; `known` were there before."""

    stored: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not stored, and why: a whole file, or one line of it."""

    path: Path
    reason: str


@dataclass(slots=True)
class Importer:
    """Stores pieces for a caller. `told` hears of every piece that is done, with its size."""

    door: Door
    caller: Caller
    journal: Journal
    keep_ids: bool
    again: bool
    told: Callable[[Piece, int], None]
    report: Report = field(default_factory=Report)

    async def run(self, paths: Iterator[Path]) -> Report:
        """Every piece of every file; one that fails does not stop the rest."""
        pending: set[asyncio.Task[None]] = set()
        try:
            for piece in self._pieces(paths):
                if len(pending) >= AT_ONCE:
                    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                    _raise_from(done)
                pending.add(asyncio.ensure_future(self._store(piece)))
            await asyncio.gather(*pending)
        finally:  # where one has failed, the others end before the store closes, unheard
            await asyncio.gather(*pending, return_exceptions=True)
        self.report.failures.sort(key=lambda failure: failure.path)
        return self.report

    def _pieces(self, paths: Iterator[Path]) -> Iterator[Piece]:
        for path in paths:
            try:
                yield from pieces(path)
            except CareplaneError as error:
                self.report.failures.append(Failure(path, _reason(error)))

    async def _store(self, piece: Piece) -> None:
        digest = units.digest(piece)
        known = None if self.again else self.journal.get(digest)
        if known is not None:
            self.report.known.update(known)
            self.told(piece, sum(known.values()))
            return
        try:
            counts = await self._send(piece)
        except (Busy, Fault):
            raise  # not the piece's fault: better to stop and run again than to skip
        except CareplaneError as error:
            self.report.failures.append(Failure(piece.path, _reason(error)))
            self.told(piece, 0)
            return
        if counts is not None:
            self.journal.add(digest, counts)

    async def _send(self, piece: Piece) -> Counter[str] | None:
        """The unit at once; where lines of NDJSON fail, each line by itself. None: some failed."""
        request = units.request(piece, keep_ids=self.keep_ids)
        try:
            done = await self.door.process(self.caller, Process(request.raw))
        except (Busy, Fault):
            raise
        except CareplaneError:
            if piece.format != "ndjson":
                raise
            request = units.request(piece, keep_ids=self.keep_ids, kind="batch")
            done = await self.door.process(self.caller, Process(request.raw))
        return self._count(piece, request, done)

    def _count(self, piece: Piece, request: units.Request, done: Processed) -> Counter[str] | None:
        counts: Counter[str] = Counter()
        failed = bool(request.refused)
        for place, error in request.refused:
            self.report.failures.append(Failure(piece.path, f"{place}: {_reason(error)}"))
        for place, answer in zip(request.places, done.answers, strict=True):
            if answer.error is None:
                counts[_type(answer)] += 1
            else:
                failed = True
                reason = f"{place}: {_reason(answer.error)}"
                self.report.failures.append(Failure(piece.path, reason))
        self.report.stored.update(counts)
        self.told(piece, sum(counts.values()))
        return None if failed else counts


def _type(answer: Answer) -> str:
    result = answer.result
    version = result.version if isinstance(result, Written) else result
    return version.type if isinstance(version, Version) else answer.url.split("/")[0]


def _raise_from(done: set[asyncio.Task[None]]) -> None:
    errors = [error for task in done if (error := task.exception()) is not None]
    if errors:
        raise errors[0]


def _reason(error: CareplaneError) -> str:
    first = error.issues[0]
    place = f" at {first.where}" if first.where else ""
    more = f" (and {len(error.issues) - 1} more)" if len(error.issues) > 1 else ""
    return f"{first.text}{place}{more}"
