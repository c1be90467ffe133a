"""Adding and removing packages: with what they depend on, each version pinned when it is chosen.

A dependency is chosen once: the newest version that is here and that its range asks for, or else
the newest that the package server has, where there is one. What cannot be had is said and not
waited for; it is pinned when it comes.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from pathlib import Path

import msgspec
from msgspec import Struct

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Conflict, NotFound, TooLarge
from careplane.packages import manifest
from careplane.packages.archive import LIMITS, Limits, files_of, manifest_of
from careplane.packages.catalogue import Installed
from careplane.packages.filing import Skipped, batches
from careplane.packages.manifest import CORE, CORE_VERSION, Manifest
from careplane.packages.packages import Packages, installed
from careplane.packages.server import PackageServer
from careplane.packages.versions import BUILDS, LATEST, matches, newest
from careplane.storage.ports.packages import Package, PackageStore

_MOST_TOGETHER = 200


class Added(Struct, frozen=True):
    """A package that is here now. `is_new`: it was not before. `skipped` are files that could not
    be read."""

    name: str
    version: str
    is_new: bool
    skipped: tuple[Skipped, ...] = ()


class Lacking(Struct, frozen=True):
    """A dependency that could not be had, of which package, and why."""

    name: str
    wanted: str
    of: str
    reason: str


class Outcome(Struct, frozen=True):
    """What was asked for first, then what came along, and what did not."""

    added: tuple[Added, ...]
    lacking: tuple[Lacking, ...] = ()


class Adding:
    """Changes the packages of an installation. Without a `server` nobody else is ever asked."""

    def __init__(
        self,
        store: PackageStore,
        packages: Packages,
        clock: Clock,
        server: PackageServer | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._store, self._packages, self._clock = store, packages, clock
        self._server, self._limits = server, limits

    async def file(self, path: Path) -> Outcome:
        """Add the package in a file, and what it depends on. Raises what `archive` does, Conflict
        for R4 itself."""
        return await self._all(await self._take(path, asked=True))

    async def named(self, name: str, wanted: str = LATEST) -> Outcome:
        """Add a package from the server. Raises NotFound, Malformed, Busy, and what `file` does."""
        if self._server is None:
            raise NotFound(
                f"{name} {wanted} is no file, and no package server is configured "
                "(CAREPLANE_PACKAGE_SERVER)."
            )
        return await self._all(await self._fetched(self._server, name, wanted, asked=True))

    async def remove(self, name: str, version: str = "", *, force: bool = False) -> list[str]:
        """Remove a package, with those that came along and are needed no more; all of them as
        `name#version`. Without a version, the one that is here. Raises NotFound, or Conflict where
        several are or others need it."""
        here = await self._here()
        found = [one for one in here if one.manifest.name == name]
        found = [one for one in found if version in ("", one.manifest.version)]
        if not found:
            raise NotFound(f"There is no package {name}{version and ' ' + version} here.")
        if len(found) > 1:
            versions = ", ".join(one.manifest.version for one in found)
            raise Conflict(f"Several versions of {name} are here ({versions}): name one.")
        needing = [one.id for one in here if _needs(one, found[0])]
        if needing and not force:
            raise Conflict(f"{found[0].id} is needed by {', '.join(needing)}.")
        gone = [found[0]]
        rest = [one for one in here if one is not found[0]]
        while unneeded := [o for o in rest if not o.asked and not any(_needs(n, o) for n in rest)]:
            gone += unneeded
            rest = [one for one in rest if one not in unneeded]
        for one in gone:
            await self._store.remove(one.manifest.name, one.manifest.version)
        await self._unpin(rest, {one.id for one in gone})
        self._packages.forget()
        return [one.id for one in gone]

    async def _all(self, first: Added) -> Outcome:
        """Go on with dependencies until all are here that can be had."""
        added, lacking = [first], list[Lacking]()
        waiting = deque([(first.name, first.version)])
        while waiting:
            if len(added) > _MOST_TOGETHER:
                raise TooLarge(f"More than {_MOST_TOGETHER} packages are needed together.")
            here = await self._here()
            of = next(
                one for one in here if (one.manifest.name, one.manifest.version) == waiting[0]
            )
            waiting.popleft()
            for name, wanted in of.manifest.dependencies.items():
                if name in of.pins or _chosen(here, name, wanted):
                    continue
                try:
                    one = await self._dependency(name, wanted)
                except CareplaneError as error:
                    lacking.append(Lacking(name, wanted, of.id, error.text))
                    continue
                added.append(one)
                waiting.append((one.name, one.version))
        await self._pin()
        self._packages.forget()
        return Outcome(tuple(added), tuple(lacking))

    async def _dependency(self, name: str, wanted: str) -> Added:
        if name == CORE:
            raise NotFound(f"This server has R4 {CORE_VERSION}.")
        if self._server is None:
            raise NotFound("It is not here, and no package server is configured.")
        if wanted in BUILDS:
            raise NotFound("Builds that change by the hour are not fetched.")
        return await self._fetched(self._server, name, wanted, asked=False)

    async def _fetched(
        self, server: PackageServer, name: str, wanted: str, *, asked: bool
    ) -> Added:
        with tempfile.TemporaryDirectory(prefix="careplane-") as folder:
            return await self._take(await server.download(name, wanted, Path(folder)), asked=asked)

    async def _take(self, path: Path, *, asked: bool) -> Added:
        described = await asyncio.to_thread(manifest_of, path, self._limits)
        name, version = described.name, described.version
        if name == CORE:
            raise Conflict(f"R4 itself ({CORE} {CORE_VERSION}) comes with the program.")
        skipped: list[Skipped] = []
        package = Package(name, version, asked, self._clock(), manifest.dump(described))
        is_new = await self._store.add(package, batches(files_of(path, self._limits), skipped))
        if not is_new and asked:
            await self._ask(described)
        return Added(name, version, is_new, tuple(skipped))

    async def _ask(self, described: Manifest) -> None:
        for one in await self._store.packages():
            if (one.name, one.version) == (described.name, described.version) and not one.asked:
                await self._store.mark(one.name, one.version, asked=True, pins=one.pins)

    async def _pin(self) -> None:
        """Choose a version for every dependency that has none and can be had now."""
        here = await self._here()
        for one in here:
            wanted = one.manifest.dependencies
            chosen = {n: c for n, w in wanted.items() if (c := _chosen(here, n, w))}
            await self._mark(one, {**chosen, **one.pins})

    async def _unpin(self, here: list[Installed], gone: set[str]) -> None:
        for one in here:
            pins = {name: v for name, v in one.pins.items() if f"{name}#{v}" not in gone}
            await self._mark(one, pins)

    async def _mark(self, one: Installed, pins: dict[str, str]) -> None:
        if pins != one.pins:
            name, version = one.manifest.name, one.manifest.version
            await self._store.mark(name, version, asked=one.asked, pins=msgspec.json.encode(pins))

    async def _here(self) -> list[Installed]:
        return [installed(package) for package in await self._store.packages()]


def _chosen(here: list[Installed], name: str, wanted: str) -> str | None:
    """The version that a dependency means among those that are here."""
    if name == CORE:
        return CORE_VERSION if matches(CORE_VERSION, wanted) else None
    return newest([one.manifest.version for one in here if one.manifest.name == name], wanted)


def _needs(one: Installed, other: Installed) -> bool:
    return one.pins.get(other.manifest.name) == other.manifest.version and one is not other
