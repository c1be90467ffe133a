"""Which code systems, value sets and concept maps there are, wherever they are kept.

A library is one place: resources sent along with a request, those of the tenant, large
terminologies that were loaded, packages, what R4 ships. `Shelves` are several, and the earlier ones
win. Choosing among versions is no matter of theirs: operations do that (`versions.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concepts

Kind = Literal["CodeSystem", "ValueSet", "ConceptMap"]


class Library(Protocol):
    """Versions are as they are written, empty where a resource has none. Trees are the library's
    own: nobody changes them."""

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        """The versions of one canonical that are here, in any order; supplements have their own
        canonical and are among them."""

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        """One resource. That of a large code system may lack its concepts."""

    async def concepts(self, url: str, version: str) -> Concepts | None:
        """The contents of one version of a code system."""

    async def supplements(self, url: str) -> Sequence[Concepts]:
        """The supplements of a code system, whatever version of it they name."""

    async def maps(self, system: str) -> Sequence[Tree]:
        """The concept maps that have a group from or to a code system."""

    async def systems(self) -> Sequence[tuple[str, str]]:
        """The url and version of each code system, sorted; no supplements."""


class Shelves:
    """Several libraries; what stands in an earlier one hides the same version in a later one."""

    def __init__(self, *libraries: Library) -> None:
        self._libraries = libraries

    async def versions(self, kind: Kind, url: str) -> Sequence[str]:
        found: dict[str, None] = {}
        for library in self._libraries:
            found |= dict.fromkeys(await library.versions(kind, url))
        return list(found)

    async def resource(self, kind: Kind, url: str, version: str) -> Tree | None:
        for library in self._libraries:
            if (found := await library.resource(kind, url, version)) is not None:
                return found
        return None

    async def concepts(self, url: str, version: str) -> Concepts | None:
        for library in self._libraries:
            if (found := await library.concepts(url, version)) is not None:
                return found
        return None

    async def supplements(self, url: str) -> Sequence[Concepts]:
        found: dict[str, Concepts] = {}
        for library in self._libraries:
            for one in await library.supplements(url):
                found.setdefault(one.about.canonical, one)
        return list(found.values())

    async def maps(self, system: str) -> Sequence[Tree]:
        found: dict[tuple[str, str], Tree] = {}
        for library in self._libraries:
            for one in await library.maps(system):
                found.setdefault((one.get("url", ""), one.get("version", "")), one)
        return list(found.values())

    async def systems(self) -> Sequence[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for library in self._libraries:
            found.update(await library.systems())
        return sorted(found)
