"""What a resource is held against when it is validated, as far as the caller may find it: the
questionnaire of a response, the measure of a report, the libraries of a measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.fetch import by_query
from careplane.records.parts import Parts
from careplane.search.plan import Query, SortBy, SortKey, Uri, UriMode
from careplane.search.rows import Param

_NAMED: Final[Mapping[str, tuple[str, str]]] = {
    "QuestionnaireResponse": ("questionnaire", "Questionnaire"),
    "MeasureReport": ("measure", "Measure"),
    "Measure": ("library", "Library"),
}
"""Type -> the element that names a companion, and of which type that is."""
_MOST: Final = 50
"""Companions of one Bundle that are looked up."""
_VERSIONS: Final = 100
"""Of one companion, those written last."""
_NEWEST: Final = SortKey(Param("Resource._lastUpdated"), SortBy.UPDATED, descending=True)


async def companions(parts: Parts, account: Account, tree: Tree) -> dict[str, Tree]:
    """By their canonicals, with or without a version; of several, what was written last, and what
    a package has where nobody has written any."""
    held: dict[str, Tree] = {}
    for type, canonical in list(dict.fromkeys(_named(tree)))[:_MOST]:
        found = await _stored(parts, account, type, canonical)
        if found is None and parts.profiles is not None:
            found = await parts.profiles.artifact(type, canonical)
        if found is not None:
            held[canonical] = found
    return held


async def _stored(parts: Parts, account: Account, type: str, canonical: str) -> Tree | None:
    url, _, version = canonical.partition("|")
    where = Uri(Param(f"{type}.url"), UriMode.EXACT, (url,))
    query = Query(frozenset({type}), where, sort=(_NEWEST,))
    newest = await by_query(parts, account.caller, query, _VERSIONS)
    for one in sorted(newest, key=lambda version: version.t, reverse=True):
        found = json.parse(whole(one))
        if not version or found.get("version") == version:
            account.saw([one])
            return found
    return None


def _named(tree: Any) -> Iterator[tuple[str, str]]:
    """Type and canonical of each, of a resource and of those in a Bundle."""
    entries = tree.get("entry") if tree.get("resourceType") == "Bundle" else None
    found = [e.get("resource") for e in entries if isinstance(e, dict)] if entries else []
    for one in (tree, *found):
        if not isinstance(one, dict) or str(one.get("resourceType")) not in _NAMED:
            continue
        element, type = _NAMED[one["resourceType"]]
        value = one.get(element)
        for url in value if isinstance(value, list) else [value]:
            if isinstance(url, str) and not url.startswith("#"):
                yield type, url
