"""Which code systems, value sets and concept maps there are: an institution's own, loaded ones, and
those of packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.terminology.library import Kind, Library
from careplane.web.i18n import mark
from careplane.web.pages.terminology import asked
from careplane.web.say.canonicals import address, definition
from careplane.web.visit import Visit

if TYPE_CHECKING:
    from careplane.packages.catalogue import Catalogue, Entry

PAGE = 50
_OTHERS = 500
"""Code systems of no package that are looked at."""
_OWN = 200
"""Value sets and concept maps of the institution that are looked at."""
KINDS: dict[str, tuple[Kind, str]] = {
    "code-systems": ("CodeSystem", mark("Code systems")),
    "value-sets": ("ValueSet", mark("Value sets")),
    "concept-maps": ("ConceptMap", mark("Concept maps")),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One resource. `origin` is the id of its package, empty where it is of none; `note` says of a
    code system how much of it is here."""

    title: str
    url: str
    version: str
    href: str
    status: str = ""
    origin: str = ""
    note: str = ""


async def show(visit: Visit) -> Response:
    """GET /terminology?kind=&q=&offset=."""
    name = visit.query("kind") or "code-systems"
    if name not in KINDS:
        raise NotFound("There are code systems, value sets and concept maps.")
    kind, text, offset = KINDS[name][0], asked.words(visit), asked.offset(visit)
    catalogue = await visit.packages.catalogue()
    found = catalogue.search(text, kind)
    own, is_cut = ([], False) if offset else await _own(visit, catalogue, kind, text)
    pairs = [("kind", name), ("q", text)]
    more = offset + PAGE < len(found)
    return visit.render(
        "terminology/search.html",
        kind=name,
        kinds={key: title for key, (_, title) in KINDS.items()},
        q=text,
        own=own,
        rest=f"/records/{kind}" if is_cut else "",
        rows=[_row(entry) for entry in found[offset : offset + PAGE]],
        total=len(found),
        here_path="/terminology",
        first=address("/terminology", pairs) if offset else "",
        next=address("/terminology", [*pairs, ("offset", offset + PAGE)]) if more else "",
    )


def _row(entry: Entry) -> Row:
    h = entry.header
    href = definition(h.type, h.url, h.version)
    title = h.title or h.name or h.id
    return Row(title, h.url, h.version, href, h.status, entry.package.id, h.kind)


async def _own(visit: Visit, catalogue: Catalogue, kind: Kind, text: str) -> tuple[list[Row], bool]:
    """What is in no package, and whether there is more than was looked at."""
    if kind == "CodeSystem":
        return await _systems(visit, catalogue, text)
    if not visit.offers(kind):
        return [], False
    page = await visit.reader.glance(kind, [("_count", str(_OWN)), ("_sort", "title")])
    rows = [_of_tree(kind, tree) for tree in page.trees if tree.get("url")]
    return _with(rows, text), page.next is not None


def _of_tree(kind: Kind, tree: Tree) -> Row:
    url, version = str(tree["url"]), str(tree.get("version", ""))
    title = str(tree.get("title") or tree.get("name") or url)
    href = definition(kind, url, version)
    return Row(title, url, version, href, str(tree.get("status", "")))


async def _systems(visit: Visit, catalogue: Catalogue, text: str) -> tuple[list[Row], bool]:
    async def work(library: Library) -> dict[str, Any]:
        rows = []
        systems = await library.systems()
        others = [one for one in systems if not _is_packaged(catalogue, *one)]
        for url, version in others[:_OTHERS]:
            concepts = await library.concepts(url, version)
            if concepts is not None:
                about = concepts.about
                href = definition("CodeSystem", url, version)
                title = about.title or about.name or url
                rows.append(Row(title, url, version, href, about.status, note=about.content))
        return {"rows": rows, "is_cut": len(others) > _OTHERS}

    found = await visit.reader.meaning("lookup", "CodeSystem", work)
    return _with(cast(list[Row], found["rows"]), text), found["is_cut"]


def _with(rows: Sequence[Row], text: str) -> list[Row]:
    """Those that have every word. They are sought here and not by a search, since the words of a
    search stand in the audit trail."""
    wanted = text.casefold().split()
    named = ((row, f"{row.title}\n{row.url}".casefold()) for row in rows)
    return [row for row, name in named if all(word in name for word in wanted)]


def _is_packaged(catalogue: Catalogue, url: str, version: str) -> bool:
    found = catalogue.versions("CodeSystem", url)
    return any(entry.header.version == version for entry in found)
