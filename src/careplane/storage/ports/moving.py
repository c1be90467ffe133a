"""The port to an installation as a whole, for moving it to another engine: all of it is read as it
stands, over all tenants, and written as it was.

A `Source` answers from one moment and keeps everybody else from writing until it is closed; it
writes nothing itself. Its streams come in batches of bounded size, none of them empty, in an order
that is the same on every engine, from behind `after`. A `Target` takes the same things in the same
order: places first, since versions and what they refer to have theirs by then. Each batch is
durable, whole or not at all, when the call returns, so whoever was interrupted goes on behind what
was `reached`.

Errors: `Busy` where others use the store or it cannot be reached, `NotFound` where there is nothing
to read, `Conflict` where a target is not free, `Full`, `Fault`; nothing else for well-formed calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from careplane.search.rows import Rows
from careplane.storage.ports.records import Tenant, Version
from careplane.storage.ports.state import Entry

NoteAt: TypeAlias = tuple[str, Tenant, str]
"""Where a value of a service stands: space, tenant, key."""


class Place(Struct, frozen=True):
    """Something that was ever written or referred to: its `number` in the order of answers, and the
    `t` of its first version, 0 where it has none."""

    number: int
    tenant: Tenant
    type: str
    id: str
    born: int

    @property
    def at(self) -> tuple[int, Tenant]:
        return self.number, self.tenant


class Kept(Struct, frozen=True):
    """A version, and whether it is its resource's current one."""

    tenant: Tenant
    version: Version
    current: bool

    @property
    def at(self) -> tuple[int, Tenant]:
        return self.version.t, self.tenant


class Audited(Struct, frozen=True):
    """An audit record under its sequence number."""

    seq: int
    tenant: Tenant
    record: bytes

    @property
    def at(self) -> tuple[int, Tenant]:
        return self.seq, self.tenant


class Noted(Struct, frozen=True):
    """A value that a service remembers."""

    space: str
    tenant: Tenant
    entry: Entry

    @property
    def at(self) -> NoteAt:
        return self.space, self.tenant, self.entry.key


class Marks(Struct, frozen=True):
    """The last numbers that were given to anything, even to what was erased since; none is given
    again. `last_updated` is in microseconds since 1970."""

    place: int
    t: int
    last_updated: int
    seq: int
    revision: int


class Reached(Struct, frozen=True):
    """The last of each that a target has."""

    place: int = 0
    t: int = 0
    seq: int = 0
    note: NoteAt | None = None


class Source(Protocol):
    """Whoever reads an installation."""

    async def marks(self) -> Marks:
        """How far everything has been counted."""

    def places(self, after: int = 0) -> AsyncIterator[Sequence[Place]]:
        """In order of number."""

    def versions(self, after: int = 0, type: str | None = None) -> AsyncIterator[Sequence[Kept]]:
        """In order of `t`; of all types, or of one."""

    def audited(self, after: int = 0) -> AsyncIterator[Sequence[Audited]]:
        """In order of sequence number. Those that wait on their way to the trail have the numbers
        that they will get."""

    def noted(self, after: NoteAt | None = None) -> AsyncIterator[Sequence[Noted]]:
        """In order of space, tenant and key."""

    async def close(self) -> None:
        """Let others write again."""


class Target(Source, Protocol):
    """Whoever writes one; what it has so far can be read. Nothing else opens a store from `begin`
    to `finish`, however long that takes."""

    async def begin(self, origin: bytes) -> Reached:
        """Take an empty store, or one that a move of the same `origin` left half done. Raises
        Conflict, and leaves no trace, where it is neither."""

    async def put_places(self, places: Sequence[Place]) -> None:
        """What is heard of; each has a number above all before."""

    async def put_versions(
        self, versions: Sequence[Kept], rows: Sequence[Rows], patients: Sequence[str]
    ) -> None:
        """Versions as they were, and what current ones are found by; others have no rows. What
        rows refer to gets a place where it has none. `patients`: under whose key each body
        belongs."""

    async def put_audited(self, records: Sequence[Audited]) -> None:
        """Records under their numbers."""

    async def put_noted(self, notes: Sequence[Noted]) -> None:
        """Values at their revisions."""

    async def settle(self, marks: Marks) -> None:
        """All is here: count on from these."""

    async def finish(self) -> None:
        """All is right: the store may be opened from now on."""
