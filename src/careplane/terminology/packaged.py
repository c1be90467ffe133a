"""The library of the packages that are installed: their code systems, value sets and maps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concepts
from careplane.terminology.library import Kind
from careplane.terminology.resource import ResourceConcepts

if TYPE_CHECKING:
    from careplane.packages.catalogue import Entry
    from careplane.packages.packages import Packages

_KEPT = 64
"""Code systems whose concepts stay in memory."""
_HELD = ("complete", "fragment", "example")


class PackageLibrary:
    """`Library` of packages, without R4 itself, which has a library of its own. Of one version in
    several packages the one counts that a canonical means (see `packages.catalogue`)."""

    def __init__(self, packages: Callable[[], Packages]) -> None:
        self._packages = packages
        self._concepts: OrderedDict[int, ResourceConcepts] = OrderedDict()

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        return list(dict.fromkeys(e.header.version for e in await self._all(kind, url)))

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        entry = await self._entry(kind, url, version)
        return await self._packages().tree(entry) if entry else None

    async def concepts(self, url: str, version: str) -> Concepts | None:
        entry = await self._entry("CodeSystem", url, version)
        return await self._of(entry) if entry else None

    async def supplements(self, url: str) -> Sequence[Concepts]:
        found = []
        for entry in await self._packages().users(url):
            if entry.number and entry.header.kind == "supplement":
                concepts = await self._of(entry)
                if concepts and concepts.about.supplements.partition("|")[0] == url:
                    found.append(concepts)
        return found

    async def maps(self, system: str) -> Sequence[Tree]:
        found = []
        for entry in await self._packages().users(system):
            if entry.number and entry.header.type == "ConceptMap":
                tree = await self._packages().tree(entry)
                groups = tree.get("group", ()) if tree else ()
                if tree and any(system in (g.get("source"), g.get("target")) for g in groups):
                    found.append(tree)
        return found

    async def systems(self) -> Sequence[tuple[str, str]]:
        entries = (await self._packages().catalogue()).entries
        headers = (e.header for e in entries if e.header.type == "CodeSystem")
        return sorted({(h.url, h.version) for h in headers if h.kind in _HELD})

    async def _all(self, kind: Kind, url: str) -> Sequence[Entry]:
        catalogue = await self._packages().catalogue()
        return [entry for entry in catalogue.versions(kind, url) if entry.number]

    async def _entry(self, kind: Kind, url: str, version: str) -> Entry | None:
        found = await self._all(kind, url)
        return next((entry for entry in found if entry.header.version == version), None)

    async def _of(self, entry: Entry) -> ResourceConcepts | None:
        held = self._concepts.get(entry.number)
        if held is None:
            tree = await self._packages().tree(entry)
            if tree is None:
                return None
            held = self._concepts[entry.number] = ResourceConcepts(tree)
            if len(self._concepts) > _KEPT:
                self._concepts.popitem(last=False)
        return held
