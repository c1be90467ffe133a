"""All that match criteria, page after page, for operations that look at many resources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.kernel.errors import TooLarge
from careplane.records import rights
from careplane.records.parts import Parts
from careplane.records.results import Version
from careplane.search.plan import Node, Query

_PAGE = 500
MOST = 100_000
"""Resources that one operation looks at."""


async def matching(parts: Parts, caller: Caller, type: str, where: Node) -> AsyncIterator[Version]:
    """Under the caller's restriction. Raises Forbidden, and TooLarge beyond MOST."""
    query = rights.restrict(parts.decider, caller, Query(frozenset({type}), where, count=_PAGE))
    for _ in range(MOST // _PAGE):
        page = await parts.store.search(caller.tenant, query)
        for version in page.versions:
            yield version
        if page.next is None:
            return
        query = replace(query, cursor=page.next)
        await asyncio.sleep(0)  # others have their turn
    raise TooLarge(f"More than {MOST} resources would be looked at; narrow the criteria.")
