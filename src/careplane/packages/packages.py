"""The packages of this installation as a process knows them, a second old at most: what a canonical
URL means, and the artifact itself. They are the same for all tenants."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from careplane.fhir.definitions import core
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.packages import filing, manifest
from careplane.packages.catalogue import Catalogue, Entry, Installed
from careplane.packages.manifest import CORE
from careplane.storage.ports.packages import Package, PackageStore

_FRESH_MICROSECONDS = 1_000_000
_PAGE = 2_000
_HOT_BYTES = 8 << 20
"""Bytes of JSON whose trees are kept at hand; a tree takes some ten times as much."""


class Packages:
    """For one event loop. Nothing is read before the first question."""

    def __init__(self, store: PackageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._good = 0
        self._epoch = -1
        self._catalogue = Catalogue({}, ())
        self._hot: OrderedDict[int, tuple[int, Tree]] = OrderedDict()
        self._size = 0

    async def catalogue(self) -> Catalogue:
        """All there is now."""
        if self._clock() >= self._good:
            async with self._lock:
                if self._clock() >= self._good:
                    await self._look()
        return self._catalogue

    async def artifact(self, type: str, canonical: str) -> Tree | None:
        """What a canonical means (see `catalogue`), None where it is not here. It is shared: do not
        change it."""
        found = (await self.catalogue()).find(type, canonical)
        return await self.tree(found) if found else None

    async def tree(self, entry: Entry) -> Tree | None:
        """The artifact itself, None where it has been removed meanwhile; shared as well."""
        if not entry.number:
            return core.artifact(entry.header.type, entry.header.url)
        held = self._hot.get(entry.number)
        if held:
            self._hot.move_to_end(entry.number)
            return held[1]
        body = await self._store.body(entry.number)
        if body is None:
            return None
        tree = filing.tree(body)
        self._keep(entry, tree)
        return tree

    async def of(self, url: str) -> Sequence[Installed]:
        """The packages that have an artifact with a canonical URL."""
        found = (await self.catalogue()).of(url)
        return list({entry.package.id: entry.package for entry in found}.values())

    async def users(self, url: str) -> Sequence[Entry]:
        """Where an artifact is used: those that refer to its URL, in the order of `catalogue`, each
        URL once."""
        catalogue = await self.catalogue()
        numbered = map(catalogue.numbered, await self._store.users(url))
        builtin = (catalogue.find(type, by) for type, by in core.r4().used_by(url))
        found = [entry for entry in (*numbered, *builtin) if entry]
        return list({(e.header.type, e.header.url): e for e in found}.values())

    def forget(self) -> None:
        """Look again before the next answer."""
        self._good = 0

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()

    async def _look(self) -> None:
        good = self._clock() + _FRESH_MICROSECONDS
        epoch = await self._store.epoch()
        if epoch != self._epoch:
            self._catalogue = await self._read()
            self._hot.clear()
            self._epoch, self._size = epoch, 0
        self._good = good

    async def _read(self) -> Catalogue:
        every = await self._store.packages()
        here = {f"{one.name}#{one.version}": installed(one) for one in every}
        entries: list[Entry] = []
        after = 0
        while page := await self._store.headers(after, _PAGE):
            for filed in page:
                package = here.get(f"{filed.name}#{filed.version}")
                if package:  # else it was added since
                    entries.append(Entry(package, filing.header(filed.header), filed.number))
            after = page[-1].number
        return Catalogue(here, entries)

    def _keep(self, entry: Entry, tree: Tree) -> None:
        self._hot[entry.number] = (entry.header.size, tree)
        self._size += entry.header.size
        while self._size > _HOT_BYTES and len(self._hot) > 1:
            _, (size, _) = self._hot.popitem(last=False)
            self._size -= size


def installed(package: Package) -> Installed:
    """A package as it was stored."""
    described = manifest.load(package.manifest)
    pins = msgspec.json.decode(package.pins, type=dict[str, str])
    lacks = [name for name in described.dependencies if name not in pins and name != CORE]
    return Installed(described, package.asked, package.added, pins, lacks)
