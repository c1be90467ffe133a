"""Beside the requests: the index follows the trail, and what is older than the policy goes.

HIPAA wants the documentation of what was disclosed for six years (45 CFR 164.316(b)(2), 164.528),
so no policy keeps less."""

from __future__ import annotations

import asyncio
import time

from careplane.access.caller import Caller
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.ledger.trail import Trail
from careplane.records.commands import Note
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant

LEAST_YEARS = 6
YEAR = 366 * 86_400_000_000
_STEP, _REST_SECONDS = 100, 2.0
_OF_BUSY, _OF_QUIET = 0.005, 0.25
"""Of the time, spent on the index while it is behind: requests go first."""
_BUSY = 0.5
"""Of a core, used beside the index."""
_FORGOTTEN_AT_ONCE = 500
_DAY_SECONDS = 86_400.0


class Following:
    """The service that keeps the index near the end of the trail; a search brings it there itself,
    so this only spares it the wait."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    async def __call__(self) -> None:
        """For ever."""
        share = _OF_BUSY
        while True:
            began = time.perf_counter()
            behind = await self._trail.file(_STEP) >= _STEP
            ended, used = time.perf_counter(), time.process_time()
            await asyncio.sleep((ended - began) * (1 / share - 1) if behind else _REST_SECONDS)
            busy = time.process_time() - used > _BUSY * (time.perf_counter() - ended)
            share = _OF_BUSY if busy else _OF_QUIET


class Forgetting:
    """The service that removes records older than a number of years, of one tenant."""

    def __init__(self, trail: Trail, door: Door, tenant: Tenant, years: int, clock: Clock) -> None:
        require_enough(years)
        self._trail = trail
        self._door = door
        self._years = years
        self._clock = clock
        self._caller = Caller(tenant, "service/audit", "Audit trail", frozenset())

    async def __call__(self) -> None:
        """For ever: once a day."""
        while True:
            await self.once()
            await asyncio.sleep(_DAY_SECONDS)

    async def once(self) -> int:
        """Remove what is too old; how many records."""
        before = self._clock() - self._years * YEAR
        return await forget(self._trail, self._door, self._caller, before)


def require_enough(years: int) -> None:
    """Raises Incorrect for a policy that keeps less than must be kept."""
    if years < LEAST_YEARS:
        raise Incorrect(f"The audit trail is kept for {LEAST_YEARS} years at least.")


async def forget(trail: Trail, door: Door, caller: Caller, before: int) -> int:
    """Remove records from before a time, step by step; how many. It is itself recorded."""
    gone = 0
    while step := await trail.forget(caller.tenant, before, _FORGOTTEN_AT_ONCE):
        gone += step
        await asyncio.sleep(0)
    if gone:
        await door.note(caller, Note("audit-forget", f"{gone} records from before {before}"))
    return gone
