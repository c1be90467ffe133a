"""The work of an import: files pulled from where the manifest says, loaded through the door.

What came of each unit is written down under its place, the errors with it. Begun again, the files
are read anew and the units that are known are passed by; at the end the errors of each file become
one file of OperationOutcomes.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from careplane.interop.bulk.asks import ImportAsk, asked
from careplane.interop.bulk.loading.loader import Failure, Loaded, Loader
from careplane.interop.bulk.loading.pieces import Cutter, Piece, Unpacker
from careplane.interop.bulk.parts import Place, finished, part
from careplane.interop.bulk.pulling.stores import Stores
from careplane.interop.bulk.pulling.web import Web
from careplane.interop.bulk.vault import Vault
from careplane.kernel.errors import Busy, CareplaneError, Fault, Issue
from careplane.records.door import Door
from careplane.records.jobs.work import Work
from careplane.rest.outcome import outcome

COUNTS = "counts"
_UNITS = "unit/"
_WHOLE = f"{_UNITS}{{:06d}}/-"
_MOST_ISSUES = 10
_TELL_SECONDS = 1.0


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """What came of a unit: its digest, how many resources were stored, and the OperationOutcomes of
    the others, as lines."""

    digest: bytes
    stored: int
    failed: int
    errors: bytes


_decode = msgspec.msgpack.Decoder(Unit).decode
_encode = msgspec.msgpack.encode


@dataclass(frozen=True, slots=True)
class Importing:
    """Does imports."""

    door: Door
    vault: Vault
    web: Web
    stores: Stores

    async def run(self, work: Work) -> None:
        """All of it, from where it was left. Raises Overtaken, and Busy where a file cannot be
        read now."""
        kickoff = await asked(work.book, work.job)
        assert isinstance(kickoff.ask, ImportAsk)
        counts: list[int] = []
        for number, (type, url) in enumerate(kickoff.ask.inputs):
            journal = await self._journal(work, number)
            try:
                await Loader(self.door, kickoff.caller, journal).run(self._pieces(type, url))
            except (Busy, Fault):
                raise
            except CareplaneError as error:
                await journal.failed(error)
            counts.append(await self._report(work, number, url))
        await work.note(COUNTS, _encode(counts))

    async def _journal(self, work: Work, number: int) -> _Journal:
        start = f"{_UNITS}{number:06d}/"
        known = {
            name: _decode(value).digest async for name, value in work.book.notes(work.job, start)
        }
        return _Journal(work, number, known)

    async def _pieces(self, type: str, url: str) -> AsyncIterator[Piece]:
        source = self.web if url.startswith(("https://", "http://")) else self.stores
        cutter, unpacker = Cutter(url, type), Unpacker()
        async for some in source.read(url):
            for plain in unpacker.feed(some):
                for piece in cutter.feed(plain):
                    yield piece
        for piece in (*cutter.feed(unpacker.end()), *cutter.end()):
            yield piece

    async def _report(self, work: Work, number: int, url: str) -> int:
        """Write the errors of a file, unless that was done; the number of resources stored."""
        stored = 0
        writer = self.vault.writer(work.job, number + 1)
        async for _, value in work.book.notes(work.job, f"{_UNITS}{number:06d}/"):
            unit = _decode(value)
            stored += unit.stored
            if unit.failed:
                writer.add(unit.errors, unit.failed)
        if writer.count and await part(work.book, work.job, number + 1) is None:
            made = await writer.finish("error", "OperationOutcome", Place(), url)
            await finished(work, made)
        return stored


@dataclass(slots=True)
class _Journal:
    """What is known of one file of one job."""

    work: Work
    number: int
    known: Mapping[str, bytes]
    stored: int = 0
    told: float = field(default=0.0)

    def knows(self, piece: Piece, digest: bytes) -> bool:
        return self.known.get(self._name(piece)) == digest

    async def add(self, piece: Piece, digest: bytes, loaded: Loaded) -> None:
        stored = sum(loaded.counts.values())
        lines = b"".join(outcome(_issues(failure, piece)) + b"\n" for failure in loaded.failures)
        unit = Unit(digest, stored, len(loaded.failures), lines)
        await self.work.note(self._name(piece), _encode(unit))
        self.stored += stored
        await self._tell(f"file {self.number + 1}, {self.stored} resources")

    async def failed(self, error: CareplaneError) -> None:
        """The file as a whole could not be read to its end."""
        unit = Unit(b"", 0, 1, outcome(error.issues[:_MOST_ISSUES]) + b"\n")
        await self.work.note(_WHOLE.format(self.number), _encode(unit))

    def _name(self, piece: Piece) -> str:
        return f"{_UNITS}{self.number:06d}/{piece.line:012d}"

    async def _tell(self, text: str) -> None:
        now = time.monotonic()
        if now - self.told > _TELL_SECONDS:
            self.told = now
            await self.work.save(told=text)


def _issues(failure: Failure, piece: Piece) -> tuple[Issue, ...]:
    """The issues, each with its line."""
    place = failure.place or f"lines from {piece.line}"
    return tuple(
        replace(issue, text=f"{place}: {issue.text}")
        for issue in failure.error.issues[:_MOST_ISSUES]
    )
