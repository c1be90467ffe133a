"""A concept map: what is mapped to what, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.terminology.library import Library
from careplane.web.pages.terminology import asked
from careplane.web.say import canonicals
from careplane.web.say.canonicals import address
from careplane.web.visit import Visit

PAGE = 100
_HERE = "/terminology/concept-map"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One code and one that it means elsewhere; `relation` is of the value set
    concept-map-equivalence. Without a target the relation says that there is none."""

    source: str
    code: str
    display: str
    relation: str
    target: str = ""
    mapped: str = ""
    mapped_display: str = ""
    comment: str = ""
    map: str = ""
    map_href: str = ""


def mappings(tree: Tree) -> Iterator[Mapping]:
    """Every mapping of a map, in its order."""
    url, version = str(tree.get("url", "")), str(tree.get("version", ""))
    title = str(tree.get("title") or tree.get("name") or url)
    href = canonicals.definition("ConceptMap", url, version)
    for group in tree.get("group", ()):
        source, target = str(group.get("source", "")), str(group.get("target", ""))
        for element in group.get("element", ()):
            code, display = str(element.get("code", "")), str(element.get("display", ""))
            targets: Sequence[Tree] = element.get("target") or ({},)
            for to in targets:
                yield Mapping(
                    source, code, display, str(to.get("equivalence", "unmatched")), target,
                    str(to.get("code", "")), str(to.get("display", "")),
                    str(to.get("comment", "")), title, href,
                )  # fmt: skip


async def show(visit: Visit) -> Response:
    """GET /terminology/concept-map?url=&version=&q=&offset=."""
    url, wanted = asked.canonical(visit)
    text, offset = asked.words(visit), asked.offset(visit)

    async def work(library: Library) -> dict[str, Any]:
        version, versions = await asked.chosen(library, "ConceptMap", url, wanted)
        resource = await library.resource("ConceptMap", url, version)
        if resource is None:
            raise NotFound("There is no such ConceptMap here any more.")
        return {"version": version, "versions": versions, "resource": resource}

    values = await visit.reader.meaning("translate", "ConceptMap", work)
    wanted_words = text.casefold().split()
    found = [one for one in mappings(values["resource"]) if _has(one, wanted_words)]
    pairs = [("url", url), ("version", values["version"]), ("q", text)]
    more = offset + PAGE < len(found)
    return visit.render(
        "terminology/map.html",
        url=url,
        q=text,
        rows=found[offset : offset + PAGE],
        total=len(found),
        others=[(one, address(_HERE, [("url", url), ("version", one)]))
                for one in values.pop("versions") if one != values["version"]],
        concept=canonicals.concept,
        definition=canonicals.definition,
        first=address(_HERE, pairs) if offset else "",
        next=address(_HERE, [*pairs, ("offset", offset + PAGE)]) if more else "",
        clear=address(_HERE, pairs[:2]),
        **values,
    )  # fmt: skip


def _has(one: Mapping, words: list[str]) -> bool:
    text = f"{one.code}\n{one.display}\n{one.mapped}\n{one.mapped_display}".casefold()
    return all(word in text for word in words)
