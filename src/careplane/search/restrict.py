"""A plan that looks at nothing its caller may not see, beyond the resources it returns.

Whoever runs a query ANDs the caller's restriction to it; but a chain or a `_has` looks at other
resources, and its answer would tell of them. So each carries the restriction of their type inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from careplane.search.plan import (
    And,
    Chain,
    Has,
    Node,
    Not,
    Nothing,
    Or,
    all_of,
    any_of,
)

Restriction: TypeAlias = Callable[[str], Node]
"""Resource type to what resources of it must match; `Nothing` for a type that may not be seen."""


_NESTED = frozenset({And, Or, Not, Chain, Has})


def restricted(node: Node, allowed: Restriction) -> Node:
    """The same plan, in which chains and `_has` see only what is allowed. What is not allowed is as
    if it were not there, under a Not as well."""
    if not _looks_elsewhere(node):
        return node
    match node:
        case And(parts):
            return all_of(*(restricted(part, allowed) for part in parts))
        case Or(parts):
            return any_of(*(restricted(part, allowed) for part in parts))
        case Not(part):
            return Not(restricted(part, allowed))
        case Chain():
            return _chain(node, allowed)
        case Has(source, param, where):
            inner = all_of(restricted(where, allowed), allowed(source))
            return inner if isinstance(inner, Nothing) else Has(source, param, inner)
        case _:
            return node


def _looks_elsewhere(node: Node) -> bool:
    """Whether there may be a chain or a `_has` in it: mostly there is none."""
    if isinstance(node, And):
        return not _NESTED.isdisjoint(map(type, node.parts))
    return type(node) in _NESTED


def _chain(node: Chain, allowed: Restriction) -> Node:
    where = restricted(node.where, allowed)
    types: dict[Node, set[str]] = {}
    for type in sorted(node.types):
        inner = all_of(where, allowed(type))
        if not isinstance(inner, Nothing):
            types.setdefault(inner, set()).add(type)
    return any_of(*(Chain(node.param, frozenset(t), inner) for inner, t in types.items()))
