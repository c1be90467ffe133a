"""A concept: how it is called, what is said of it, what is above and below, what it means elsewhere
and where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from careplane.kernel.errors import NotFound
from careplane.terminology.concepts import Concept, Concepts, Property
from careplane.terminology.library import Library
from careplane.web.definitions.branches import MOST_OPEN
from careplane.web.pages.terminology import asked, used
from careplane.web.pages.terminology.maps import Mapping, mappings
from careplane.web.say import canonicals
from careplane.web.say.canonicals import address
from careplane.web.say.elements import say
from careplane.web.visit import Visit

PAGE = 100
_MAPPINGS = 100
_HERE = "/terminology/concept"


@dataclass(frozen=True, slots=True)
class Said:
    """A property; `href` where its value is a concept that is here."""

    name: str
    value: str
    href: str = ""


async def show(visit: Visit) -> Response:
    """GET /terminology/concept?system=&version=&code=&offset=; `offset` is among the children."""
    system, wanted = asked.canonical(visit, "system")
    code, offset = visit.request.query_params.get("code", ""), asked.offset(visit)
    candidates = await used.candidates(visit, system)

    async def work(library: Library) -> dict[str, Any]:
        version, versions = await asked.chosen(library, "CodeSystem", system, wanted)
        concepts = await library.concepts(system, version)
        concept = await concepts.find(code) if concepts else None
        if concepts is None or concept is None:
            raise NotFound("The code system has no such code here.")
        children = await concepts.children(concept.code)
        shown = await concepts.many(children[offset : offset + PAGE])
        above = await concepts.many(concept.parents)
        ancestors = await concepts.ancestors(concept.code)
        return {
            "version": version,
            "versions": versions,
            "about": concepts.about,
            "concept": concept,
            "properties": await _properties(concepts, concept, version),
            "parents": list(above.values()),
            "ancestors": list(reversed(ancestors[:MOST_OPEN])),
            "children": [shown[one] for one in children[offset : offset + PAGE] if one in shown],
            "total": len(children),
            **await _mapped(library, system, concept.code),
            "members": await used.members(library, candidates, system, version, concept.code),
        }

    values = await visit.reader.meaning("lookup", "CodeSystem", work)
    version = values["version"]
    pairs = [("system", system), ("version", version), ("code", values["concept"].code)]
    opened = [("open", one) for one in values.pop("ancestors")]
    tree = [("url", system), ("version", version), *opened]
    more = offset + PAGE < values["total"]
    return visit.render(
        "terminology/concept.html",
        system=system,
        path=lambda one: canonicals.concept(system, version, one),
        elsewhere=canonicals.concept,
        structure=canonicals.structure,
        system_path=canonicals.definition("CodeSystem", system, version),
        tree_path=address("/terminology/code-system", tree) if opened else "",
        looked=min(len(candidates), used.MOST_SETS),
        candidates=len(candidates),
        bound=await used.bindings(visit, [one.url for one in values["members"]]),
        first=address(_HERE, pairs) if offset else "",
        next=address(_HERE, [*pairs, ("offset", offset + PAGE)]) if more else "",
        **values,
    )


async def _properties(concepts: Concepts, concept: Concept, version: str) -> list[Said]:
    """What it says of itself; what is above and below has its own place."""
    url = concepts.about.url
    shown = [one for one in concept.properties if one.code not in ("parent", "child")]
    codes = [str(one.value) for one in shown if one.type == "code"]
    known = await concepts.many(codes)
    found = []
    for one in shown:
        text = _text(one)
        if one.type == "code" and text in known:
            other = known[text]
            href = canonicals.concept(url, version, other.code)
            found.append(Said(one.code, f"{other.code} {other.display}".strip(), href))
        elif one.type == "Coding" and isinstance(one.value, dict):
            value = one.value
            href = canonicals.concept(str(value.get("system", "")), "", str(value.get("code", "")))
            found.append(Said(one.code, text, href if value.get("system") else ""))
        else:
            found.append(Said(one.code, text))
    return found


def _text(one: Property) -> str:
    if isinstance(one.value, bool):
        return "true" if one.value else "false"
    return say(one.type, one.value) or str(one.value)


async def _mapped(library: Library, system: str, code: str) -> dict[str, Any]:
    """The concept in maps: as what is mapped, and as what something is mapped to."""
    to: list[Mapping] = []
    by: list[Mapping] = []
    for tree in await library.maps(system):
        for one in mappings(tree):
            if one.source == system and one.code == code:
                to.append(one)
            if one.target == system and one.mapped == code:
                by.append(one)
    return {"maps_to": _bounded(to), "mapped_by": _bounded(by)}


def _bounded(found: Sequence[Mapping]) -> list[Mapping]:
    return list(found[:_MAPPINGS])
