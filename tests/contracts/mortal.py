"""A process that dies, as the state it works on sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from careplane.kernel.errors import Busy
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry, Lock, StateStore


class Mortal:
    """The state, until `dead` is set: then no call does anything, nor comes back until the process
    is `buried`, so nothing that it does any more is seen."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self.dead = False
        self.buried = asyncio.Event()

    async def get(self, tenant: Tenant, space: str, key: str) -> Entry | None:
        await self._alive()
        return await self._state.get(tenant, space, key)

    async def scan(
        self, tenant: Tenant | None, space: str, after: str = "", count: int = 1000
    ) -> Sequence[tuple[Tenant, Entry]]:
        await self._alive()
        return await self._state.scan(tenant, space, after, count)

    async def put(
        self, tenant: Tenant, space: str, key: str, value: bytes, expect: int | None = None
    ) -> int | None:
        await self._alive()
        return await self._state.put(tenant, space, key, value, expect)

    async def drop(self, tenant: Tenant, space: str, key: str, expect: int | None = None) -> bool:
        await self._alive()
        return await self._state.drop(tenant, space, key, expect)

    def lock(self, name: str) -> Lock:
        return self._state.lock(name)

    async def close(self) -> None:
        pass

    async def _alive(self) -> None:
        if self.dead:
            await self.buried.wait()
            raise Busy("This process is dead.")
