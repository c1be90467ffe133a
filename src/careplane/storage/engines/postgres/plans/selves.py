"""Nodes about the resource itself: its type, its id, when it was last written."""

from __future__ import annotations

from careplane.search import plan
from careplane.search.plan import Prefix
from careplane.storage.engines.postgres.plans.scope import FALSE, MANY, At, Scope
from careplane.storage.relational.spans import SPAN

MILLISECOND = 1000


def of_type(node: plan.OfType, scope: Scope, at: At) -> str:
    return types_are(node.types, scope, at)


def types_are(types: frozenset[str], scope: Scope, at: At) -> str:
    if len(types) == 1:  # so that an index may give them in order
        (type,) = types
        return f"{at.row}.type = {scope.bind(type, 'text')}"
    return f"{at.row}.type = ANY({scope.bind(sorted(types), 'text[]')})" if types else FALSE


def ids(node: plan.Ids, scope: Scope, at: At) -> str:
    return f"{at.row}.id = ANY({scope.bind(sorted(node.ids), 'text[]')})" if node.ids else FALSE


def keys(node: plan.Keys, scope: Scope, at: At) -> str:
    if not node.keys:
        return FALSE
    idents = sorted(scope.names.ident(scope.tenant, *key) for key in node.keys)
    bound = scope.bind(idents, "bigint[]")
    if len(idents) > MANY:
        return f"{at.row}.ident IN (SELECT unnest({bound}))"
    return f"{at.row}.ident = ANY({bound})"


def updated(node: plan.Updated, scope: Scope, at: At) -> str:
    """`updated` is in milliseconds, and lasts one: its end is brought to the other side, so that an
    index has the column alone."""
    low, high = -(-node.low // MILLISECOND), node.high // MILLISECOND - 1
    if node.prefix in (Prefix.SA, Prefix.EB, Prefix.AP):  # they ask the ends crosswise
        low, high = node.low // MILLISECOND - 1, -(-node.high // MILLISECOND)
    column = f"{at.row}.updated"
    return SPAN[node.prefix].format(
        l=column, h=column, a=scope.bind(low, "bigint"), b=scope.bind(high, "bigint")
    )
