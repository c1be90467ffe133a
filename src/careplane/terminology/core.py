"""The library of what R4 itself ships: its code systems, value sets and concept maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from careplane.fhir.definitions import core
from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concepts
from careplane.terminology.library import Kind
from careplane.terminology.resource import ResourceConcepts

_KEPT = 128
"""Code systems whose concepts stay in memory."""


class CoreLibrary:
    """`Library` of R4 core. Nothing is read before it is asked for."""

    def __init__(self) -> None:
        self._resource = lru_cache(_KEPT)(core.artifact)
        self._concepts: dict[tuple[str, str], ResourceConcepts] = {}

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        place = core.r4().index.get(kind, {}).get(url)
        return () if place is None else (place.version,)

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        place = core.r4().index.get(kind, {}).get(url)
        return self._resource(kind, url) if place is not None and place.version == version else None

    async def concepts(self, url: str, version: str) -> Concepts | None:
        key = (url, version)
        if key not in self._concepts:
            tree = await self.resource("CodeSystem", url, version)
            if tree is None:
                return None
            if len(self._concepts) >= _KEPT:
                del self._concepts[next(iter(self._concepts))]
            self._concepts[key] = ResourceConcepts(tree)
        return self._concepts[key]

    async def supplements(self, url: str) -> Sequence[Concepts]:
        return ()

    async def maps(self, system: str) -> Sequence[Tree]:
        found = (core.artifact("ConceptMap", url) for url in self._maps.get(system, ()))
        return [tree for tree in found if tree is not None]

    async def systems(self) -> Sequence[tuple[str, str]]:
        return self._systems

    @cached_property
    def _maps(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, dict[str, None]] = {}
        for url in core.urls("ConceptMap"):
            tree = core.artifact("ConceptMap", url) or {}
            for group in tree.get("group", ()):
                for end in ("source", "target"):
                    found.setdefault(group.get(end, ""), {})[url] = None
        return {system: tuple(urls) for system, urls in found.items()}

    @cached_property
    def _systems(self) -> Sequence[tuple[str, str]]:
        found = []
        for url in core.urls("CodeSystem"):
            tree = core.artifact("CodeSystem", url) or {}
            if tree.get("content") in ("complete", "fragment", "example"):
                found.append((url, tree.get("version", "")))
        return found
