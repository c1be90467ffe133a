"""StateStore in memory."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import Entry


class MemoryLock:
    """Who holds each stands in `locks`."""

    def __init__(self, locks: dict[str, MemoryLock], name: str) -> None:
        self._locks = locks
        self._name = name

    async def hold(self) -> bool:
        return self._locks.setdefault(self._name, self) is self

    async def release(self) -> None:
        if self._locks.get(self._name) is self:
            del self._locks[self._name]


class MemoryState:
    """Everything in one dictionary."""

    def __init__(self) -> None:
        self.entries: dict[tuple[Tenant, str, str], Entry] = {}
        self.revision = 0
        self._locks: dict[str, MemoryLock] = {}

    async def get(self, tenant: Tenant, space: str, key: str) -> Entry | None:
        return self.entries.get((tenant, space, key))

    async def scan(
        self, tenant: Tenant | None, space: str, after: str = "", count: int = 1000
    ) -> Sequence[tuple[Tenant, Entry]]:
        found = sorted(
            (owner, key)
            for owner, room, key in self.entries
            if room == space and (tenant is None or (owner == tenant and key > after))
        )
        return [(owner, self.entries[owner, space, key]) for owner, key in found[:count]]

    async def put(
        self, tenant: Tenant, space: str, key: str, value: bytes, expect: int | None = None
    ) -> int | None:
        if expect is not None and self._at(tenant, space, key) != expect:
            return None
        self.revision += 1
        self.entries[tenant, space, key] = Entry(key, value, self.revision)
        return self.revision

    async def drop(self, tenant: Tenant, space: str, key: str, expect: int | None = None) -> bool:
        at = self._at(tenant, space, key)
        if not at or expect not in (None, at):
            return False
        del self.entries[tenant, space, key]
        return True

    def lock(self, name: str) -> MemoryLock:
        return MemoryLock(self._locks, name)

    async def close(self) -> None:
        self.entries.clear()

    def _at(self, tenant: Tenant, space: str, key: str) -> int:
        entry = self.entries.get((tenant, space, key))
        return entry.revision if entry else 0
