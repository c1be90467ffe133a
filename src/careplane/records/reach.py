"""What a caller may read: the decision about it, carried out. For administrators.

The ids of patients are told, and nothing of their records; the audit record says whose reach it
was."""

from __future__ import annotations

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.records.results import Reached
from careplane.search.plan import Node, Nothing, Query, any_of

_PAGE = 1000
_TRAIL = "AuditEvent"


async def reach(parts: Parts, account: Account, command: c.Reach) -> Reached:
    """The patients, and how many of each type."""
    rights.administrator(account.caller)
    account.query = f"of {command.of.id}"
    tenant = account.caller.tenant
    types = []
    for type, _ in sorted((await parts.store.counts(tenant)).items()):
        limit = _limit(parts, command.of, type)
        if type != _TRAIL and not isinstance(limit, Nothing):
            query = Query(frozenset({type}), limit)
            types.append((type, await parts.store.count(tenant, query)))
    return Reached(await _patients(parts, command.of), tuple(types))


async def _patients(parts: Parts, of: Caller) -> tuple[str, ...]:
    query = Query(frozenset({"Patient"}), _limit(parts, of, "Patient"), count=_PAGE)
    found: list[str] = []
    while not isinstance(query.where, Nothing):
        page = await parts.store.search(of.tenant, query)
        found += [version.id for version in page.versions]
        if page.next is None:
            break
        query = replace(query, cursor=page.next)
    return tuple(sorted(found))


def _limit(parts: Parts, of: Caller, type: str) -> Node:
    wanted = (Permission.READ, Permission.SEARCH)
    return any_of(*(parts.decider.restriction(of, one, type) for one in wanted))
