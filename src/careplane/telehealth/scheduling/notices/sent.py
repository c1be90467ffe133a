"""What was sent, so that nothing is sent twice: a claim that is durable before a message goes.

A crash between the two loses that message rather than sending it again; one that a server refused
is tried again. Keys begin with when the visit is, so old ones are found at the front and forgotten.
"""

from __future__ import annotations

from careplane.kernel.clock import Clock
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_SPACE = "visit-notices"
_KEPT = 30 * 86_400_000_000
_MOST_TRIES = 5


class Sent:
    """Claims of one tenant."""

    def __init__(self, state: StateStore, tenant: Tenant, clock: Clock) -> None:
        self._state = state
        self._tenant = tenant
        self._clock = clock

    async def claim(self, start: int, what: str) -> bool:
        """Whether this one may send it now."""
        value = b"1"
        return await self._put(_key(start, what), value, 0)

    async def failed(self, start: int, what: str, tries: int) -> None:
        """It was refused: let it be tried again, a few times."""
        if tries < _MOST_TRIES:
            await self._state.drop(self._tenant, _SPACE, _key(start, what))

    async def sweep(self) -> None:
        """Forget claims about visits of the past."""
        limit = _key(max(0, self._clock() - _KEPT), "")
        while page := await self._state.scan(self._tenant, _SPACE, "", 500):
            old = [entry.key for _, entry in page if entry.key < limit]
            for key in old:
                await self._state.drop(self._tenant, _SPACE, key)
            if len(old) < len(page):
                return

    async def _put(self, key: str, value: bytes, expect: int) -> bool:
        return await self._state.put(self._tenant, _SPACE, key, value, expect) is not None


def _key(start: int, what: str) -> str:
    return f"{start:020d}-{what}"
