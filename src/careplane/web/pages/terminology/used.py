"""Where codes and value sets are used. Looking is bounded; a page says how far it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from careplane.kernel.errors import CareplaneError
from careplane.terminology.coded import Coding
from careplane.terminology.compose import compose
from careplane.terminology.library import Library
from careplane.terminology.membership import Membership
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope
from careplane.web.definitions import elements
from careplane.web.say import canonicals
from careplane.web.visit import Visit

MOST_SETS = 60
MOST_DEFINITIONS = 60
_OWN = 30


@dataclass(frozen=True, slots=True)
class Named:
    """An artifact. `url` is without its version."""

    type: str
    title: str
    url: str
    version: str = ""

    @property
    def href(self) -> str:
        return canonicals.definition(self.type, self.url, self.version)


@dataclass(frozen=True, slots=True)
class Binding:
    """An element that is bound to a value set."""

    definition: Named
    element: str
    strength: str


async def candidates(visit: Visit, system: str) -> list[Named]:
    """The value sets that refer to a code system: an institution's own, then those of packages."""
    found: dict[str, Named] = {}
    if visit.offers("ValueSet"):
        page = await visit.reader.glance("ValueSet", [("reference", system), ("_count", str(_OWN))])
        for tree in page.trees:
            url = str(tree.get("url", ""))
            title = str(tree.get("title") or tree.get("name") or url)
            found[url] = Named("ValueSet", title, url, str(tree.get("version", "")))
    for one in await users(visit, system, "ValueSet"):
        found.setdefault(one.url, one)
    found.pop("", None)
    return list(found.values())


async def users(visit: Visit, url: str, type: str = "") -> list[Named]:
    """The artifacts of packages that refer to a URL."""
    entries = await visit.packages.users(url)
    headers = (entry.header for entry in entries if type in ("", entry.header.type))
    return [Named(h.type, h.title or h.name or h.id, h.url, h.version) for h in headers]


async def members(
    library: Library, sets: Sequence[Named], system: str, version: str, code: str
) -> list[Named]:
    """Those of the value sets that have a code; one that cannot be told of is left out."""
    scope = Scope(library, Options())
    found = []
    for one in sets[:MOST_SETS]:
        try:
            tree = await scope.value_set(one.url, one.version)
            if tree is None:
                continue
            composed = await compose(scope, tree)
            if (await Membership(scope).of(composed, Coding(system, version, code))).member:
                found.append(one)
        except CareplaneError:
            continue  # it imports what is not here
    return found


async def bindings(visit: Visit, value_sets: Sequence[str]) -> list[Binding]:
    """The elements of definitions in packages that are bound to one of some value sets."""
    found: list[Binding] = []
    left = MOST_DEFINITIONS
    for url in value_sets:
        for entry in await visit.packages.users(url):
            if entry.header.type != "StructureDefinition":
                continue
            left -= 1
            tree = await visit.packages.tree(entry) if left >= 0 else None
            h = entry.header
            named = Named(h.type, h.title or h.name or h.id, h.url, h.version)
            for element, strength in elements.bindings(tree or {}, url):
                found.append(Binding(named, element, strength))
    return found
