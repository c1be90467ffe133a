"""A value set: what it is made of, the codes that it has, and where it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import CareplaneError, Fault, NotFound
from careplane.kernel.ids import new_id
from careplane.terminology.expand import Stamp, expand
from careplane.terminology.library import Library
from careplane.terminology.options import options
from careplane.terminology.scope import Scope
from careplane.web.pages.terminology import asked, used
from careplane.web.say import canonicals
from careplane.web.say.canonicals import address
from careplane.web.visit import Visit

PAGE = 100
_HERE = "/terminology/value-set"
_CODES = 5
"""Codes of an include that are named; the expansion has them all."""


@dataclass(frozen=True, slots=True)
class Part:
    """An include or exclude, in few words."""

    excluded: bool
    system: str
    version: str
    codes: tuple[str, ...]
    more: int
    filters: tuple[str, ...]
    sets: tuple[str, ...]


async def show(visit: Visit) -> Response:
    """GET /terminology/value-set?url=&version=&q=&offset=."""
    url, wanted = asked.canonical(visit)
    text, offset = asked.words(visit), asked.offset(visit)
    stamp = Stamp(f"urn:uuid:{new_id()}", format_instant(visit.web.clock()))

    async def work(library: Library) -> dict[str, Any]:
        version, versions = await asked.chosen(library, "ValueSet", url, wanted)
        resource = await library.resource("ValueSet", url, version)
        if resource is None:
            raise NotFound("There is no such ValueSet here any more.")
        values = {"version": version, "versions": versions, "resource": resource}
        asks: list[tuple[str, object]] = [("count", PAGE), ("offset", offset)]
        asks += [("filter", text)] if text else []
        try:
            scope = Scope(library, options(asks, visit.language))
            expanded = await expand(scope, resource, stamp)
        except Fault:
            raise
        except CareplaneError as error:
            return values | {"problem": error.text, "rows": [], "total": None}
        expansion = expanded["expansion"]
        rows = expansion.get("contains", [])
        return values | {"problem": "", "rows": rows, "total": expansion.get("total")}

    values = await visit.reader.meaning("expand", "ValueSet", work)
    pairs = [("url", url), ("version", values["version"]), ("q", text)]
    total, rows = values["total"], values["rows"]
    more = offset + len(rows) < total if total is not None else len(rows) == PAGE
    others = [one for one in await used.users(visit, url) if one.type != "StructureDefinition"]
    return visit.render(
        "terminology/value_set.html",
        url=url,
        q=text,
        parts=list(_parts(values["resource"])),
        others=[(one, address(_HERE, [("url", url), ("version", one)]))
                for one in values.pop("versions") if one != values["version"]],
        bound=await used.bindings(visit, [url]),
        users=others,
        concept=canonicals.concept,
        definition=canonicals.definition,
        first=address(_HERE, pairs) if offset else "",
        next=address(_HERE, [*pairs, ("offset", offset + PAGE)]) if more else "",
        clear=address(_HERE, pairs[:2]),
        **values,
    )  # fmt: skip


def _parts(tree: Tree) -> Iterator[Part]:
    compose = tree.get("compose") or {}
    for name in ("include", "exclude"):
        for one in compose.get(name, ()):
            codes = [str(concept.get("code", "")) for concept in one.get("concept", ())]
            filters = (f"{f.get('property')} {f.get('op')} {f.get('value')}"
                       for f in one.get("filter", ()))  # fmt: skip
            yield Part(
                name == "exclude",
                str(one.get("system", "")),
                str(one.get("version", "")),
                tuple(codes[:_CODES]),
                max(len(codes) - _CODES, 0),
                tuple(filters),
                tuple(map(str, one.get("valueSet", ()))),
            )
