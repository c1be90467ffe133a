"""A tenant's own terminology resources as a `Library`, for judging what is written: as with search
parameters, what an institution has defined holds for all of it, whoever may read the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.records.vocabulary import Held, Index
from careplane.storage.ports.records import Tenant
from careplane.terminology.concepts import Concepts
from careplane.terminology.library import Kind


@dataclass(frozen=True, slots=True)
class OwnLibrary:
    """Everything of one tenant."""

    tenant: Tenant
    index: Index

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        return list(await self.index.of(self.tenant, kind, url))

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        held = await self._held(kind, url, version)
        return held.tree if held else None

    async def concepts(self, url: str, version: str) -> Concepts | None:
        held = await self._held("CodeSystem", url, version)
        return held.concepts if held else None

    async def supplements(self, url: str) -> Sequence[Concepts]:
        entries = await self.index.all(self.tenant, "CodeSystem")
        found = [
            await self.index.held(self.tenant, "CodeSystem", entry)
            for entry in entries
            if entry.supplements == url
        ]
        return [held.concepts for held in found if held]

    async def maps(self, system: str) -> Sequence[Tree]:
        entries = await self.index.all(self.tenant, "ConceptMap")
        found = [
            await self.index.held(self.tenant, "ConceptMap", entry)
            for entry in entries
            if system in entry.systems
        ]
        return [held.tree for held in found if held]

    async def systems(self) -> Sequence[tuple[str, str]]:
        entries = await self.index.all(self.tenant, "CodeSystem")
        return [
            (e.url, e.version) for e in entries if e.content not in ("supplement", "not-present")
        ]

    async def _held(self, kind: Kind, url: str, version: str) -> Held | None:
        entry = (await self.index.of(self.tenant, kind, url)).get(version)
        return await self.index.held(self.tenant, kind, entry) if entry else None
