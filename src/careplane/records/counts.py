"""How many resources of each type a caller may search."""

from __future__ import annotations

from collections.abc import Mapping

from careplane.access.scopes import Permission
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.search.plan import Everything, Nothing, Query


async def counts(parts: Parts, account: Account, command: c.Counts) -> Mapping[str, int]:
    """Types with none are left out."""
    caller = account.caller
    found: dict[str, int] = {}
    for type, stored in sorted((await parts.store.counts(caller.tenant)).items()):
        limit = parts.decider.restriction(caller, Permission.SEARCH, type)
        if isinstance(limit, Everything):
            found[type] = stored
        elif not isinstance(limit, Nothing):
            found[type] = await parts.store.count(caller.tenant, Query(frozenset({type}), limit))
    return {type: count for type, count in found.items() if count}
