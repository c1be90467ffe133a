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
    tenant = t = number = count = 0  # of the run that is read
    for here, one in enumerate(leaves, start):
        if count and one.at == (tenant, t + count):
            count += 1
            continue
        if count:
            found.append(Run(tenant, t, number, count))
            count = 0
        if one.at is not None:
            (tenant, t), number, count = one.at, here, 1
    if count:
        found.append(Run(tenant, t, number, count))
    return found
