"""`$everything` of a Patient, an Encounter, or all Patients (FHIR R4, Patient and Encounter
operations).

The resource itself, then what is in its compartment, page by page with no cap, and with the pages
what they refer to outside of the compartment (practitioners, organisations, medications, binaries).
A page that would show nothing is skipped, and no link leads to one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from careplane.access.scopes import Permission
from careplane.kernel.errors import Gone, NotFound
from careplane.records import around, rights
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.notices import notices
from careplane.records.parts import Parts
from careplane.records.read import current
from careplane.records.results import Around, Found, Version
from careplane.search.compartments import compartment_node, compartment_types, compartments_node
from careplane.search.plan import (
    EVERYTHING,
    Date,
    Keys,
    Node,
    Not,
    OfType,
    Prefix,
    Present,
    Query,
    Updated,
    all_of,
    any_of,
)
from careplane.search.rows import BEGINNING, END

_DATES = ("date", "period", "effective", "occurrence", "authored", "authoredon", "recorded-date")
"""Search parameters that tell when care was given; of each type the first that it has."""
_LOOKED_AT = 500


async def everything(parts: Parts, account: Account, command: c.Everything) -> Around:
    """One page."""
    here = f"{command.type}/{command.id}" if command.id else command.type
    account.query = f"{here}/$everything"
    walk = _Walk(parts, account, command, _query(parts, account, command))
    centre = await _centre(parts, account, command)
    found = await walk.page(command.cursor, command.shown, centre)
    account.saw(found.matches)
    account.saw(found.included)
    shown = around.told(command.shown, found.included)
    following = await walk.following(found.next, shown)
    told = notices(parts, account.caller.tenant, (*found.matches, *found.included))
    page = Found(matches=found.matches, included=found.included, next=following, issues=told)
    return Around(page, shown)


async def _centre(parts: Parts, account: Account, command: c.Everything) -> tuple[Version, ...]:
    """The resource that was asked for, where this is the first page and it is wanted there."""
    if command.id is None:
        parts.decider.require(account.caller, Permission.SEARCH, command.type)
        return ()
    centre = await current(parts, account.caller, Permission.READ, command.type, command.id)
    if centre is None:
        raise NotFound(f"There is no such {command.type}.")
    if centre.deleted:
        raise Gone(f"This {command.type} has been deleted.")
    return (centre,) if command.cursor is None and _wanted(command, centre) else ()


def _wanted(command: c.Everything, version: Version) -> bool:
    since = command.since is None or version.last_updated >= command.since
    return since and (not command.types or version.type in command.types)


class _Page(Struct, frozen=True):
    """What one page shows, and the cursor of the next."""

    matches: tuple[Version, ...]
    included: tuple[Version, ...]
    next: str | None


class _Walk(Struct, frozen=True):
    """The way through a compartment. Where what it refers to is wanted and not all of its members
    are, the others are looked at all the same."""

    parts: Parts
    account: Account
    command: c.Everything
    query: Query

    async def page(
        self, cursor: str | None, shown: frozenset[bytes], first: tuple[Version, ...] = ()
    ) -> _Page:
        """The next page that shows something, or the last one."""
        matches: tuple[Version, ...] = first
        looked_at = first
        while True:
            query = replace(self.query, cursor=cursor)
            found = await self.parts.store.search(self.account.caller.tenant, query)
            looked_at = (*looked_at, *found.versions)
            matches = (*matches, *(v for v in found.versions if _wanted(self.command, v)))
            included = await self._around(looked_at, matches, shown)
            if matches or included or found.next is None:
                return _Page(matches, included, found.next)
            cursor, looked_at = found.next, ()
            await asyncio.sleep(0)  # others have their turn

    async def following(self, cursor: str | None, shown: frozenset[bytes]) -> str | None:
        """The cursor, unless nothing would come of it. It is asked only where pages may be empty:
        elsewhere every member is shown."""
        if cursor is None or not _is_sparse(self.command):
            return cursor
        page = await self.page(cursor, shown)
        return cursor if page.matches or page.included else None

    async def _around(
        self, looked_at: Sequence[Version], matches: Sequence[Version], shown: frozenset[bytes]
    ) -> tuple[Version, ...]:
        command = self.command
        wanted = around.Wanted(command.type, command.id, command.types, command.since)
        found = await around.around(self.parts, self.account.caller, wanted, looked_at)
        here = {(v.type, v.id) for v in matches}
        return tuple(v for v in found if (v.type, v.id) not in here and around.mark(v) not in shown)


def _is_sparse(command: c.Everything) -> bool:
    """Whether members are looked at that are not shown."""
    types = command.types
    outside = not types or not types <= compartment_types(command.type)
    return outside and bool(types or command.since is not None)


def _query(parts: Parts, account: Account, command: c.Everything) -> Query:
    members = compartment_types(command.type)
    sparse = _is_sparse(command)
    types = members if sparse or not command.types else members & command.types
    where = [_inside(parts, command, types)]
    if not sparse and command.since is not None:
        where.append(Updated(Prefix.GE, command.since, command.since + 1000))
    if command.start is not None or command.end is not None:
        low = BEGINNING if command.start is None else command.start
        high = END if command.end is None else command.end
        where.append(_cared(parts, types, low, high))
    some = bool(command.types & members) or not command.types
    count = command.count if some else max(command.count, _LOOKED_AT)
    query = Query(types, all_of(*where), count=count)
    return rights.restrict(parts.decider, account.caller, query)


def _inside(parts: Parts, command: c.Everything, types: frozenset[str]) -> Node:
    if command.id is None:
        return compartments_node(parts.registry, command.type, types)
    inside = compartment_node(parts.registry, command.type, command.id, types)
    return all_of(inside, Not(Keys(frozenset({(command.type, command.id)}))))


def _cared(parts: Parts, types: frozenset[str], low: int, high: int) -> Node:
    """Types without a date of care are taken whole, and so are resources that have none."""
    nodes: list[Node] = []
    for type in sorted(types):
        found = (parts.registry.lookup(type, code) for code in _DATES)
        dated = next((p for p in found if p and p.type == "date"), None)
        when: Node = EVERYTHING
        if dated:
            inside = Date(dated.param, Prefix.AP, low, high)
            when = any_of(Not(Present(dated.param)), inside)
        nodes.append(all_of(OfType(frozenset({type})), when))
    return any_of(*nodes)
