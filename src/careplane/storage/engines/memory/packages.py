"""PackageStore in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from careplane.storage.ports.packages import Artifact, Filed, Package

Key = tuple[str, str]


class MemoryPackages:
    """Everything in dictionaries."""

    def __init__(self) -> None:
        self._epoch = 0
        self._last = 0
        self._packages: dict[Key, Package] = {}
        self._artifacts: dict[int, tuple[Key, Artifact]] = {}

    async def epoch(self) -> int:
        return self._epoch

    async def packages(self) -> Sequence[Package]:
        return [self._packages[key] for key in sorted(self._packages)]

    async def add(self, package: Package, batches: Iterable[Sequence[Artifact]]) -> bool:
        key = (package.name, package.version)
        if key in self._packages:
            return False
        drawn = [artifact for batch in batches for artifact in batch]
        self._packages[key] = package
        for artifact in drawn:
            self._last += 1
            self._artifacts[self._last] = (key, artifact)
        self._epoch += 1
        return True

    async def mark(self, name: str, version: str, *, asked: bool, pins: bytes) -> bool:
        found = self._packages.get((name, version))
        if found is None:
            return False
        changed = msgspec.structs.replace(found, asked=asked, pins=pins)
        self._packages[name, version] = changed
        self._epoch += 1
        return True

    async def remove(self, name: str, version: str) -> bool:
        if self._packages.pop((name, version), None) is None:
            return False
        self._artifacts = {
            number: (key, artifact)
            for number, (key, artifact) in self._artifacts.items()
            if key != (name, version)
        }
        self._epoch += 1
        return True

    async def headers(self, after: int = 0, count: int = 1000) -> Sequence[Filed]:
        numbers = sorted(number for number in self._artifacts if number > after)[:count]
        found = ((number, *self._artifacts[number]) for number in numbers)
        return [Filed(number, *key, artifact.header) for number, key, artifact in found]

    async def body(self, number: int) -> bytes | None:
        found = self._artifacts.get(number)
        return found[1].body if found else None

    async def users(self, url: str) -> Sequence[int]:
        return [n for n, (_, artifact) in sorted(self._artifacts.items()) if url in artifact.uses]

    async def close(self) -> None:
        self._artifacts.clear()
