"""Decisions applied: to a plan, so that nothing outside is found, and to a record about to change.

A chain looks into its targets and `_has` into its sources, so these are restricted as well: what
a caller cannot search must not show through what it can.
"""

from __future__ import annotations

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.decide import Decider
from careplane.access.scopes import Permission, parse_scope
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Forbidden, NotFound
from careplane.records.grounding import grounded
from careplane.records.parts import Parts
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.plan import Everything, Node, OfType, Query, all_of, any_of
from careplane.search.restrict import restricted

_TYPES = frozenset(RESOURCE_TYPES)
_ALONE = NoWorld()


def known(type: str) -> str:
    """The type, or NotFound where FHIR R4 has none of this name."""
    if type not in _TYPES:
        raise NotFound(f"{type[:64]!r} is not a FHIR R4 resource type.")
    return type


def administrator(caller: Caller) -> None:
    """Whoever keeps the installation has a scope with all rights on everything; else Forbidden."""
    every = parse_scope("system/*.cruds").permissions
    for scope in caller.scopes:
        what = (scope.context, scope.type, scope.arguments, scope.permissions)
        if what == ("system", None, "", every):
            return
    raise Forbidden("This needs the scope system/*.cruds.")


def over_types(decider: Decider, caller: Caller, types: frozenset[str]) -> Node:
    """The search restriction over several types; every type if there are none."""
    if not types:
        return decider.everywhere(caller, Permission.SEARCH)
    return any_of(
        *(
            all_of(OfType(frozenset({type})), decider.restriction(caller, Permission.SEARCH, type))
            for type in sorted(types)
        )
    )


def restrict(decider: Decider, caller: Caller, query: Query) -> Query:
    """The query, over only what the caller may search."""
    inner = within(decider, caller, query.where)
    if len(query.types) == 1:
        (type,) = query.types
        limit = decider.searching(caller, type, query.where)
    else:
        limit = over_types(decider, caller, query.types)
    return replace(query, where=all_of(limit, inner))


def within(decider: Decider, caller: Caller, node: Node) -> Node:
    """The node, with what chains and `_has` look at restricted."""
    return restricted(node, lambda type: decider.restriction(caller, Permission.SEARCH, type))


async def allows(
    parts: Parts, caller: Caller, node: Node, subject: Subject, *, new: bool = False
) -> bool:
    """Whether a record, as its rows show it, lies within a restriction; `new`: nobody refers to it
    yet. What the restriction asks of other records is asked of those that are stored."""
    if isinstance(node, Everything):
        return True
    alone = await grounded(parts, caller, node, subject, new=new)
    return matches(alone, subject, _ALONE)
