"""Which part of an And a search starts from: the one with the fewest candidates.

Sizes are counted, no further than it takes to see that another part is smaller, and remembered; the
writer has them forgotten now and then.
"""

from __future__ import annotations

from careplane.search import plan
from careplane.search.plan import Node
from careplane.storage.engines.sqlite.known import Size
from careplane.storage.engines.sqlite.plans.scope import Compiler, Scope
from careplane.storage.engines.sqlite.plans.sql import Sql

MANY = 10_000
"""Not counted beyond, to compare parts."""
SORTED = 50_000
"""Candidates that are rather put in order than looked for among all resources in their order: they
may stand together at the end."""
_NO_WAY = 1 << 62
_SMALL = 50
_RANK: dict[type[Node], int] = {
    plan.Nothing: 0,
    plan.Keys: 0,
    plan.Ids: 1,
    plan.Reference: 2,
    plan.Composite: 3,
    plan.Token: 4,
    plan.Text: 5,
    plan.Uri: 5,
    plan.FullText: 6,
    plan.Quantity: 6,
    plan.Number: 6,
    plan.Date: 7,
    plan.Chain: 8,
    plan.Has: 8,
    plan.Or: 8,
    plan.And: 8,
    plan.Updated: 9,
}
_EXACT = (plan.Keys, plan.Reference, plan.Token, plan.Text, plan.FullText, plan.Uri, plan.Quantity, plan.Number, plan.Date)  # fmt: skip  # noqa: E501


def choose(node: plan.And, scope: Scope, compiler: Compiler) -> Sql | None:
    """The source of the smallest part."""
    part = smallest(node, scope, compiler)
    return None if part is None else compiler.source(part, scope)


def smallest(node: plan.And, scope: Scope, compiler: Compiler) -> Node | None:
    """The part to start from; None where no part has a source."""
    parts = sorted((p for p in node.parts if type(p) in _RANK), key=lambda p: _RANK[type(p)])
    best, least = None, _NO_WAY
    for part in parts:
        n = size(part, scope, compiler, min(least, MANY))
        if n < least:
            best, least = part, n
        if n <= _SMALL:
            break
    return best


def size(node: Node, scope: Scope, compiler: Compiler, most: int = MANY) -> int:
    """How many candidates its source has, `most` if there are as many; more than can be where it
    has no source."""
    sizes, key = scope.lookup.known.sizes, (scope.tenant, node)
    known = sizes.get(key)
    if known is None or (not known.whole and known.n < most):
        source = compiler.source(node, scope)
        n = _NO_WAY if source is None else _count(source, scope, most)
        known = Size(n, whole=n != most)
        sizes.learn({key: known})
    return known.n


def _count(source: Sql, scope: Scope, most: int) -> int:
    sql = f"SELECT count(*) FROM (SELECT 1 FROM ({source.text}) LIMIT {most})"
    return int(scope.lookup.connection.execute(sql, source.args).fetchone()[0])


def is_exact(node: Node) -> bool:
    """Whether its source needs no check."""
    if isinstance(node, plan.Or):
        return all(map(by_row, node.parts))
    return isinstance(node, _EXACT)


def by_row(node: Node) -> bool:
    """Whether a row number is all that is needed to check it, so that a source may do so itself."""
    if isinstance(node, plan.And | plan.Or):
        return all(map(by_row, node.parts))
    return isinstance(node, plan.Token | plan.Quantity | plan.Number | plan.Date)


def in_order(node: Node) -> bool:
    """Whether its source comes in order of rid by itself."""
    if isinstance(node, plan.Token):
        return len(node.codings) == 1 and node.codings[0].code is not None
    if isinstance(node, plan.FullText):
        return True
    return isinstance(node, plan.Reference) and len(node.targets) == 1
