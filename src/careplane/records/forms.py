"""The questionnaires of responses that are validated: those that the caller may find, and those of
packages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.fhir.validation import Resolve
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.fetch import by_query
from careplane.records.parts import Parts
from careplane.search.plan import Query, SortBy, SortKey, Uri, UriMode
from careplane.search.rows import Param

_TYPE: Final = "Questionnaire"
_RESPONSE: Final = "QuestionnaireResponse"
_MOST: Final = 50
"""Questionnaires of one Bundle that are looked up."""
_VERSIONS: Final = 100
"""Of one questionnaire, those written last."""
_NEWEST: Final = SortKey(Param("Resource._lastUpdated"), SortBy.UPDATED, descending=True)


async def questionnaires(parts: Parts, account: Account, tree: Tree) -> Resolve:
    """What finds them by their canonicals, with or without a version; of several, what was written
    last."""
    held: dict[str, Tree] = {}
    for canonical in list(dict.fromkeys(_canonicals(tree)))[:_MOST]:
        url, _, version = canonical.partition("|")
        where = Uri(Param(f"{_TYPE}.url"), UriMode.EXACT, (url,))
        query = Query(frozenset({_TYPE}), where, sort=(_NEWEST,))
        for one in await by_query(parts, account.caller, query, _VERSIONS):
            found = json.parse(whole(one))
            if not version or found.get("version") == version:
                account.saw([one])
                held[canonical] = found
                break
        else:
            packaged = parts.profiles and await parts.profiles.artifact(_TYPE, canonical)
            if packaged:
                held[canonical] = packaged
    return held.get


def _canonicals(tree: Any) -> Iterator[str]:
    """Of a response, and of those in a Bundle."""
    entries = tree.get("entry") if tree.get("resourceType") == "Bundle" else None
    inside = [e.get("resource") for e in entries or () if isinstance(e, dict)]
    for one in (tree, *inside):
        if isinstance(one, dict) and one.get("resourceType") == _RESPONSE:
            url = one.get("questionnaire")
            if isinstance(url, str) and not url.startswith("#"):
                yield url
