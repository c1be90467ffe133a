"""Which process has the room of a visit: noted in the state of the installation.

A note is taken by whoever comes first, renewed while the room lives, and taken over from a process
that is gone: on the same machine as soon as nobody listens at its place, from another machine when
it was not renewed for a while.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

SPACE = "visit-home"
RENEWED = 10_000_000
"""Microseconds after which a process renews its notes."""
_DEAD = 30_000_000
_KEPT = 24 * 3600 * 1_000_000


class Home(Struct, frozen=True, array_like=True):
    """`place` is where its process listens, on the machine `node`; `seen` when it said so last."""

    node: str
    place: str
    seen: int


class Elsewhere(Busy):
    """The room is on another machine, which this one does not reach."""


@dataclass(frozen=True, slots=True)
class Homes:
    """The notes, as one process reads and writes them."""

    state: StateStore
    clock: Clock
    node: str = platform.node()

    async def of(self, tenant: Tenant, visit: str) -> tuple[Home | None, int]:
        """Who has it, and the revision of the note (0: there is none)."""
        entry = await self.state.get(tenant, SPACE, visit)
        if entry is None:
            return None, 0
        return msgspec.msgpack.decode(entry.value, type=Home), entry.revision

    def require_reachable(self, home: Home) -> None:
        """Raises Elsewhere for one on another machine that lives."""
        if home.node != self.node and self.clock() - home.seen <= _DEAD:
            raise Elsewhere("The visit is held on another server; try again in a moment.")

    async def take(self, tenant: Tenant, visit: str, place: str, expect: int) -> int | None:
        """Note that it is here; the revision, or None where somebody else was faster."""
        home = msgspec.msgpack.encode(Home(self.node, place, self.clock()))
        return await self.state.put(tenant, SPACE, visit, home, expect)

    async def drop(self, tenant: Tenant, visit: str, revision: int) -> None:
        """It is nowhere any more."""
        await self.state.drop(tenant, SPACE, visit, revision)


def forgotten(value: bytes) -> int:
    """Until when a note is kept that nobody renews."""
    return msgspec.msgpack.decode(value, type=Home).seen + _KEPT
