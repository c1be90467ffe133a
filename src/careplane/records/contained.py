"""A search for contained resources: containers come from the index, page by page, and what they
contain is matched here (FHIR R4, 3.1.1.5.7; docs/decisions/0016)."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.fhir import structs
from careplane.fhir.codec import json
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.notices import notices
from careplane.records.parts import Parts
from careplane.records.results import Found, Inside, Version
from careplane.records.veil.veiled import truth
from careplane.search.contained import Contained, ContainedType, containing, matching
from careplane.search.parse import Search
from careplane.search.plan import Keys, OfType, Query, all_of, any_of
from careplane.storage.ports.records import Key

MOST_LOOKED = 5_000
"""Containers that one page looks at; what is behind them is on the next."""
_TURN = 20


def candidates(asked: Search) -> Search:
    """The search for what may be in the answer: all containers of the types asked for."""
    query = asked.query
    where = containing(query.types)
    if asked.contained is Contained.BOTH:
        where = any_of(all_of(OfType(query.types), query.where), where)
    return replace(asked, query=replace(query, types=frozenset(), where=where))


async def search(parts: Parts, account: Account, asked: Search, query: Query) -> Found:
    """A page of the answer. `query` are the candidates, under the caller's rights. A page may be
    empty and not be the last."""
    matches: list[Version] = []
    inside: list[Inside] = []
    looked, first = 0, query.cursor is None
    while True:
        page = await parts.store.search(account.caller.tenant, query)
        looked += len(page.versions)
        direct = await _direct(parts, account.caller, asked, query, page.versions)
        for number, version in enumerate(page.versions, 1):
            found = _matching(parts, asked, version)
            alone = asked.contained_type is ContainedType.CONTAINED
            if alone:
                inside += found
            if (version.type, version.id) in direct or (found and not alone):
                matches.append(version)
            if number % _TURN == 0:
                await asyncio.sleep(0)
        if matches or inside or page.next is None or looked >= MOST_LOOKED:
            break
        query = replace(query, cursor=page.next)
    account.saw(list(dict.fromkeys([*matches, *(one.container for one in inside)])))
    total = len(matches) + len(inside) if first and page.next is None else None
    return Found(
        matches=tuple(matches),
        next=page.next,
        total=total,
        issues=(*asked.unknown, *notices(parts, account.caller.tenant, _shown(matches, inside))),
        understood=asked.understood,
        inside=tuple(inside),
    )


def _shown(matches: list[Version], inside: list[Inside]) -> list[Version]:
    return [*matches, *(one.container for one in inside)]


def _matching(parts: Parts, asked: Search, version: Version) -> list[Inside]:
    stored = truth(version)
    container = structs.decoder(stored.type).decode(whole(stored))
    types, where = asked.query.types, asked.query.where
    found = matching(container, types, where, version.last_updated, parts.extract)
    if stored is version:
        return [Inside(version, one) for one in found]
    # By what may be asked for; only of what is seen, and as it is seen.
    seen = json.parse(whole(version)).get("contained", ())
    shown = {str(one["id"]): json.dump(one) for one in seen if "id" in one}
    return [Inside(version, replace(one, raw=shown[one.id])) for one in found if one.id in shown]


async def _direct(
    parts: Parts, caller: Caller, asked: Search, query: Query, versions: tuple[Version, ...]
) -> set[Key]:
    """Those that match themselves, not for what they contain."""
    types = asked.query.types
    keys = frozenset((v.type, v.id) for v in versions if v.type in types)
    if asked.contained is not Contained.BOTH or not keys:
        return set()
    where = all_of(Keys(keys), asked.query.where)
    page = await parts.store.search(caller.tenant, Query(types, where, count=len(keys)))
    return {(v.type, v.id) for v in page.versions}
