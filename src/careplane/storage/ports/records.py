"""The port to versions of resources: what an engine promises, whatever it is built on.

Time: one unit of work is one atomic step; a caller is answered after it is durable. Every version
gets a sequence number `t`, strictly increasing in the order of commit within an installation.
Tenants: nothing of one tenant can be reached through a call for another.
Errors: `Stale` when what a unit relied on has changed, `Busy` when the engine cannot take more now,
`Fault` when it is broken; an engine raises nothing else of its own for well-formed calls, except
`Incorrect` for a cursor that it did not make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NewType, Protocol

from msgspec import Struct

from careplane.search.plan import EVERYTHING, Node, Query
from careplane.search.rows import Rows

Tenant = NewType("Tenant", int)
Key = tuple[str, str]
"""A resource by type and logical id."""

Method = Literal["POST", "PUT", "DELETE", "PATCH"]

DEFINING = "SearchParameter"
"""Resources of this type say what others are found by."""

Reindexed = Literal["changed", "same", "moved"]
"""What came of a resource whose rows were made anew: rows were written or removed, all was well
before, or it is at another version by now, and nothing was done."""


class Version(Struct, frozen=True):
    """One version of one resource. `rest` is its bytes after `fhir.codec.envelope.split`, empty
    for a deletion; `last_updated` is in microseconds since 1970 (whole milliseconds)."""

    type: str
    id: str
    version: int
    last_updated: int
    method: Method
    rest: bytes
    t: int

    @property
    def deleted(self) -> bool:
        return self.method == "DELETE"


class Put(Struct, frozen=True, array_like=True):
    """A version to write. A deletion has no `rest` and empty `rows`.

    `expect` is the version that the record must be at for this to be right: 0 means that it has
    never been written. `old` are the rows of that version, so that only the difference is
    written; a record at version 0 or deleted has none.
    """

    type: str
    id: str
    method: Method
    rest: bytes
    rows: Rows
    expect: int
    old: Rows


class Guard(Struct, frozen=True):
    """What a unit took for granted: this search finds exactly these resources. (Conditional
    create, update, delete and references.) `query.count` bounds how many were looked at."""

    query: Query
    found: frozenset[Key]


class Unit(Struct, frozen=True):
    """All or nothing. Guards hold at the moment before the puts; no two puts share a key. `audit`
    is kept in the same step. `defined`: the rows were made with the definitions of search
    parameters as of this `t`; it must not be below that of any version of a DEFINING resource."""

    puts: tuple[Put, ...]
    guards: tuple[Guard, ...] = ()
    audit: bytes | None = None
    defined: int | None = None


class Reindex(Struct, frozen=True, array_like=True):
    """The rows of a current version, made anew: those of `rows` shall be there, and those of `gone`
    that are not among `rows` shall not. Others that the resource has are left as they are; its
    words are replaced where there are some. `version` is the one that they were made of."""

    type: str
    id: str
    version: int
    rows: Rows
    gone: Rows


class Erased(Struct, frozen=True, array_like=True):
    """A record that goes with all its versions. `expect` is the version that it must be at, `rows`
    are those of that version; a deleted record has none."""

    type: str
    id: str
    expect: int
    rows: Rows


class Superseded(Struct, frozen=True, array_like=True):
    """One version of a record that goes; never the current one."""

    type: str
    id: str
    version: int


class Erasure(Struct, frozen=True, array_like=True):
    """What is taken away for good, all or nothing. `audit` is kept in the same step."""

    records: tuple[Erased, ...] = ()
    versions: tuple[Superseded, ...] = ()
    audit: bytes | None = None


class Receipt(Struct, frozen=True):
    """What was written, in the order of the puts."""

    versions: tuple[Version, ...]


class Page(Struct, frozen=True):
    """Some of the answer. `next` is None on the last page; `total` only where it was asked for."""

    versions: tuple[Version, ...]
    next: str | None = None
    total: int | None = None


class HistoryQuery(Struct, frozen=True):
    """Versions, newest first (R4 3.1.0.13): of one resource (`types` has one, `id` is given), of
    types, or of everything. `since` is inclusive and `before` exclusive, microseconds since 1970.
    `restriction`, the caller's rights, is checked on each record as it is now: a version of a
    record that does not match it, or that is deleted while it is not Everything, is left out."""

    types: frozenset[str]
    id: str | None = None
    since: int | None = None
    before: int | None = None
    count: int = 50
    cursor: str | None = None
    total: bool = False
    restriction: Node = EVERYTHING


class SnapshotQuery(Struct, frozen=True):
    """Resources of one type as they were when `at` was the newest `t`, in the order of `t`.

    `since` (inclusive) and `before` (exclusive) bound when they were last changed, microseconds
    since 1970. `after` is where the slice before ended. With `deletions` those that were deleted by
    then, instead of those that were not; `where` is then not asked.
    """

    type: str
    at: int
    where: Node = EVERYTHING
    since: int | None = None
    before: int | None = None
    after: int = 0
    count: int = 1000
    deletions: bool = False


class Slice(Struct, frozen=True):
    """Part of a snapshot. `versions` match. Of `unchecked`, which have been replaced since or are
    deletions, the engine keeps no index rows any more: the caller decides. `next` is the `after` of
    the next slice, None at the end; a slice may be empty and not be the last."""

    versions: tuple[Version, ...]
    unchecked: tuple[Version, ...] = ()
    next: int | None = None


class RecordStore(Protocol):
    """Versions of resources."""

    async def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        """The current version, a deletion included; None if it was never written."""

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        """One version, a deletion included; None if there is none."""

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        """As `read`, for many, in their order, from one moment."""

    async def search(self, tenant: Tenant, query: Query) -> Page:
        """Current, undeleted resources that match."""

    async def count(self, tenant: Tenant, query: Query) -> int:
        """How many `search` would find over all pages."""

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        """Versions, deletions included, newest first."""

    async def commit(self, tenant: Tenant, unit: Unit) -> Receipt:
        """Write all of it durably, or raise and write nothing. Raises `Stale` if a guard or an
        `expect` does not hold, `Outdated` if `defined` is behind."""

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        """Write index rows, and no version, of resources that are still at the version that the
        rows were made of; durable, one answer an item, in their order. Raises `Outdated`, and
        does nothing, if `defined` is behind, as in `commit`."""

    async def current(
        self, tenant: Tenant, type: str, after: str | None = None, count: int = 1000
    ) -> list[Version]:
        """Current, undeleted resources of a type in an order that never changes, those behind the
        id `after`, which may be deleted by now; from the first where it is None. What is created
        while somebody goes through them may stand behind or before."""

    async def newest(self, tenant: Tenant, type: str) -> int:
        """The `t` of the newest version of a type, deletions included; 0 where there is none."""

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        """Remove records and superseded versions physically: afterwards they are as if they had
        never been, save that references to them stay, and that no `t` is used again. Versions that
        are not there are passed over. Raises `Stale` if an `expect` does not hold or a version is
        the current one, and then removes nothing."""

    async def changes(self, tenant: Tenant, after: int, count: int = 1000) -> list[Version]:
        """Versions of a tenant in the order of commit, deletions included, with `t` above `after`;
        none of a unit of work that is still under way, nor any behind one."""

    async def horizon(self, tenant: Tenant) -> tuple[int, int]:
        """The `t` and `last_updated` behind which nothing will be committed any more: those of the
        newest version, zeros where there is none."""

    async def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        """A slice of how things were; all slices together have each resource once, whatever is
        written in between. Takes bounded time."""

    async def counts(self, tenant: Tenant) -> dict[str, int]:
        """Current, undeleted resources by type."""

    async def close(self) -> None:
        """Finish what was accepted and let go of everything."""
