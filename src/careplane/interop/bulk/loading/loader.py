"""The loading itself: pieces in, a few at a time, through the door; results to a journal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.interop.bulk.loading import units
from careplane.interop.bulk.loading.pieces import Piece
from careplane.kernel.errors import Busy, CareplaneError, Fault
from careplane.records.commands import Process
from careplane.records.door import Door
from careplane.records.results import Answer, Processed, Version, Written

AT_ONCE = 6
"""Pieces under way together: while one is made durable, the next is validated."""


class Failure(Struct, frozen=True):
    """What was not stored, and why: a line or entry of a piece, or (`place` empty) all of it."""

    place: str
    error: CareplaneError

    @property
    def reason(self) -> str:
        """For a person: the first problem, and how many more there are."""
        issues = self.error.issues
        place = f" at {issues[0].where}" if issues[0].where else ""
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        start = f"{self.place}: " if self.place else ""
        return f"{start}{issues[0].text}{place}{more}"


class Loaded(Struct, frozen=True):
    """What came of a piece: resources stored, by type, and failures."""

    counts: Mapping[str, int]
    failures: tuple[Failure, ...] = ()


class Journal(Protocol):
    """Hears what came of each piece, and knows it when the work is done again."""

    def knows(self, piece: Piece, digest: bytes) -> bool:
        """Whether this piece is stored already."""

    async def add(self, piece: Piece, digest: bytes, loaded: Loaded) -> None:
        """A piece is done, and will not be sent again unless `knows` says no."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Stores pieces for a caller. With `keep_ids` an entry of a Bundle to create keeps its id."""

    door: Door
    caller: Caller
    journal: Journal
    keep_ids: bool = False

    async def run(self, pieces: AsyncIterator[Piece]) -> None:
        """Every piece; one that fails does not stop the rest. Raises what reading them raises, and
        Busy or Fault of the store: better to stop and run again than to skip."""
        pending: set[asyncio.Task[None]] = set()
        try:
            async for piece in pieces:
                if len(pending) >= AT_ONCE:
                    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                    _raise_from(done)
                pending.add(asyncio.ensure_future(self._store(piece)))
            await asyncio.gather(*pending)
        finally:  # where one has failed, the others end before the store closes, unheard
            await asyncio.gather(*pending, return_exceptions=True)

    async def _store(self, piece: Piece) -> None:
        digest = units.digest(piece)
        if self.journal.knows(piece, digest):
            return
        try:
            loaded = await self._send(piece)
        except (Busy, Fault):
            raise
        except CareplaneError as error:
            loaded = Loaded({}, (Failure("", error),))
        await self.journal.add(piece, digest, loaded)

    async def _send(self, piece: Piece) -> Loaded:
        """The unit at once; where lines of NDJSON fail, each line by itself."""
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
        return _loaded(request, done)


def _loaded(request: units.Request, done: Processed) -> Loaded:
    counts: Counter[str] = Counter()
    failures = [Failure(place, error) for place, error in request.refused]
    for place, answer in zip(request.places, done.answers, strict=True):
        if isinstance(answer.error, Busy | Fault):
            raise answer.error
        if answer.error is None:
            counts[_type(answer)] += 1
        else:
            failures.append(Failure(place, answer.error))
    return Loaded(counts, tuple(failures))


def _type(answer: Answer) -> str:
    result = answer.result
    version = result.version if isinstance(result, Written) else result
    return version.type if isinstance(version, Version) else answer.url.split("/")[0]


def _raise_from(done: set[asyncio.Task[None]]) -> None:
    errors = [error for task in done if (error := task.exception()) is not None]
    if errors:
        raise errors[0]
