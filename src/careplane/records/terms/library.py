"""The tenant's own resources as a `Library`, as far as a caller may find them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from careplane.access.scopes import Permission
from careplane.fhir.tree import Tree
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.fetch import by_keys
from careplane.records.parts import Parts
from careplane.records.vocabulary import Entry, Held, Index, hold
from careplane.search.plan import Everything, Nothing
from careplane.terminology import wholes
from careplane.terminology.concepts import Concepts
from careplane.terminology.library import Kind


class TenantLibrary:
    """For one call: what it looks into stands in the audit record."""

    def __init__(self, parts: Parts, account: Account, index: Index) -> None:
        self._parts = parts
        self._account = account
        self._tenant = account.caller.tenant
        self._index = index
        self._looked: dict[tuple[Kind, str], Held | None] = {}

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        found = (await self._index.of(self._tenant, kind, url)).values()
        seen = await self._visible(kind, found)
        if kind == "ValueSet" and not seen:
            named = (await self._index.wholes(self._tenant, url)).values()
            seen = await self._visible("CodeSystem", named)
        return [entry.version for entry in seen]

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        held = await self._named(kind, url, version)
        if held is not None or kind != "ValueSet":
            return None if held is None else held.tree
        entry = (await self._index.wholes(self._tenant, url)).get(version)
        found = None if entry is None else await self._held("CodeSystem", entry)
        return None if found is None else wholes.whole(found.tree)

    async def concepts(self, url: str, version: str) -> Concepts | None:
        held = await self._named("CodeSystem", url, version)
        return None if held is None else held.concepts

    async def supplements(self, url: str) -> Sequence[Concepts]:
        entries = await self._index.all(self._tenant, "CodeSystem")
        found = [await self._held("CodeSystem", e) for e in entries if e.supplements == url]
        return [held.concepts for held in found if held is not None]

    async def maps(self, system: str) -> Sequence[Tree]:
        entries = await self._index.all(self._tenant, "ConceptMap")
        found = [await self._held("ConceptMap", e) for e in entries if system in e.systems]
        return [held.tree for held in found if held is not None]

    async def systems(self) -> Sequence[tuple[str, str]]:
        entries = [
            entry
            for entry in await self._index.all(self._tenant, "CodeSystem")
            if entry.content not in ("supplement", "not-present")
        ]
        return [(e.url, e.version) for e in await self._visible("CodeSystem", entries)]

    async def _named(self, kind: Kind, url: str, version: str) -> Held | None:
        entry = (await self._index.of(self._tenant, kind, url)).get(version)
        return None if entry is None else await self._held(kind, entry)

    async def _held(self, kind: Kind, entry: Entry) -> Held | None:
        key = (kind, entry.id)
        if key not in self._looked:
            self._looked[key] = await self._look(kind, entry)
        return self._looked[key]

    async def _look(self, kind: Kind, entry: Entry) -> Held | None:
        if self._sees_all(kind):
            held = await self._index.held(self._tenant, kind, entry)
            if held is not None:
                self._account.versions.append((kind, entry.id, entry.number))
            return held
        found = await by_keys(self._parts, self._account.caller, [(kind, entry.id)])
        self._account.saw(found)
        return hold(whole(found[0])) if found else None

    async def _visible(self, kind: Kind, entries: Iterable[Entry]) -> list[Entry]:
        known = list(entries)
        if not known or self._sees_all(kind):
            return known
        limit = self._parts.decider.restriction(self._account.caller, Permission.SEARCH, kind)
        if isinstance(limit, Nothing):
            return []
        keys = [(kind, entry.id) for entry in known]
        found = {v.id for v in await by_keys(self._parts, self._account.caller, keys)}
        return [entry for entry in known if entry.id in found]

    def _sees_all(self, kind: Kind) -> bool:
        """Whether the caller sees every resource of a type, and all of each."""
        limit = self._parts.decider.restriction(self._account.caller, Permission.SEARCH, kind)
        return self._parts.veil is None and isinstance(limit, Everything)
