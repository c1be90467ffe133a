"""Nodes that look along references: Reference, Chain and Has.

`reference` leads from a target to what refers to it, `fact` from a resource to what it refers to.
"""

from __future__ import annotations

from careplane.search import plan
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.scope import At, Compiler, Scope
from careplane.storage.engines.sqlite.plans.selves import among, many, rids
from careplane.storage.engines.sqlite.plans.sql import FALSE, NONE, Sql, both, exists, inside

_FEW = 4


def check_reference(node: plan.Reference, scope: Scope, at: At) -> Sql:
    number = many(node.targets, scope)
    if number is not None:
        param = scope.lookup.name(Kind.REFERENCE, node.param)
        text = f"SELECT 1 FROM fact WHERE rid = {at.row} AND param = ? AND held(?, a)"
        return FALSE if param is None else exists(Sql(text, (param, number)))
    param, targets = _ends(node, scope)
    if param is None or not targets:
        return FALSE
    if len(targets) <= _FEW:
        where = inside("target", targets)
        text = f"SELECT 1 FROM reference WHERE {where.text} AND param = ? AND rid = {at.row}"
        return exists(Sql(text, (*where.args, param)))
    where = among("a", targets)
    text = f"SELECT 1 FROM fact WHERE rid = {at.row} AND param = ? AND {where.text}"
    return exists(Sql(text, (param, *where.args)))


def source_reference(node: plan.Reference, scope: Scope) -> Sql:
    param, targets = _ends(node, scope)
    if param is None or not targets:
        return NONE
    where = among("target", targets)
    text = f"SELECT rid FROM reference WHERE {where.text} AND param = ?"
    return Sql(text, (*where.args, param))


def _ends(node: plan.Reference, scope: Scope) -> tuple[int | None, list[int]]:
    return scope.lookup.name(Kind.REFERENCE, node.param), rids(node.targets, scope)


def check_chain(node: plan.Chain, scope: Scope, at: At, compiler: Compiler) -> Sql:
    param = scope.lookup.name(Kind.REFERENCE, node.param)
    if param is None:
        return FALSE
    fact, target = scope.alias(), scope.alias()
    where = both(
        _live(target, node.types, scope),
        compiler.check(node.where, scope, At(f"{target}.rid", target)),
    )
    text = (
        f"SELECT 1 FROM fact {fact} CROSS JOIN resource {target} ON {target}.rid = {fact}.a "
        f"WHERE {fact}.rid = {at.row} AND {fact}.param = ? AND {where.text}"
    )
    return exists(Sql(text, (param, *where.args)))


def source_chain(node: plan.Chain, scope: Scope, compiler: Compiler) -> Sql | None:
    """From the targets back to what refers to them."""
    param = scope.lookup.name(Kind.REFERENCE, node.param)
    found = compiler.source(node.where, scope)
    if param is None or found is None:
        return NONE if param is None else None
    target = scope.alias()
    where = _live(target, node.types, scope)
    text = (
        f"SELECT k.rid AS rid FROM ({found.text}) s CROSS JOIN resource {target} "
        f"ON {target}.rid = s.rid AND {where.text} "
        f"CROSS JOIN reference k ON k.target = s.rid AND k.param = ?"
    )
    return Sql(text, (*found.args, *where.args, param))


def targets(node: plan.Chain, scope: Scope, compiler: Compiler) -> Sql | None:
    """What a chain leads to, all of it checked; None where nothing leads there."""
    found = compiler.source(node.where, scope)
    if found is None:
        return None
    target = scope.alias()
    where = both(
        _live(target, node.types, scope),
        compiler.check(node.where, scope, At(f"{target}.rid", target)),
    )
    text = (
        f"SELECT {target}.rid FROM ({found.text}) s CROSS JOIN resource {target} "
        f"ON {target}.rid = s.rid WHERE {where.text}"
    )
    return Sql(text, (*found.args, *where.args))


def check_has(node: plan.Has, scope: Scope, at: At, compiler: Compiler) -> Sql:
    param = scope.lookup.name(Kind.REFERENCE, node.param)
    if param is None:
        return FALSE
    link, source = scope.alias(), scope.alias()
    where = both(
        _live(source, frozenset({node.source}), scope),
        compiler.check(node.where, scope, At(f"{source}.rid", source)),
    )
    text = (
        f"SELECT 1 FROM reference {link} CROSS JOIN resource {source} "
        f"ON {source}.rid = {link}.rid "
        f"WHERE {link}.target = {at.resource}.rid AND {link}.param = ? AND {where.text}"
    )
    return exists(Sql(text, (param, *where.args)))


def source_has(node: plan.Has, scope: Scope, compiler: Compiler) -> Sql | None:
    """From what refers to its targets."""
    param = scope.lookup.name(Kind.REFERENCE, node.param)
    found = compiler.source(node.where, scope)
    if param is None or found is None:
        return NONE if param is None else None
    source = scope.alias()
    where = _live(source, frozenset({node.source}), scope)
    text = (
        f"SELECT f.a AS rid FROM ({found.text}) s CROSS JOIN resource {source} "
        f"ON {source}.rid = s.rid AND {where.text} "
        f"CROSS JOIN fact f ON f.rid = s.rid AND f.param = ?"
    )
    return Sql(text, (*found.args, *where.args, param))


def _live(alias: str, types: frozenset[str], scope: Scope) -> Sql:
    return both(Sql(f"{alias}.gone = 0"), inside(f"{alias}.type", scope.types(types)))
