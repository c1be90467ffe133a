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
    targets = scope.set_of(
        (plan.Chain, node.types, node.where), lambda: _targets(node, scope, compile)
    )
    if targets == FALSE:
        return FALSE
    link = scope.bind(scope.names.link(scope.tenant, node.param), "bigint")
    return has_any_of(f"ARRAY(SELECT ident # {link} FROM {targets})", at)


def _targets(node: plan.Chain, scope: Scope, compile: Compiler) -> str:
    target = scope.alias()
    live = _live(target, node.types, scope)
    condition = compile(node.where, scope, At(target))
    if FALSE in (condition, live):
        return FALSE
    return f"SELECT {target}.ident FROM resource {target} WHERE {live} AND ({condition})"


def has(node: plan.Has, scope: Scope, at: At, compile: Compiler) -> str:
    """Whatever they refer to, of those that match."""
    keys = scope.set_of((plan.Has, node.source, node.where), lambda: _keys(node, scope, compile))
    if keys == FALSE:
        return FALSE
    link = scope.bind(scope.names.link(scope.tenant, node.param), "bigint")
    return f"{at.row}.ident IN (SELECT key # {link} FROM {keys})"


def _keys(node: plan.Has, scope: Scope, compile: Compiler) -> str:
    source, key = scope.alias(), scope.alias()
    live = _live(source, frozenset({node.source}), scope)
    condition = compile(node.where, scope, At(source))
    if condition == FALSE:
        return FALSE
    return (
        f"SELECT {key} AS key FROM resource {source} "
        f"CROSS JOIN unnest({source}.keys) {key} WHERE {live} AND ({condition})"
    )


def _live(alias: str, types: frozenset[str], scope: Scope) -> str:
    types_fit = types_are(types, scope, At(alias))
    if types_fit == FALSE:
        return FALSE
    return f"{scope.mine(alias)} AND NOT {alias}.gone AND {types_fit}"
