"""One call's view of the library: which version of a resource is meant, with which supplements.

Within a call everything is looked up once, so that an answer is of one state of the library, and
its time is bounded by how much it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concepts
from careplane.terminology.findings import Missing
from careplane.terminology.library import Library
from careplane.terminology.messages import say
from careplane.terminology.options import Options
from careplane.terminology.supplemented import Supplemented
from careplane.terminology.versions import choose, joined, matches, split

FORCE, DEFAULT, CHECK = "force-system-version", "system-version", "check-system-version"
_HELD = ("complete", "fragment", "example")
_SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which version of a code system an include asks for. `rule` is the name of the parameter that
    decided, empty where the include itself did; `written` is what it says."""

    system: str
    version: str
    written: str
    rule: str = ""


class Scope:
    """A library, and the options of one call."""

    def __init__(self, library: Library, options: Options) -> None:
        self.library = library
        self.options = options
        self.supplements: dict[str, list[Concepts]] = {}
        self._versions: dict[str, Sequence[str]] = {}
        self._concepts: dict[tuple[str, str], Concepts | None] = {}

    async def value_set(self, canonical: str, version: str = "") -> Tree | None:
        """A value set by canonical, of the version that is named there, or by the parameter for it,
        or the newest."""
        url, named = split(canonical)
        wanted = version or named or self.options.value_sets.get(url, "")
        found = choose(await self.library.versions("ValueSet", url), wanted)
        return None if found is None else await self.library.resource("ValueSet", url, found)

    async def versions(self, system: str) -> Sequence[str]:
        """The versions of a code system whose concepts are here, sorted."""
        if system not in self._versions:
            found = sorted(await self.library.versions("CodeSystem", system))
            self._versions[system] = [v for v in found if await self._content(system, v) in _HELD]
        return self._versions[system]

    def wanted(self, system: str, written: str) -> Wanted:
        """What an include asks for: what it says, unless a parameter decides."""
        forced = self.options.rule(FORCE, system)
        if forced:
            return Wanted(system, forced, written, FORCE)
        for rule in () if written else (DEFAULT, CHECK):
            if version := self.options.rule(rule, system):
                return Wanted(system, version, written, rule)
        return Wanted(system, written, written)

    def allowed(self, system: str, version: str) -> str:
        """The pattern that a version has to fulfil and does not; nothing where all is well."""
        pattern = self.options.rule(CHECK, system)
        return pattern if pattern and not matches(version, pattern) else ""

    async def concepts(self, system: str, version: str) -> Concepts | None:
        """The contents of one version, with the supplements that were asked for."""
        key = (system, version)
        if key not in self._concepts:
            found = await self.library.concepts(system, version)
            added = self.supplements.get(system)
            self._concepts[key] = Supplemented(found, added) if found and added else found
        return self._concepts[key]

    async def chosen(self, system: str, wanted: str = "") -> Concepts | None:
        """The contents of the version that is wanted, or of the newest."""
        version = choose(await self.versions(system), wanted)
        return None if version is None else await self.concepts(system, version)

    async def supplement(self, value_set: Tree | None = None) -> None:
        """Find the supplements that the call and a value set ask for. Raises Missing."""
        named = list(self.options.supplements)
        for extension in () if value_set is None else value_set.get("extension", ()):
            if extension.get("url") == _SUPPLEMENT:
                named.append(str(extension.get("valueCanonical", "")))
        for canonical in dict.fromkeys(named):
            url, wanted = split(canonical)
            version = choose(await self.library.versions("CodeSystem", url), wanted)
            found = None if version is None else await self.library.concepts(url, version)
            if found is None or found.about.content != "supplement":
                raise Missing(say("VALUESET_SUPPLEMENT_MISSING", supplement=canonical))
            of = split(found.about.supplements)[0]
            self.supplements.setdefault(of, []).append(found)

    def supplements_of(self, system: str) -> list[str]:
        """The canonicals of the supplements that are used for a code system."""
        return [one.about.canonical for one in self.supplements.get(system, ())]

    async def supplement_of_itself(self, system: str) -> str:
        """The canonical of a supplement that has this url, where it is no code system."""
        for version in await self.library.versions("CodeSystem", system):
            if await self._content(system, version) == "supplement":
                return joined(system, version)
        return ""

    async def _content(self, system: str, version: str) -> str:
        found = await self.library.concepts(system, version)
        return "" if found is None else found.about.content
