"""Two stores side by side, row by row in their order, in constant memory: every version of every
resource with its body, the order of answers, the audit trail, what services remember, and the
numbers to count on from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from careplane.app.moving.report import NAMED, Count, Report, Side, Sum
from careplane.storage.ports.moving import Audited, Kept, Marks, Noted, Place, Source

Told = Callable[[str, int, float], None]
_encode = msgspec.msgpack.Encoder().encode


class _Row(Protocol):
    """Something that has a place in an order."""

    @property
    def at(self) -> Any:
        """Where it stands."""


@dataclass(slots=True)
class _Summed:
    """One part of one side, as far as it was read."""

    rows: int = 0
    sum: Any = field(default_factory=hashlib.sha256)

    def add(self, row: _Row) -> None:
        self.rows += 1
        self.sum.update(_encode(row))

    def done(self) -> Sum:
        return Sum(self.rows, self.sum.hexdigest())


@dataclass(slots=True)
class _Counted:
    """One side's resources and versions by tenant and type."""

    resources: Counter[tuple[int, str]] = field(default_factory=Counter)
    versions: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add(self, kept: Kept) -> None:
        key = (kept.tenant, kept.version.type)
        self.versions[key] += 1
        self.resources[key] += int(kept.current and not kept.version.deleted)

    def done(self) -> list[Count]:
        return [Count(*k, self.resources[k], n) for k, n in sorted(self.versions.items())]


async def compare(source: Source, target: Source, told: Told) -> Report:
    """Look through all of both."""
    comparing = _Comparing(await source.marks(), await target.marks(), told)
    return await comparing.run(source, target)


class _Comparing:
    """One comparison."""

    def __init__(self, marks: Marks, found: Marks, told: Told) -> None:
        self._marks, self._found, self._told = marks, found, told
        self._different = 0
        self._differences: list[str] = []
        self._later = 0
        self._counted = (_Counted(), _Counted())

    async def run(self, source: Source, target: Source) -> Report:
        self._compare_marks()
        places = await self._part("places", source.places(), target.places())
        versions = await self._part("versions", source.versions(), target.versions())
        audit = await self._part("audit records", source.audited(), target.audited())
        state = await self._part("state", source.noted(), target.noted())
        sides = [
            Side(counted.done(), p, v, a, s)
            for counted, p, v, a, s in zip(
                self._counted, places, versions, audit, state, strict=True
            )
        ]
        return Report(sides[0], sides[1], self._different, self._differences, self._later)

    def _compare_marks(self) -> None:
        """The audit trail may have grown, and places may have been given, since."""
        mine, found = self._marks, self._found
        for name in ("t", "last_updated", "revision"):
            if getattr(mine, name) != getattr(found, name):
                self._differs(f"counter {name}")
        if found.place < mine.place or found.seq < mine.seq:
            self._differs("counter of places or of audit records")

    async def _part(
        self,
        name: str,
        mine: AsyncIterator[Sequence[_Row]],
        found: AsyncIterator[Sequence[_Row]],
    ) -> tuple[Sum, Sum]:
        sums = (_Summed(), _Summed())
        done = 0
        async for pair in _paired(_flat(mine), _flat(found)):
            if pair[0] is None and self._is_later(pair[1]):
                continue
            for row, sum, counted in zip(pair, sums, self._counted, strict=True):
                if row is not None:
                    sum.add(row)
                if isinstance(row, Kept):
                    counted.add(row)
            self._look(*pair)
            done += 1
            if done % NAMED == 0:
                self._told(f"compared {name}", NAMED, self._part_of(pair[0] or pair[1]))
        return sums[0].done(), sums[1].done()

    def _is_later(self, row: _Row | None) -> bool:
        """What a target may have more than its source: records of its own use, and places of what
        newer search parameters refer to."""
        if isinstance(row, Audited) and row.seq > self._marks.seq:
            self._later += 1
            return True
        return isinstance(row, Place) and row.number > self._marks.place and not row.born

    def _look(self, mine: _Row | None, found: _Row | None) -> None:
        if mine is None and found is not None:
            self._differs(f"{_name(found)}: is not in the source")
        elif found is None and mine is not None:
            self._differs(f"{_name(mine)}: is not in the target")
        elif mine != found:
            one, other = _fields(mine), _fields(found)
            names = [name for name, value in one.items() if value != other.get(name)]
            self._differs(f"{_name(mine)}: another {', '.join(names)}")

    def _differs(self, text: str) -> None:
        self._different += 1
        if len(self._differences) < NAMED:
            self._differences.append(text)

    def _part_of(self, row: Any) -> float:
        marks = self._marks
        ends: dict[type, int] = {Place: marks.place, Kept: marks.t, Audited: marks.seq}
        end = ends.get(type(row))
        return float(row.at / end) if end else 1.0


async def _flat(stream: AsyncIterator[Sequence[_Row]]) -> AsyncIterator[_Row]:
    async for batch in stream:
        for row in batch:
            yield row


async def _paired(
    mine: AsyncIterator[_Row], found: AsyncIterator[_Row]
) -> AsyncIterator[tuple[_Row | None, _Row | None]]:
    """Rows with the same place side by side, others alone."""
    one, other = await anext(mine, None), await anext(found, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.at < other.at):
            yield one, None
            one = await anext(mine, None)
        elif one is None or other.at < one.at:
            yield None, other
            other = await anext(found, None)
        else:
            yield one, other
            one, other = await anext(mine, None), await anext(found, None)


def _name(row: Any) -> str:
    """What it is, without what it says."""
    whose = f" of tenant {row.tenant}"
    if isinstance(row, Kept):
        version = row.version
        return f"{version.type}/{version.id}/_history/{version.version}{whose}"
    if isinstance(row, Place):
        return f"{row.type}/{row.id}{whose}, its place"
    if isinstance(row, Audited):
        return f"audit record {row.seq}{whose}"
    assert isinstance(row, Noted)
    return f"state {row.space} {row.entry.key}{whose}"


def _fields(row: Any) -> dict[str, Any]:
    """Everything of it by name."""
    found: dict[str, Any] = {}
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, msgspec.Struct):
            found |= _fields(value)
        else:
            found["body" if name == "rest" else name] = value
    return found
