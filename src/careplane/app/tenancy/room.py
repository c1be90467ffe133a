"""How many resources an institution may store: looked at before anything is written, as this
process has last counted. So a quota is passed by what is written within a second, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from careplane.access.tenants.known import Tenants
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Exceeded
from careplane.storage.ports.records import Tenant

Counts = Callable[[Tenant], Awaitable[Mapping[str, int]]]
_FRESH_MICROSECONDS = 1_000_000


class Room:
    """Of one process."""

    def __init__(self, tenants: Tenants, counts: Counts, clock: Clock) -> None:
        self._tenants = tenants
        self._counts = counts
        self._clock = clock
        self._stored: dict[Tenant, tuple[int, int]] = {}
        self._looking: dict[Tenant, asyncio.Task[None]] = {}

    def require(self, tenant: Tenant) -> None:
        """Raises Exceeded where what the quota allows is stored."""
        found = self._tenants.by_number(tenant)
        if found is None or not found.most_resources:
            return
        looked, stored = self._stored.get(tenant, (0, 0))
        if self._clock() - looked > _FRESH_MICROSECONDS and tenant not in self._looking:
            task = asyncio.get_running_loop().create_task(self._look(tenant))
            self._looking[tenant] = task
            task.add_done_callback(lambda _: self._looking.pop(tenant, None))
        if stored >= found.most_resources:
            raise Exceeded(
                f"This institution may store {found.most_resources:,} resources and has stored "
                f"{stored:,}; delete some, or ask the operator of this server for more."
            )

    async def _look(self, tenant: Tenant) -> None:
        began = self._clock()
        with suppress(CareplaneError):  # what was known stays so
            self._stored[tenant] = began, sum((await self._counts(tenant)).values())
