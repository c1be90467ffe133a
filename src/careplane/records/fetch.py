"""Follow-up reads of a search: resources by key or by query, under the caller's restriction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.records.parts import Parts
from careplane.records.results import Version
from careplane.records.rights import within
from careplane.search.plan import Everything, Keys, Nothing, Query, all_of
from careplane.storage.ports.records import Key

_PAGE = 1000


async def by_keys(parts: Parts, caller: Caller, keys: Iterable[Key]) -> list[Version]:
    """Those that there are and that the caller may search, in no particular order."""
    free: list[Key] = []
    bound: defaultdict[str, set[Key]] = defaultdict(set)
    for key in sorted(keys):
        limit = parts.decider.restriction(caller, Permission.SEARCH, key[0])
        if isinstance(limit, Everything):
            free.append(key)
        elif not isinstance(limit, Nothing):
            bound[key[0]].add(key)
    found = await parts.store.read_many(caller.tenant, free) if free else []
    present = [version for version in found if version and not version.deleted]
    for type, some in bound.items():
        query = Query(frozenset({type}), Keys(frozenset(some)))
        present += await by_query(parts, caller, query, len(some))
    return present


async def by_query(parts: Parts, caller: Caller, query: Query, most: int) -> list[Version]:
    """The whole answer to a query over one type, up to `most` of it; nothing where the caller may
    search nothing."""
    (type,) = query.types
    limit = parts.decider.restriction(caller, Permission.SEARCH, type)
    if isinstance(limit, Nothing):
        return []
    where = all_of(limit, within(parts.decider, caller, query.where))
    query = replace(query, where=where, count=min(_PAGE, most))
    found: list[Version] = []
    while len(found) < most:
        page = await parts.store.search(caller.tenant, query)
        found += page.versions
        if page.next is None:
            break
        query = replace(query, cursor=page.next)
    return found[:most]
