"""Definitions for the profile engine, which asks for them at once and cannot wait: what is not at
hand yet breaks off the examination, is fetched, and the examination begins again."""

from __future__ import annotations

from typing import cast

from careplane.fhir.definitions import core
from careplane.fhir.tree import Tree
from careplane.packages.catalogue import Catalogue
from careplane.packages.packages import Packages
from careplane.records.vocabulary import Index
from careplane.storage.ports.records import Tenant
from careplane.terminology.library import Kind
from careplane.terminology.versions import choose

OWN = ("StructureDefinition", "Questionnaire")
"""What a tenant may have of its own."""


_MOST = 10_000


class NotYet(Exception):
    """An artifact that has to be fetched first."""

    def __init__(self, type: str, canonical: str) -> None:
        super().__init__(type)
        self.type, self.canonical = type, canonical


class Shelf:
    """`Definitions` of one state of the packages and of a tenant's own, whose newest are of the
    times `own`; with no `index` it has none. What a canonical means stays as long as this lives.
    Types of R4 are R4's; then come the tenant's own, then the packages."""

    def __init__(
        self,
        tenant: Tenant,
        packages: Packages,
        catalogue: Catalogue,
        index: Index | None = None,
        own: tuple[int, ...] = (),
    ) -> None:
        self.state = (catalogue, own)
        self._tenant, self._packages = tenant, packages
        self._catalogue, self._index = catalogue, index
        self._held: dict[tuple[str, str], Tree | None] = {}

    @property
    def is_full(self) -> bool:
        """Whether so much was asked for, known or not, that it is better to begin anew."""
        return len(self._held) > _MOST

    def artifact(self, type: str, canonical: str) -> Tree | None:
        """What is meant, None where there is none. Raises NotYet where that is not known yet."""
        key = (type, canonical)
        if key not in self._held:
            place = core.r4().index.get(type, {}).get(canonical)
            if place is None or place.kind != "type":
                raise NotYet(type, canonical)
            self._held[key] = core.artifact(type, canonical)
        return self._held[key]

    async def fetch(self, missing: NotYet) -> None:
        """Have it at hand."""
        type, canonical = missing.type, missing.canonical
        found = await self._own(type, canonical) if type in OWN else None
        entry = self._catalogue.find(type, canonical)
        if found is None and entry is not None:
            found = await self._packages.tree(entry)
        self._held[type, canonical] = found

    async def _own(self, type: str, canonical: str) -> Tree | None:
        if self._index is None:
            return None
        kind = cast(Kind, type)  # the index keeps any type that has canonical URLs
        url, _, wanted = canonical.partition("|")
        found = await self._index.of(self._tenant, kind, url)
        version = choose(list(found), wanted)
        if version is None:
            return None
        held = await self._index.held(self._tenant, kind, found[version])
        return held.tree if held else None
