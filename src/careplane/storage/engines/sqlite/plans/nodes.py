"""The tables of nodes: how each becomes a check, and which can be a source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careplane.search import plan
from careplane.search.plan import Node
from careplane.storage.engines.sqlite.plans import (
    links,
    ranges,
    selves,
    texts,
    tokens,
    wholes,
    words,
)
from careplane.storage.engines.sqlite.plans.driver import choose
from careplane.storage.engines.sqlite.plans.scope import At, Compiler, Scope
from careplane.storage.engines.sqlite.plans.sql import FALSE, NONE, TRUE, Sql

_LEAF_CHECKS: dict[type[Node], Callable[[Any, Scope, At], Sql]] = {
    plan.Everything: lambda node, scope, at: TRUE,
    plan.Nothing: lambda node, scope, at: FALSE,
    plan.OfType: selves.check_type,
    plan.Ids: selves.check_ids,
    plan.Keys: selves.check_keys,
    plan.Updated: selves.check_updated,
    plan.Token: tokens.check,
    plan.Text: texts.check_text,
    plan.Uri: texts.check_uri,
    plan.Reference: links.check_reference,
    plan.Date: ranges.check_date,
    plan.Number: ranges.check_number,
    plan.Quantity: ranges.check_quantity,
    plan.Near: ranges.check_near,
    plan.Present: wholes.check_present,
}
_INNER_CHECKS: dict[type[Node], Callable[[Any, Scope, At, Compiler], Sql]] = {
    plan.And: wholes.check_and,
    plan.Or: wholes.check_or,
    plan.Not: wholes.check_not,
    plan.FullText: words.check,
    plan.Composite: wholes.check_composite,
    plan.Chain: links.check_chain,
    plan.Has: links.check_has,
}
_LEAF_SOURCES: dict[type[Node], Callable[[Any, Scope], Sql]] = {
    plan.Nothing: lambda node, scope: NONE,
    plan.Ids: selves.source_ids,
    plan.Keys: selves.source_keys,
    plan.Updated: selves.source_updated,
    plan.Token: tokens.source,
    plan.Text: texts.source_text,
    plan.FullText: words.source,
    plan.Uri: texts.source_uri,
    plan.Reference: links.source_reference,
    plan.Date: ranges.source_date,
    plan.Number: ranges.source_number,
    plan.Quantity: ranges.source_quantity,
}
_INNER_SOURCES: dict[type[Node], Callable[[Any, Scope, Compiler], Sql | None]] = {
    plan.And: choose,
    plan.Or: wholes.source_or,
    plan.Composite: wholes.source_composite,
    plan.Chain: links.source_chain,
    plan.Has: links.source_has,
}


class Nodes:
    """The compiler of all nodes."""

    def check(self, node: Node, scope: Scope, at: At) -> Sql:
        leaf = _LEAF_CHECKS.get(type(node))
        if leaf is not None:
            return leaf(node, scope, at)
        return _INNER_CHECKS[type(node)](node, scope, at, self)

    def source(self, node: Node, scope: Scope) -> Sql | None:
        leaf = _LEAF_SOURCES.get(type(node))
        if leaf is not None:
            return leaf(node, scope)
        inner = _INNER_SOURCES.get(type(node))
        return inner(node, scope, self) if inner else None
