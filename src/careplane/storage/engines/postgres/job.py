"""What waits to be written: all that can be made ready before others have to wait for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from careplane.search.rows import Rows
from careplane.storage.bodies import Packed
from careplane.storage.engines.postgres.layout import Layout, lay_out
from careplane.storage.engines.postgres.names import Names
from careplane.storage.ports.records import Put, Receipt, Tenant, Unit

_TURN = 50
"""Puts that are laid out before others get a turn."""
_NO_ROWS = Rows()


@dataclass(frozen=True, slots=True)
class Laid:
    """A put, its ident, its layout and that of the version before."""

    put: Put
    ident: int
    new: Layout
    old: Layout


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A unit, ready, and whom to answer. `now`: when it came, in microseconds since 1970."""

    tenant: Tenant
    unit: Unit
    laid: list[Laid]
    packed: list[Packed]
    now: int
    future: asyncio.Future[Receipt]

    @property
    def weight(self) -> int:
        return len(self.unit.puts) + 1


async def laid_out(tenant: Tenant, unit: Unit, names: Names) -> list[Laid]:
    """The puts of a unit; a long one lets others go between."""
    laid = []
    for number, put in enumerate(unit.puts, 1):
        ident = names.ident(tenant, put.type, put.id)
        old = Layout() if put.old == _NO_ROWS else lay_out(put.old, tenant, names)
        laid.append(Laid(put, ident, lay_out(put.rows, tenant, names), old))
        if number % _TURN == 0:
            await asyncio.sleep(0)
    return laid
