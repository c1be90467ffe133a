"""Nodes made of others, or about a parameter as a whole: And, Or, Not, Composite, Present."""

from __future__ import annotations

from careplane.search import plan
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.layout import GROUP_BITS
from careplane.storage.engines.sqlite.plans import driver
from careplane.storage.engines.sqlite.plans.scope import At, Compiler, Scope
from careplane.storage.engines.sqlite.plans.sql import (
    FALSE,
    NONE,
    Sql,
    both,
    either,
    exists,
    inside,
    negated,
    union,
)

_MOST_TERMS = 100
"""SQLite refuses compounds of more than 500 SELECTs."""


def check_and(node: plan.And, scope: Scope, at: At, compiler: Compiler) -> Sql:
    return both(*[compiler.check(part, scope, at) for part in node.parts])


def check_or(node: plan.Or, scope: Scope, at: At, compiler: Compiler) -> Sql:
    return either(*[compiler.check(part, scope, at) for part in node.parts])


def source_or(node: plan.Or, scope: Scope, compiler: Compiler) -> Sql | None:
    """Where every part has a source, all of them after each other: no more than what matches, where
    that can be told by the row (`driver.is_exact`)."""
    if len(node.parts) > _MOST_TERMS:
        return None
    exact = driver.is_exact(node)
    sources = [
        _checked(part, scope, compiler)
        if exact and isinstance(part, plan.And)
        else compiler.source(part, scope)
        for part in node.parts
    ]
    found = [s for s in sources if s is not None]
    if len(found) < len(sources):
        return None
    if any("CROSS JOIN" in s.text and "UNION" in s.text for s in found) or not found:
        found = [Sql(f"SELECT rid FROM ({s.text})", s.args) for s in found]
    return union(found) if found else NONE


def _checked(node: plan.And, scope: Scope, compiler: Compiler) -> Sql | None:
    """What matches all parts: candidates of the smallest, the others looked at for each."""
    start = driver.smallest(node, scope, compiler)
    source = None if start is None else compiler.source(start, scope)
    if start is None or source is None:
        return None
    row = scope.alias()
    others = [part for part in node.parts if part is not start or not driver.is_exact(part)]
    where = both(*[compiler.check(part, scope, At(f"{row}.rid", row)) for part in others])
    text = f"SELECT {row}.rid FROM ({source.text}) {row} WHERE {where.text}"
    return Sql(text, source.args + where.args)


def check_not(node: plan.Not, scope: Scope, at: At, compiler: Compiler) -> Sql:
    return negated(compiler.check(node.part, scope, at))


def check_composite(node: plan.Composite, scope: Scope, at: At, compiler: Compiler) -> Sql:
    """One of the candidate's groups matches."""
    param = scope.lookup.name(Kind.COMPOSITE, node.param)
    if param is None:
        return FALSE
    group = scope.alias()
    where = compiler.check(node.where, scope, At(f"{group}.rid", at.resource))
    text = (
        f"SELECT 1 FROM fact {group} WHERE {_groups(group, at)} AND {group}.param = ? "
        f"AND {where.text}"
    )
    return exists(Sql(text, (param, *where.args)))


def source_composite(node: plan.Composite, scope: Scope, compiler: Compiler) -> Sql | None:
    """By the tokens and references of groups, which alone lead to them (see `layout`)."""
    param = scope.lookup.name(Kind.COMPOSITE, node.param)
    if param is None:
        return NONE
    parts = node.where.parts if isinstance(node.where, plan.And) else (node.where,)
    ways = tuple(part for part in parts if _leads_to_groups(part))
    found = compiler.source(plan.And(ways), scope)
    if found is None:
        return None
    text = f"SELECT (-g.rid) >> {GROUP_BITS} AS rid FROM ({found.text}) g WHERE g.rid < 0"
    return Sql(text, found.args)


def _leads_to_groups(node: plan.Node) -> bool:
    if isinstance(node, plan.Or):
        return all(map(_leads_to_groups, node.parts))
    return isinstance(node, plan.Token | plan.Reference | plan.Nothing)


def check_present(node: plan.Present, scope: Scope, at: At) -> Sql:
    """Any row of the parameter, or of what stands beside it."""
    ids = scope.lookup.params(node.param)
    tokens = [id for kind, id in ids if kind is Kind.TOKEN]
    groups = [id for kind, id in ids if kind is Kind.COMPOSITE]
    facts = [id for kind, id in ids if kind not in (Kind.TOKEN, Kind.COMPOSITE)]
    conditions = []
    if facts:
        where = inside("param", facts)
        conditions.append(
            exists(Sql(f"SELECT 1 FROM fact WHERE rid = {at.row} AND {where.text}", where.args))
        )
    if tokens:
        where = inside("param", tokens)
        text = f"{at.row} IN (SELECT rid FROM token WHERE tenant = ? AND {where.text})"
        conditions.append(Sql(text, (scope.tenant, *where.args)))
    if groups:
        where, g = inside("g.param", groups), "g"
        conditions.append(
            exists(Sql(f"SELECT 1 FROM fact g WHERE {_groups(g, at)} AND {where.text}", where.args))
        )
    return either(*conditions)


def _groups(alias: str, at: At) -> str:
    """Rows of the candidate's groups."""
    first = f"-(({at.resource}.rid << {GROUP_BITS}) | {(1 << GROUP_BITS) - 1})"
    return f"{alias}.rid BETWEEN {first} AND -({at.resource}.rid << {GROUP_BITS})"
