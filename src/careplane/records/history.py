"""Versions of one resource, a type or everything, newest first (FHIR R4, 3.1.0.13)."""

from __future__ import annotations

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.kernel.errors import NotFound, TooLarge
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.notices import notices
from careplane.records.parts import Parts
from careplane.records.results import Version, Versions
from careplane.search.plan import Node
from careplane.storage.ports.records import HistoryQuery

_MOST_AT = 10_000
_PAGE = 500


async def history(parts: Parts, account: Account, command: c.History) -> Versions:
    """A page of versions; `_at` gives one page with all of them."""
    caller = account.caller
    types = frozenset({rights.known(command.type)} if command.type else ())
    query = HistoryQuery(
        types=types,
        id=command.id,
        since=command.since,
        before=command.at[1] if command.at else None,
        count=command.count,
        cursor=command.cursor,
        total=True,
        restriction=_limit(parts, caller, command),
    )
    found = await (
        _at(parts, caller, query, command.at[0]) if command.at else _page(parts, caller, query)
    )
    if command.id is not None and not found.versions and not command.cursor:
        await _exists(parts, caller, query)
    account.saw(found.versions)
    return replace(found, issues=notices(parts, caller.tenant, found.versions))


def _limit(parts: Parts, caller: Caller, command: c.History) -> Node:
    if command.type is None:
        return parts.decider.everywhere(caller, Permission.SEARCH)
    permission = Permission.SEARCH if command.id is None else Permission.READ
    return parts.decider.require(caller, permission, command.type)


async def _page(parts: Parts, caller: Caller, query: HistoryQuery) -> Versions:
    page = await parts.store.history(caller.tenant, query)
    return Versions(page.versions, page.next, page.total)


async def _exists(parts: Parts, caller: Caller, query: HistoryQuery) -> None:
    """An empty answer to `_since` is an answer; a resource that never was is NotFound."""
    ever = HistoryQuery(query.types, query.id, count=1, restriction=query.restriction)
    if not (await parts.store.history(caller.tenant, ever)).versions:
        (type,) = query.types
        raise NotFound(f"There is no such {type}.")


async def _at(parts: Parts, caller: Caller, query: HistoryQuery, low: int) -> Versions:
    """Those of the period and, of each resource, the one that was current when it began."""
    kept: list[Version] = []
    begun: set[tuple[str, str]] = set()
    looked = 0
    cursor: str | None = None
    while True:
        page = await parts.store.history(caller.tenant, _from(query, cursor))
        for version in page.versions:
            key = (version.type, version.id)
            if key not in begun:
                kept.append(version)
                if version.last_updated <= low:
                    begun.add(key)
        looked += len(page.versions)
        cursor = page.next
        if cursor is None:
            return Versions(tuple(kept), None, len(kept))
        if looked >= _MOST_AT:
            raise TooLarge("_at would look through too many versions here; ask for one resource.")


def _from(query: HistoryQuery, cursor: str | None) -> HistoryQuery:
    return HistoryQuery(
        query.types,
        query.id,
        query.since,
        query.before,
        _PAGE,
        cursor,
        restriction=query.restriction,
    )
