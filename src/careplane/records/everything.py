"""`$everything` of a Patient or Encounter (FHIR R4, Patient and Encounter operations).

The resource itself, then what is in its compartment, page by page with no cap, and with each page
what it refers to outside of the compartment (practitioners, organisations, medications).
"""

from __future__ import annotations

from careplane.access.scopes import Permission
from careplane.kernel.errors import Gone, NotFound
from careplane.records import commands as c
from careplane.records import fetch, rights
from careplane.records.account import Account
from careplane.records.bodies import rows_of
from careplane.records.parts import Parts
from careplane.records.read import current
from careplane.records.results import Found, Version
from careplane.search.compartments import compartment_node, compartment_types
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


async def everything(parts: Parts, account: Account, command: c.Everything) -> Found:
    """One page."""
    caller = account.caller
    account.query = f"{command.type}/{command.id}/$everything"
    limit = parts.decider.require(caller, Permission.READ, command.type)
    centre = await current(parts, caller, limit, command.type, command.id)
    if centre is None:
        raise NotFound(f"There is no such {command.type}.")
    if centre.deleted:
        raise Gone(f"This {command.type} has been deleted.")
    query = _query(parts, command)
    page = await parts.store.search(caller.tenant, rights.restrict(parts.decider, caller, query))
    first = (centre,) if command.cursor is None and _wants_centre(command, centre) else ()
    matches = (*first, *page.versions)
    around = await _around(parts, account, command, matches)
    account.saw(matches)
    account.saw(around)
    return Found(matches=matches, included=tuple(around), next=page.next)


def _wants_centre(command: c.Everything, centre: Version) -> bool:
    since = command.since is None or centre.last_updated >= command.since
    return since and (not command.types or centre.type in command.types)


def _query(parts: Parts, command: c.Everything) -> Query:
    members = compartment_types(command.type)
    types = (members & command.types) if command.types else members
    itself = frozenset({(command.type, command.id)})
    where = [
        compartment_node(parts.registry, command.type, command.id, types),
        Not(Keys(itself)),
        _since(command.since),
    ]
    if command.start is not None or command.end is not None:
        low = BEGINNING if command.start is None else command.start
        high = END if command.end is None else command.end
        where.append(_cared(parts, types, low, high))
    return Query(types, all_of(*where), count=command.count, cursor=command.cursor)


def _since(since: int | None) -> Node:
    return EVERYTHING if since is None else Updated(Prefix.GE, since, since + 1000)


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


async def _around(
    parts: Parts, account: Account, command: c.Everything, matches: tuple[Version, ...]
) -> list[Version]:
    """What the page refers to and its compartment does not hold; nothing where only some types
    or only what is new was asked for, unless a type asks for it."""
    inside = compartment_types(command.type)
    wanted = {
        (row.type, row.id)
        for version in matches
        for row in rows_of(parts.extract, version).references
        if _is_around(command, inside, row.type, row.id)
    } - {(v.type, v.id) for v in matches}
    found = await fetch.by_keys(parts, account.caller, wanted)
    return [v for v in found if command.since is None or v.last_updated >= command.since]


def _is_around(command: c.Everything, inside: frozenset[str], type: str, id: str) -> bool:
    if command.types and type not in command.types:
        return False
    # A patient's record holds what is in the compartment once, on the page where it stands; other
    # patients are no part of it. An encounter's record needs its patient.
    if command.type == "Patient":
        return type not in inside
    return (type, id) != (command.type, command.id)
