"""Which part of a search leads to few candidates, whatever the statistics say.

A patient's chart, a reference, given resources: what follows is a small set by the nature of the
data. Such a search reads the candidates first, behind a fence (OFFSET 0) that keeps PostgreSQL from
walking through the whole type instead, and may so be planned once for all values. Other searches
are planned for their values every time, by PostgreSQL's own counts.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def origin(query: Query, scope: Scope) -> Origin:
    """FROM and WHERE of a search."""
    at = At("r")
    parts = query.where.parts if isinstance(query.where, plan.And) else (query.where,)
    lead = _chart(parts, scope) or _first(parts, query, scope)
    types = selves.types_are(query.types, scope, at) if query.types else TRUE
    condition = nodes.compile(query.where, scope, at)
    if lead is None:
        way = _way(parts, scope)
        return Origin(
            "resource r", both([scope.mine("r"), "NOT r.gone", types, condition, way]), False
        )
    table = f"(SELECT * FROM resource r WHERE {scope.mine('r')} AND {lead} OFFSET 0) r"
    return Origin(table, both(["NOT r.gone", types, condition]), True)


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
    return has_any([code ^ patient for code in codes for patient in patients], scope, At("r"))


def _first(parts: Iterable[Node], query: Query, scope: Scope) -> str | None:
    for part in parts:
        if isinstance(part, plan.Keys) and part.keys:
            return selves.keys(part, scope, At("r"))
        if isinstance(part, plan.Ids) and part.ids and query.types:
            keys = frozenset((type, id) for type in query.types for id in part.ids)
            return selves.keys(plan.Keys(keys), scope, At("r"))
    for part in parts:
        if isinstance(part, plan.Reference) and 0 < len(part.targets) <= _FEW:
            return has_any(links.reference_keys(part, scope), scope, At("r"))
    return None


_KEYED = (plan.Token, plan.Text, plan.Uri, plan.Composite, plan.Chain, plan.Has, plan.Ids)


def _way(parts: Iterable[Node], scope: Scope) -> str:
    """Where nothing is found by a key, candidates come by a range: its table is named too."""
    if any(isinstance(part, _KEYED) for part in parts):
        return TRUE
    for part in parts:
        if isinstance(part, plan.Number | plan.Quantity):
            return f"r.ident IN ({ranges.number_way(part, scope)})"
    for part in parts:
        if isinstance(part, plan.Date):
            return f"r.ident IN ({ranges.date_way(part, scope)})"
    return TRUE
