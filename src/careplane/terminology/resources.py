"""A library of resources in memory: those that were sent along with a request, or a folder's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concepts
from careplane.terminology.library import Kind
from careplane.terminology.resource import ResourceConcepts
from careplane.terminology.wholes import named_by, whole

KINDS = ("CodeSystem", "ValueSet", "ConceptMap")


class Resources:
    """`Library` of CodeSystem, ValueSet and ConceptMap trees, and of the value sets of all codes
    that code systems name; of two with the same canonical and version the first counts."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self._trees: dict[tuple[str, str], dict[str, Tree]] = {}
        self._concepts: dict[tuple[str, str], ResourceConcepts] = {}
        for tree in trees:
            self._add(tree)
        for tree in self._code_systems:
            if (url := named_by(tree)) and ("ValueSet", url) not in self._trees:
                self._add(whole(tree))

    def _add(self, tree: Tree) -> None:
        url, version = tree.get("url", ""), tree.get("version", "")
        if url:
            same = self._trees.setdefault((tree["resourceType"], url), {})
            same.setdefault(version, tree)

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        return tuple(self._trees.get((kind, url), ()))

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        return self._trees.get((kind, url), {}).get(version)

    async def concepts(self, url: str, version: str) -> Concepts | None:
        found = self._concepts.get((url, version))
        if found is None:
            tree = self._trees.get(("CodeSystem", url), {}).get(version)
            if tree is None:
                return None
            found = self._concepts[url, version] = ResourceConcepts(tree)
        return found

    async def supplements(self, url: str) -> Sequence[Concepts]:
        found = [
            await self.concepts(tree["url"], tree.get("version", ""))
            for tree in self._code_systems
            if tree.get("supplements", "").partition("|")[0] == url
        ]
        return [one for one in found if one is not None]

    async def maps(self, system: str) -> Sequence[Tree]:
        return [
            tree
            for (kind, _), versions in self._trees.items()
            for tree in versions.values()
            if kind == "ConceptMap"
            and any(system in (g.get("source"), g.get("target")) for g in tree.get("group", ()))
        ]

    async def systems(self) -> Sequence[tuple[str, str]]:
        return sorted(
            (tree["url"], tree.get("version", ""))
            for tree in self._code_systems
            if tree.get("content") != "supplement"
        )

    @cached_property
    def _code_systems(self) -> tuple[Tree, ...]:
        return tuple(
            tree
            for (kind, _), versions in self._trees.items()
            if kind == "CodeSystem"
            for tree in versions.values()
        )
