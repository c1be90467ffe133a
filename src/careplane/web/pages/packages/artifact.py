"""One artifact: a StructureDefinition as the tree of its snapshot, any other as an outline, and
where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from careplane.fhir.codec import json
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, NotFound
from careplane.web.chart.outline import outline
from careplane.web.definitions import elements
from careplane.web.pages.packages.listing import artifact_path
from careplane.web.pages.terminology.used import users
from careplane.web.say import canonicals
from careplane.web.say.canonicals import address
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit

if TYPE_CHECKING:
    from careplane.packages.catalogue import Entry

_USERS = 300
_VIEWS = ("all", "differences")
_STRUCTURE = "StructureDefinition"


async def show(visit: Visit) -> Response:
    """GET /packages/artifact?type=&url=&version=&package=&view=."""
    entry, tree = await _found(visit)
    type, url = str(tree["resourceType"]), str(tree.get("url", ""))
    found = await users(visit, url) if url else []
    pairs = [(name, visit.query(name)) for name in ("type", "url", "version", "id", "package")]
    values: dict[str, Any] = {
        "tree": tree,
        "type": type,
        "url": url,
        "package": entry.package.id if entry else "",
        "package_path": canonicals.package,
        "users": found[:_USERS],
        "used": len(found),
        "raw": address("/packages/artifact/json", pairs),
        "versions": await _versions(visit, entry),
    }
    if type != _STRUCTURE:
        return visit.render("packages/artifact.html", nodes=outline(tree), **values)
    view = visit.query("view") or "all"
    if view not in _VIEWS:
        raise Incorrect("A view is 'all' or 'differences'.")
    rows, problem = await _rows(visit, tree)
    base = str(tree.get("baseDefinition", ""))
    return visit.render(
        "packages/structure.html",
        rows=elements.differences(rows) if view == "differences" else rows,
        problem=problem,
        view=view,
        views={one: address("/packages/artifact", [*pairs, ("view", one)]) for one in _VIEWS},
        base=elements.Link(base, canonicals.structure(base)) if base else None,
        check=address("/validator", [("profile", url)]),
        may_check=str(tree.get("kind")) == "resource" and not tree.get("abstract"),
        **values,
    )


async def raw(visit: Visit) -> Response:
    """GET /packages/artifact/json: the artifact as FHIR JSON, to keep."""
    _, tree = await _found(visit)
    name = f"{tree['resourceType']}-{tree.get('id', 'artifact')}"
    kept = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-."))[:100]
    headers = {"Content-Disposition": f'attachment; filename="{kept}.json"'}
    return Response(
        json.pretty(json.dump(tree)),
        media_type="application/fhir+json",
        headers=HEADERS | PRIVATE | headers,
    )


async def _found(visit: Visit) -> tuple[Entry | None, Tree]:
    """The artifact of a package, or an institution's own StructureDefinition. Raises NotFound."""
    type, url, id = visit.query("type"), visit.query("url"), visit.query("id")
    url, _, named = url.partition("|")
    version = visit.query("version") or named
    catalogue = await visit.packages.catalogue()
    entries = catalogue.versions(type, url)
    package = visit.query("package")
    if package:
        entries = [e for e in entries if e.package.id == package and id in ("", e.header.id)]
    entry = next((e for e in entries if version in ("", e.header.version)), None)
    if entry is None and not package:
        entry = catalogue.find(type, f"{url}|{version}" if version else url)
    if entry is not None and (tree := await visit.packages.tree(entry)) is not None:
        return entry, tree
    if type == _STRUCTURE and url and is_resource(type) and visit.offers(type):
        page = await visit.reader.glance(type, [("url", url)])
        own = [one for one in page.trees if version in ("", one.get("version", ""))]
        if own:
            return None, own[0]
    raise NotFound("There is no such artifact in the packages that are here.")


async def _versions(visit: Visit, entry: Entry | None) -> list[tuple[str, str, str]]:
    """The same artifact in other packages: version, package, and where it is shown."""
    if entry is None or not entry.header.url:
        return []
    catalogue = await visit.packages.catalogue()
    every = catalogue.versions(entry.header.type, entry.header.url)
    return [
        (one.header.version, one.package.id, artifact_path(one)) for one in every if one != entry
    ]


async def _rows(visit: Visit, tree: Tree) -> tuple[list[elements.Row], str]:
    """The elements, and why there are none."""
    stated = (tree.get("snapshot") or {}).get("element")
    try:
        made, changed = await _grown(visit, tree)
    except Incorrect as error:
        return elements.rows(stated or (), {}), error.text
    return elements.rows(stated or made, elements.changes(changed)), ""


async def _grown(visit: Visit, tree: Tree) -> tuple[list[Tree], list[elements.Change]]:
    """The snapshot of a definition and what it changes of its base. Raises Invalid."""
    from careplane.fhir.profiles import Snapshots  # with the first profile
    from careplane.fhir.profiles import elements as listed
    from careplane.records.profiles.shelf import NotYet, Shelf

    if tree.get("derivation") != "constraint":
        return (tree.get("snapshot") or tree.get("differential") or {}).get("element", []), []
    assert visit.caller is not None
    shelf = Shelf(visit.caller.tenant, visit.packages, await visit.packages.catalogue())
    while True:
        try:
            spot, changed = Snapshots(shelf).grown(tree)
            return list(listed(spot)), changed
        except NotYet as missing:
            await shelf.fetch(missing)
