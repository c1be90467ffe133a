"""A code system: what it says of itself, its concepts by text, and its hierarchy, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from careplane.kernel.errors import Incorrect, Unsupported
from careplane.terminology.concepts import Concept, Concepts, Selection
from careplane.terminology.library import Library
from careplane.web.definitions.branches import MOST_OPEN, Branch, branches, roots
from careplane.web.pages.terminology import asked
from careplane.web.say import canonicals
from careplane.web.say.canonicals import address
from careplane.web.visit import Visit

PAGE = 50
_HERE = "/terminology/code-system"


async def show(visit: Visit) -> Response:
    """GET /terminology/code-system?url=&version=&q=&open=&after=&inactive=. Every `open` is a code
    whose children are shown."""
    url, wanted = asked.canonical(visit)
    text, after = asked.words(visit), visit.query("after")
    inactive = "true" if visit.query("inactive") == "true" else ""
    opened = tuple(dict.fromkeys(visit.request.query_params.getlist("open")))[-MOST_OPEN:]

    async def work(library: Library) -> dict[str, Any]:
        version, versions = await asked.chosen(library, "CodeSystem", url, wanted)
        resource = await library.resource("CodeSystem", url, version)
        concepts = await library.concepts(url, version)
        values: dict[str, Any] = {"version": version, "versions": versions, "problem": ""}
        values |= {"resource": resource or {}, "about": concepts.about if concepts else None}
        values |= {"found": [], "tree": (), "total": 0, "after": ""}
        if concepts is None:
            return values
        try:
            return values | await _contents(
                concepts, text, after, frozenset(opened), inactive=bool(inactive)
            )
        except (Incorrect, Unsupported) as error:
            return values | {"problem": error.text}

    values = await visit.reader.meaning("lookup", "CodeSystem", work)
    version = values["version"]
    pairs = [("url", url), ("version", version), ("q", text), ("inactive", inactive)]
    next = [*pairs, ("after", values["after"]), *(("open", code) for code in opened)]

    def toggled(branch: Branch) -> str:
        """The address with a node opened or closed, its place in view."""
        code = branch.concept.code
        codes = [one for one in opened if one != code]
        codes += [] if branch.is_open else [code]
        again = [*pairs, ("after", after), *(("open", one) for one in codes)]
        return address(_HERE, again)

    return visit.render(
        "terminology/system.html",
        url=url,
        q=text,
        others=[(one, address(_HERE, [("url", url), ("version", one)]))
                for one in values.pop("versions") if one != version],
        toggled=toggled,
        concept=lambda code: canonicals.concept(url, version, code),
        definition=canonicals.definition,
        inactive=inactive,
        turned=address(_HERE, [*pairs[:2], ("inactive", "" if inactive else "true")]),
        first=address(_HERE, pairs) if after else "",
        next=address(_HERE, next) if values["after"] else "",
        clear=address(_HERE, pairs[:2]),
        **values,
    )  # fmt: skip


async def _contents(
    concepts: Concepts, text: str, after: str, opened: frozenset[str], *, inactive: bool
) -> dict[str, Any]:
    if text:
        found = await concepts.select(Selection(text=text), after=after, limit=PAGE + 1)
        return {"found": found[:PAGE], "after": _last(found), "total": None}
    listed = await roots(concepts, after, PAGE + 1, inactive=inactive)
    tree = await branches(concepts, listed[:PAGE], opened)
    total = await concepts.count(Selection())
    return {"tree": tree, "after": _last(listed), "total": total}


def _last(found: Sequence[Concept]) -> str:
    """Behind which code the next page begins; nothing where there is none."""
    return found[PAGE - 1].code if len(found) > PAGE else ""
