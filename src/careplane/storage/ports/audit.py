"""The port to the audit trail: append, read back in order, and find.

What a record is found by is told by a `Filing`, which whoever knows its bytes hands in: an engine
keeps numbers. They stand in an index that follows the trail, off the way of requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from careplane.storage.ports.records import Tenant


class Filed(NamedTuple):
    """What a record is found by: when it was made (microseconds since 1970), and signed 64-bit
    numbers that stand for its terms."""

    recorded: int
    terms: frozenset[int]


Filing = Callable[[Tenant, bytes], Filed]
"""Pure, and the same for ever: the index is never made anew for a newer one."""


class AuditQuery(Struct, frozen=True):
    """Records that have a term of each set of `having`, which has one at least, and none of
    `without`; made from `since` (inclusive) on and before `before`. They come in order of time,
    newest first, or oldest first; `after` is the time and number of the last one seen."""

    having: tuple[frozenset[int], ...]
    without: frozenset[int] = frozenset()
    since: int | None = None
    before: int | None = None
    after: tuple[int, int] | None = None
    newest_first: bool = True
    count: int = 100


class Found(NamedTuple):
    """A record, its number, and when it was made."""

    seq: int
    recorded: int
    record: bytes


class Together(NamedTuple):
    """Records one after the other as one, and the numbers of the first and the last of them."""

    first: int
    last: int
    records: bytes


class AuditStore(Protocol):
    """Compact audit records, as bytes that `ledger.audit` wrote."""

    def append(self, tenant: Tenant, record: bytes) -> Awaitable[None]:
        """To be awaited at once: the record outlives a kill of this process then. Raises `Busy` or
        `Fault`, and then the answer that it speaks of must not leave."""

    async def tail(
        self, tenant: Tenant, after: int = 0, count: int = 1000
    ) -> Sequence[tuple[int, bytes]]:
        """Records in order of sequence number, those of units of work included, after `after`.

        The order never changes. Appended records keep theirs, and so do units of work; the two may
        stand a little earlier or later against each other than they were made."""

    async def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        """What `tail` answers, in one piece; None for nothing."""

    async def file(self, filing: Filing, count: int = 500) -> int:
        """Put the next records, of whatever tenant, into the index; how many there were, so that 0
        says that it has caught up."""

    async def find(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        """Records that match, of all that were appended before: what is not in the index yet comes
        into it first."""

    async def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        """Remove what `find` would answer from trail and index, but for the last record of the
        trail, so that no number is used again; how many."""
