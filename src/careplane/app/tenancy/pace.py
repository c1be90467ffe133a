"""How many requests a second an institution may send to one process: a bucket for each that has a
quota, full with what it may send in some seconds. Whoever is over it is told when to come again."""

from __future__ import annotations

from math import ceil

from careplane.access.tenants.known import Tenants
from careplane.kernel.clock import Clock
from careplane.kernel.errors import TooMany
from careplane.storage.ports.records import Tenant

_BURST_SECONDS = 5


class Pace:
    """Of one process."""

    def __init__(self, tenants: Tenants, clock: Clock) -> None:
        self._tenants = tenants
        self._clock = clock
        self._empty: dict[Tenant, int] = {}

    def take(self, tenant: Tenant) -> None:
        """One request. Raises TooMany where the bucket is empty."""
        found = self._tenants.by_number(tenant)
        if found is None or not found.most_requests:
            return
        now, each = self._clock(), 1_000_000 / found.most_requests
        depth = max(_BURST_SECONDS * 1_000_000, each)
        until = max(self._empty.get(tenant, 0), now - round(depth)) + round(each)
        if until > now:
            raise TooMany(
                "This institution has sent as many requests as its quota allows; "
                f"come again in {ceil((until - now) / 1_000_000)} s."
            )
        self._empty[tenant] = until
