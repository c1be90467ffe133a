"""Which part of a search leads to few candidates, whatever the statistics say.

A patient's chart, a reference, given resources: what follows is a small set by the nature of the
data. Such a search reads the candidates first, by one index, behind a fence (OFFSET 0) that keeps
PostgreSQL from walking through the whole type instead or joining indexes, and may so be planned
once for all values. Other searches
are planned for their values every time, by PostgreSQL's own counts; there the fence stands around
everything where few are expected by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from careplane.search import plan
from careplane.search.plan import Node, Query
from careplane.storage.engines.postgres.plans import links, nodes, ranges, selves, values
from careplane.storage.engines.postgres.plans.scope import TRUE, At, Scope, both, has_any
from careplane.storage.relational.charts import BY_CODE

_FEW = 50


class Origin(NamedTuple):
    """Where the candidates r come from, and the condition on each. `quick`: they are few."""

    table: str
    where: str
    quick: bool


def origin(query: Query, scope: Scope, *, few: bool) -> Origin:
    """FROM and WHERE of a search. `few`: what `keyed` names is known to be found in few places."""
    at = At("r")
    parts = _parts(query)
    lead = _chart(parts, scope) or _first(parts, query, scope)
    types = selves.types_are(query.types, scope, at) if query.types else TRUE
    condition = nodes.compile(query.where, scope, at)
    where = both([scope.mine("r"), "NOT r.gone", types, condition])
    if lead is not None:
        return Origin(f"(SELECT * FROM resource r WHERE {lead} OFFSET 0) r", where, True)
    if few:
        return Origin(f"(SELECT * FROM resource r WHERE {where} OFFSET 0) r", TRUE, False)
    return Origin("resource r", both([where, _way(parts, scope)]), False)


def keyed(query: Query) -> Query | None:
    """Of a search that mixes what keys find with what must be looked at, the part that keys find.
    PostgreSQL cannot tell what looking costs, so whether these are few is asked first."""
    parts = _parts(query)
    found = tuple(part for part in parts if isinstance(part, _KEYED))
    if not found or len(found) == len(parts) or _is_led(parts, query):
        return None
    return Query(query.types, plan.And(found))


def size(query: Query, scope: Scope) -> str:
    """An EXPLAIN that says how many PostgreSQL expects."""
    at = At("r")
    types = selves.types_are(query.types, scope, at) if query.types else TRUE
    where = both([scope.mine("r"), types, nodes.compile(query.where, scope, at)])
    return f"EXPLAIN (FORMAT JSON) SELECT FROM resource r WHERE {where}"


def _parts(query: Query) -> tuple[Node, ...]:
    return query.where.parts if isinstance(query.where, plan.And) else (query.where,)


def _is_led(parts: Iterable[Node], query: Query) -> bool:
    """Whether `origin` has a lead."""
    return any(
        (isinstance(part, plan.Keys) and part.keys)
        or (isinstance(part, plan.Ids) and part.ids and query.types)
        or (isinstance(part, plan.Reference) and 0 < len(part.targets) <= _FEW)
        for part in parts
    )


def _chart(parts: Iterable[Node], scope: Scope) -> str | None:
    """The keys of this patient with these codes; both are checked all the same."""
    for token in parts:
        chart = BY_CODE.get(token.param) if isinstance(token, plan.Token) else None
        for link in parts if chart else ():
            if isinstance(link, plan.Reference) and chart and link.param in chart.links:
                return _charted(link, token, scope)  # type: ignore[arg-type]
    return None


def _charted(link: plan.Reference, token: plan.Token, scope: Scope) -> str | None:
    names, tenant = scope.names, scope.tenant
    if any(coding.code is None for coding in token.codings):
        return None  # a whole system is not found by code
    codes = list(values.token_keys(token, scope))
    if len(codes) * len(link.targets) > _FEW:
        return None
    patients = [names.ident(tenant, *key) ^ names.chart(tenant) for key in link.targets]
    return _led([code ^ patient for code in codes for patient in patients], scope)


def _first(parts: Iterable[Node], query: Query, scope: Scope) -> str | None:
    for part in parts:
        if isinstance(part, plan.Keys) and part.keys:
            return _given(part, scope)
        if isinstance(part, plan.Ids) and part.ids and query.types:
            keys = frozenset((type, id) for type in query.types for id in part.ids)
            return _given(plan.Keys(keys), scope)
    for part in parts:
        if isinstance(part, plan.Reference) and 0 < len(part.targets) <= _FEW:
            return _led(links.reference_keys(part, scope), scope)
    return None


def _led(keys: Sequence[int], scope: Scope) -> str:
    """Keys belong to one tenant by themselves; it is named so that a database that is distributed
    by tenant asks one shard. PostgreSQL takes a hundredth of all rows to have a key that it is not
    told, and would sooner join in an index by tenant: said three times, it is a millionth."""
    found = has_any(keys, scope, At("r"))
    return both([scope.mine("r"), found, found, found])


def _given(node: plan.Keys, scope: Scope) -> str:
    return f"{scope.mine('r')} AND {selves.keys(node, scope, At('r'))}"


_KEYED = (plan.Token, plan.Text, plan.Uri, plan.Composite, plan.Chain, plan.Has, plan.Ids)


def _way(parts: Iterable[Node], scope: Scope) -> str:
    """Candidates may come by a range as well: its table is named too, with its statistics."""
    for part in parts:
        if _is_ranged(part):
            return f"r.ident IN ({_by_range(part, scope)})"
    for part in parts:
        if isinstance(part, plan.Date):
            return f"r.ident IN ({ranges.date_way(part, scope)})"
    return TRUE


def _is_ranged(node: Node) -> bool:
    """Whether all that match are among those of ranges of numbers."""
    if isinstance(node, plan.Or):
        return 0 < len(node.parts) <= _FEW and all(map(_is_ranged, node.parts))
    if isinstance(node, plan.And):
        return any(map(_is_ranged, node.parts))
    return isinstance(node, plan.Number | plan.Quantity)


def _by_range(node: Node, scope: Scope) -> str:
    """A SELECT of idents."""
    if isinstance(node, plan.Or):
        return " UNION ALL ".join(_by_range(part, scope) for part in node.parts)
    if isinstance(node, plan.And):
        return _by_range(next(filter(_is_ranged, node.parts)), scope)
    assert isinstance(node, plan.Number | plan.Quantity)
    return ranges.number_way(node, scope)
