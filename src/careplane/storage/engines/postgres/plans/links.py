"""Nodes that look along references: Reference, Chain and Has.

The key of a reference is its parameter XOR the ident of its target, so the way back is an XOR too:
a key of another kind leads to an ident that nobody has.
"""

from __future__ import annotations

from careplane.search import plan
from careplane.storage.engines.postgres.plans.scope import (
    FALSE,
    MANY,
    At,
    Compiler,
    Scope,
    has_any,
    has_any_of,
    has_any_of_many,
)
from careplane.storage.engines.postgres.plans.selves import types_are


def reference(node: plan.Reference, scope: Scope, at: At) -> str:
    found = has_any if len(node.targets) <= MANY else has_any_of_many
    return found(reference_keys(node, scope), scope, at)


def reference_keys(node: plan.Reference, scope: Scope) -> list[int]:
    link = scope.names.link(scope.tenant, node.param)
    return [link ^ scope.names.ident(scope.tenant, *target) for target in node.targets]


def chain(node: plan.Chain, scope: Scope, at: At, compile: Compiler) -> str:
    """The targets that match are looked for first, and then whoever refers to one."""
    target = scope.alias()
    live = _live(target, node.types, scope)
    condition = compile(node.where, scope, At(target))
    if FALSE in (condition, live):
        return FALSE
    link = scope.bind(scope.names.link(scope.tenant, node.param), "bigint")
    array = (
        f"ARRAY(SELECT {target}.ident # {link} FROM resource {target} "
        f"WHERE {live} AND ({condition}))"
    )
    return has_any_of(array, at)


def has(node: plan.Has, scope: Scope, at: At, compile: Compiler) -> str:
    """Whatever they refer to, of those that match."""
    source, key = scope.alias(), scope.alias()
    live = _live(source, frozenset({node.source}), scope)
    condition = compile(node.where, scope, At(source))
    if condition == FALSE:
        return FALSE
    link = scope.bind(scope.names.link(scope.tenant, node.param), "bigint")
    return (
        f"{at.row}.ident IN (SELECT {key} # {link} FROM resource {source} "
        f"CROSS JOIN unnest({source}.keys) {key} WHERE {live} AND ({condition}))"
    )


def _live(alias: str, types: frozenset[str], scope: Scope) -> str:
    types_fit = types_are(types, scope, At(alias))
    if types_fit == FALSE:
        return FALSE
    return f"{scope.mine(alias)} AND NOT {alias}.gone AND {types_fit}"
