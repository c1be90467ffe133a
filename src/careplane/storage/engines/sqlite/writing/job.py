"""What waits to be written, what is answered, and how much may wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from careplane.kernel.errors import Busy, CareplaneError
from careplane.storage.bodies import Packed
from careplane.storage.ports.records import (
    Erasure,
    Put,
    Receipt,
    Reindex,
    Reindexed,
    Tenant,
    Unit,
    Version,
)

_WAITING_PUTS = 50_000
GROUP_PUTS = 2_000
"""From here on a group is closed, and the next begun."""


class Job(Struct, frozen=True):
    """A unit, its bodies as they will be kept, and when it came (microseconds since 1970); or, with
    an empty unit, an erasure, or resources to be indexed anew."""

    tenant: Tenant
    unit: Unit
    packed: list[Packed]
    now: int
    erasure: Erasure | None = None
    items: tuple[Reindex, ...] = ()

    @property
    def weight(self) -> int:
        erased = len(self.erasure.records) + len(self.erasure.versions) if self.erasure else 0
        return len(self.unit.puts) + len(self.items) + erased + 1


NO_UNIT = Unit(())


class Done(Struct, frozen=True, array_like=True):
    """A unit is durable: the sequence number of its first version, the others following, and when
    it was written (milliseconds since 1970); or what came of what was indexed anew."""

    t: int
    updated: int
    reindexed: tuple[Reindexed, ...] = ()


Answer = Done | CareplaneError


class Writer(Protocol):
    """Whoever commits for a store."""

    @property
    def waiting(self) -> int:
        """Puts that were handed in and are not answered yet."""

    async def put(self, tenant: Tenant, unit: Unit) -> Receipt:
        """Returns when the unit is durable."""

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        """Returns when it is gone."""

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        """Returns when the rows are durable."""

    async def warm(self) -> None:
        """Start before it is needed."""

    async def close(self) -> None:
        """Write what was accepted, and end."""


def receipt(puts: Sequence[Put], done: Done) -> Receipt:
    """What was written, in the order of the puts."""
    moment = done.updated * 1000
    return Receipt(
        tuple(
            [
                Version(put.type, put.id, put.expect + 1, moment, put.method, put.rest, t)
                for t, put in enumerate(puts, done.t)
            ]
        )
    )


class Waiting:
    """Counts the puts that wait, and refuses when they are too many."""

    def __init__(self) -> None:
        self._puts = 0
        self._closed = False

    @property
    def puts(self) -> int:
        return self._puts

    def enter(self, weight: int, *, accepted: bool = False) -> None:
        """Raises Busy where no more is taken; what was `accepted` before always is."""
        if self._closed and not accepted:
            raise Busy("The store is closing: try again")
        if self._puts > _WAITING_PUTS and not accepted:
            raise Busy("Too many changes wait to be stored: try again in a moment")
        self._puts += weight

    def leave(self, weight: int) -> None:
        self._puts -= weight

    def close(self) -> bool:
        """Whether this was the first time."""
        first, self._closed = not self._closed, True
        return first
