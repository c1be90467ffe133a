"""The library of code systems with a grammar: the catalogue of `grammars`."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concepts
from careplane.terminology.grammars.countries import countries
from careplane.terminology.grammars.grammar import Grammar
from careplane.terminology.grammars.language_tags import language_tags
from careplane.terminology.grammars.media_types import media_types
from careplane.terminology.grammars.units import units
from careplane.terminology.library import Kind

CATALOGUE = (countries, language_tags, media_types, units)


class GrammarLibrary:
    """`Library` of them. They have no resources, so there is nothing but concepts."""

    def __init__(self) -> None:
        made = [make() for make in CATALOGUE]
        self._made: dict[str, Grammar] = {one.about.url: one for one in made}

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        if kind != "CodeSystem" or url not in self._made:
            return ()
        return (self._made[url].about.version,)

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        return None

    async def concepts(self, url: str, version: str) -> Concepts | None:
        found = self._made.get(url)
        return found if found is not None and found.about.version == version else None

    async def supplements(self, url: str) -> Sequence[Concepts]:
        return ()

    async def maps(self, system: str) -> Sequence[Tree]:
        return ()

    async def systems(self) -> Sequence[tuple[str, str]]:
        return sorted((one.about.url, one.about.version) for one in self._made.values())
