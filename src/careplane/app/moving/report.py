"""What came of a move: counts and sums of both sides, and names of what differs, never its
content."""

from __future__ import annotations

from msgspec import Struct

NAMED = 1_000
"""Differences that are named; more are counted."""


class Count(Struct, frozen=True):
    """Current, undeleted resources of a type and all their versions, deletions included."""

    tenant: int
    type: str
    resources: int
    versions: int


class Sum(Struct, frozen=True):
    """How many there are, and a SHA-256 over all of them in order, bodies included."""

    rows: int
    sha256: str


class Side(Struct, frozen=True):
    """What a store holds. `audit` of a target goes as far as that of its source."""

    counts: list[Count]
    places: Sum
    versions: Sum
    audit: Sum
    state: Sum

    @property
    def tenants(self) -> int:
        return len({count.tenant for count in self.counts})

    @property
    def resources(self) -> int:
        return sum(count.resources for count in self.counts)


class Report(Struct, frozen=True):
    """`differences`: the first NAMED of `different`, as type/id/version and what is not the same.
    `later`: audit records that the target has beyond those of the source. `unindexed`: resources
    that were moved, and cannot be found by a search."""

    source: Side
    target: Side
    different: int
    differences: list[str]
    later: int
    unindexed: list[str] = []

    @property
    def is_same(self) -> bool:
        return not self.different
