"""The table of nodes: how each becomes a condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careplane.search import plan
from careplane.search.plan import Node
from careplane.storage.engines.postgres.plans import links, ranges, selves, values, words
from careplane.storage.engines.postgres.plans.scope import (
    FALSE,
    TRUE,
    At,
    Compiler,
    Scope,
    both,
    either,
    has_any,
)

_LEAVES: dict[type[Node], Callable[[Any, Scope, At], str]] = {
    plan.Everything: lambda node, scope, at: TRUE,
    plan.Nothing: lambda node, scope, at: FALSE,
    plan.OfType: selves.of_type,
    plan.Ids: selves.ids,
    plan.Keys: selves.keys,
    plan.Updated: selves.updated,
    plan.Token: values.token,
    plan.Text: values.text,
    plan.FullText: words.full_text,
    plan.Uri: values.uri,
    plan.Present: values.present,
    plan.Reference: links.reference,
    plan.Date: ranges.date,
    plan.Number: ranges.number,
    plan.Near: ranges.near_to,
    plan.Quantity: ranges.quantity,
}


def compile(node: Node, scope: Scope, at: At) -> str:
    """A condition on the candidate."""
    leaf = _LEAVES.get(type(node))
    if leaf is not None:
        return leaf(node, scope, at)
    return _INNER[type(node)](node, scope, at, compile)


def _and(node: plan.And, scope: Scope, at: At, compile: Compiler) -> str:
    return both([compile(part, scope, at) for part in node.parts])


def _or(node: plan.Or, scope: Scope, at: At, compile: Compiler) -> str:
    return either([compile(part, scope, at) for part in node.parts])


def _not(node: plan.Not, scope: Scope, at: At, compile: Compiler) -> str:
    condition = compile(node.part, scope, at)
    return {TRUE: FALSE, FALSE: TRUE}.get(condition, f"NOT ({condition})")


def _composite(node: plan.Composite, scope: Scope, at: At, compile: Compiler) -> str:
    """One of the candidate's groups matches; those with its codes are found by the index."""
    group, tenant = scope.alias(), scope.tenant
    inside = At(at.row, group)
    condition = compile(node.where, scope, inside)
    if condition == FALSE or at.group != "0":
        return FALSE
    marked = has_any((scope.names.present(tenant, node.param),), scope, inside)
    parts = node.where.parts if isinstance(node.where, plan.And) else (node.where,)
    ways = [_codes(part, scope, at) for part in parts if isinstance(part, plan.Token)]
    groups = (
        f"EXISTS (SELECT FROM generate_series(1, {at.row}.groups) {group} "
        f"WHERE ({marked}) AND ({condition}))"
    )
    param = has_any((scope.names.present(tenant, node.param.partition(":")[0]),), scope, at)
    return both([param, *ways, groups])


def _codes(node: plan.Token, scope: Scope, at: At) -> str:
    """The resource has a code of the part in some group."""
    codes = [coding.code for coding in node.codings]
    keys = [scope.names.code(scope.tenant, node.param, code) for code in codes if code is not None]
    return has_any(keys, scope, at) if len(keys) == len(codes) else TRUE


_INNER: dict[type[Node], Callable[[Any, Scope, At, Compiler], str]] = {
    plan.And: _and,
    plan.Or: _or,
    plan.Not: _not,
    plan.Composite: _composite,
    plan.Chain: links.chain,
    plan.Has: links.has,
}
