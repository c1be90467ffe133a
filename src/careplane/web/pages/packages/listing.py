"""The packages that are here, a search over all that they hold, and what is in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from careplane.kernel.errors import NotFound
from careplane.web.pages.terminology import asked
from careplane.web.say import canonicals
from careplane.web.say.canonicals import address
from careplane.web.visit import Visit

if TYPE_CHECKING:
    from careplane.packages.catalogue import Catalogue, Entry, Installed

PAGE = 100


async def show(visit: Visit) -> Response:
    """GET /packages?q=&type=&offset=: the packages; with words, what is in them."""
    catalogue = await visit.packages.catalogue()
    text, type = asked.words(visit), visit.query("type")
    packages = sorted(catalogue.packages.values(), key=lambda p: (p.built_in, p.id))
    found = catalogue.search(text, type) if text or type else ()
    return visit.render(
        "packages/packages.html",
        packages=packages,
        sizes={one.id: len(catalogue.within(one.id)) for one in packages},
        pinned={one.id: _pinned(catalogue, one) for one in packages},
        package_path=canonicals.package,
        searching=bool(text or type),
        types=_types(catalogue.search()),
        **_page(visit, "/packages", found, [("q", text), ("type", type)]),
    )


async def contents(visit: Visit) -> Response:
    """GET /packages/package?id=&q=&type=&offset=: what is in one, by type."""
    catalogue = await visit.packages.catalogue()
    id = visit.query("id")
    package = catalogue.packages.get(id)
    if package is None:
        raise NotFound("There is no such package here.")
    text, type = asked.words(visit), visit.query("type")
    if text:
        found = catalogue.search(text, type, package=id)
    else:
        found = [e for e in catalogue.within(id) if type in ("", e.header.type)]
    return visit.render(
        "packages/package.html",
        package=package,
        pinned=_pinned(catalogue, package),
        needed_by=[p for p in catalogue.packages.values() if _needs(p, package)],
        package_path=canonicals.package,
        clear=canonicals.package(id),
        types=_types(catalogue.within(id)),
        **_page(visit, "/packages/package", found, [("id", id), ("q", text), ("type", type)]),
    )


def _page(
    visit: Visit, path: str, found: Iterable[Entry], pairs: list[tuple[str, str]]
) -> dict[str, Any]:
    listed = list(found)
    offset = asked.offset(visit)
    more = offset + PAGE < len(listed)
    return {
        **dict(pairs),
        "rows": [_row(entry) for entry in listed[offset : offset + PAGE]],
        "total": len(listed),
        "first": address(path, pairs) if offset else "",
        "next": address(path, [*pairs, ("offset", offset + PAGE)]) if more else "",
    }


def _row(entry: Entry) -> dict[str, str]:
    h = entry.header
    href = artifact_path(entry)
    title = h.title or h.name or h.id
    return {
        "type": h.type, "title": title, "url": h.url, "version": h.version, "of": h.of,
        "kind": h.kind, "status": h.status, "href": href, "package": entry.package.id,
    }  # fmt: skip


def artifact_path(entry: Entry) -> str:
    """The page of an artifact, in its package."""
    h = entry.header
    if h.type in ("CodeSystem", "ValueSet", "ConceptMap"):
        return canonicals.definition(h.type, h.url, h.version)
    pairs = [("type", h.type), ("url", h.url), ("version", h.version), ("id", h.id)]
    return address("/packages/artifact", [*pairs, ("package", entry.package.id)])


def _types(entries: Iterable[Entry]) -> list[tuple[str, int]]:
    return sorted(Counter(entry.header.type for entry in entries).items())


def _pinned(catalogue: Catalogue, package: Installed) -> list[tuple[str, str, str]]:
    """The dependencies: name, the range that is asked for, and the id of what was chosen; empty
    where that is not here."""
    built_in = {p.manifest.name: p.id for p in catalogue.packages.values() if p.built_in}
    found = []
    for name, wanted in sorted(package.manifest.dependencies.items()):
        id = f"{name}#{package.pins.get(name)}"
        found.append((name, wanted, id if id in catalogue.packages else built_in.get(name, "")))
    return found


def _needs(one: Installed, other: Installed) -> bool:
    return one.pins.get(other.manifest.name) == other.manifest.version
