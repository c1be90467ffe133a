"""Nodes about the resource itself: its type, its id, when it was last written."""

from __future__ import annotations

import json
from collections.abc import Iterable

from careplane.search import plan
from careplane.search.plan import Prefix
from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import FALSE, TRUE, Sql, either, inside, union

MILLISECOND = 1000
_FEW = 8
_MANY = 100
"""A larger set is one that a decision holds, and comes again."""


def among(column: str, numbers: Iterable[int]) -> Sql:
    """The column has one of the numbers, however many."""
    numbers = sorted(set(numbers))
    if len(numbers) <= _FEW:
        return inside(column, numbers)
    return Sql(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(numbers),))


def rids(keys: Iterable[tuple[str, str]], scope: Scope) -> list[int]:
    """The rows of resources by type and id; those nobody has heard of are left out."""
    found = (scope.lookup.rid(scope.tenant, type, id) for type, id in keys)
    return [rid for rid in found if rid is not None]


def many(keys: frozenset[tuple[str, str]], scope: Scope) -> int | None:
    """Of a large set of resources the number by which `held` knows their rows; None for a set that
    is not large."""
    if len(keys) <= _MANY:
        return None
    sets = scope.lookup.known.sets
    found = sets.get((scope.tenant, keys))
    if found is None:
        found = frozenset(rids(keys, scope))
        if len(found) == len(keys):  # what nobody has heard of may be heard of later
            sets.learn({(scope.tenant, keys): found})
    return scope.lookup.hold(found)


def check_type(node: plan.OfType, scope: Scope, at: At) -> Sql:
    return inside(f"{at.resource}.type", scope.types(node.types))


def check_ids(node: plan.Ids, scope: Scope, at: At) -> Sql:
    return inside(f"{at.resource}.fhir_id", [compact(id) for id in sorted(node.ids)])


def source_ids(node: plan.Ids, scope: Scope) -> Sql:
    """Of whatever type: one look a type and id."""
    types = "SELECT type FROM tally WHERE tenant = ? AND n > 0"
    ids = inside("fhir_id", [compact(id) for id in sorted(node.ids)])
    text = f"SELECT rid FROM resource WHERE tenant = ? AND type IN ({types}) AND {ids.text}"
    return Sql(text, (scope.tenant, scope.tenant, *ids.args))


def check_keys(node: plan.Keys, scope: Scope, at: At) -> Sql:
    number = many(node.keys, scope)
    if number is not None:
        return Sql(f"held(?, {at.resource}.rid)", (number,))
    return among(f"{at.resource}.rid", rids(node.keys, scope))


def source_keys(node: plan.Keys, scope: Scope) -> Sql:
    found = among("rid", rids(node.keys, scope))
    return Sql(f"SELECT rid FROM resource WHERE {found.text}", found.args)


def check_updated(node: plan.Updated, scope: Scope, at: At) -> Sql:
    return either(*[_between(f"{at.resource}.t", *span) for span in _spans(node, scope)])


def source_updated(node: plan.Updated, scope: Scope) -> Sql:
    """By the versions written then; those that were written over are sorted out by the check."""
    selects = [_between("t", *span) for span in _spans(node, scope)]
    text = "SELECT rid FROM version WHERE tenant = ? AND "
    return union([Sql(text + s.text, (scope.tenant, *s.args)) for s in selects])


def _between(column: str, first: int | None, end: int | None) -> Sql:
    if first is None and end is None:
        return TRUE
    if end is None:
        return Sql(f"{column} >= ?", (first or 0,))
    if first is None:
        return Sql(f"{column} < ?", (end,))
    return Sql(f"{column} >= ? AND {column} < ?", (first, end)) if first < end else FALSE


def _spans(node: plan.Updated, scope: Scope) -> list[tuple[int | None, int | None]]:
    """The node as half-open ranges of `t`, for `last_updated` never falls as `t` rises."""
    t, last = scope.moment, node.high - MILLISECOND  # a moment ends a millisecond after it began
    spans: dict[Prefix, list[tuple[int | None, int | None]]] = {
        Prefix.EQ: [(t(node.low), t(last + 1))],
        Prefix.NE: [(None, t(node.low)), (t(last + 1), None)],
        Prefix.GT: [(t(last + 1), None)],
        Prefix.LT: [(None, t(node.low))],
        Prefix.GE: [(t(min(last + 1, node.low)), None)],
        Prefix.LE: [(None, t(max(node.low, last + 1)))],
        Prefix.SA: [(t(node.high), None)],
        Prefix.EB: [(None, t(node.low - MILLISECOND + 1))],
        Prefix.AP: [(t(node.low - MILLISECOND + 1), t(node.high))],
    }
    return spans[node.prefix]
