"""Where leaves come from: what is noted in the same transaction as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from careplane.ledger.leaf import Sealed
from careplane.storage.ports.ledger import Batch, Entry, Place, Run


@dataclass(frozen=True, slots=True)
class Moved:
    """What is noted in the same transaction as leaves: where their sources are then (`marks`), and
    where they must have been before (`since`); see `storage.ports.ledger`."""

    marks: Mapping[str, int] = field(default_factory=dict)
    since: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, bytes] = field(default_factory=dict)

    def batch(
        self,
        start: int,
        entries: Sequence[Entry],
        tiles: Sequence[tuple[Place, bytes]],
        runs: Sequence[Run],
    ) -> Batch:
        """With the leaves and tiles that go in."""
        return Batch(
            start, entries, tiles, self.marks, since=self.since, runs=runs, notes=self.notes
        )


def together(every: Sequence[Moved]) -> Moved:
    """Of several that follow each other: where the last one ends, and where the first one began."""
    marks: dict[str, int] = {}
    since: dict[str, int] = {}
    notes: dict[str, bytes] = {}
    for one in every:
        marks |= one.marks
        since = {**one.since, **since}
        notes |= one.notes
    return Moved(marks, since, notes)


def runs_of(leaves: Sequence[Sealed], start: int) -> list[Run]:
    """Which leaves are of which versions, where the first of them gets the number `start`."""
    found: list[Run] = []
    for number, one in enumerate(leaves, start):
        if one.at is None:
            continue
        tenant, t = one.at
        last = found[-1] if found else None
        if last and (last.tenant, last.t + last.count, last.number + last.count) == (
            tenant, t, number,
        ):  # fmt: skip
            found[-1] = Run(tenant, last.t, last.number, last.count + 1)
        else:
            found.append(Run(tenant, t, number, 1))
    return found
