"""Token nodes over the table `token`."""

from __future__ import annotations

from collections import defaultdict

from careplane.search import plan
from careplane.storage.engines.sqlite.compact import Compact, compact
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import (
    NONE,
    Sql,
    both,
    either,
    exists,
    inside,
    union,
)

ANY = -1
_FEW = 16
"""Up to so many codes a candidate is looked up by each; beyond, the set is made once."""


def check(node: plan.Token, scope: Scope, at: At) -> Sql:
    codes = wanted(node, scope).values()
    few = sum(map(len, codes)) <= _FEW and all(codes)
    if not few:
        found = source(node, scope)
        return Sql(f"{at.row} IN ({found.text})", found.args)
    return either(
        *[exists(Sql(f"{s.text} AND rid = {at.row}", s.args)) for s in _selects(node, scope)]
    )


def source(node: plan.Token, scope: Scope) -> Sql:
    selects = _selects(node, scope)
    return union(selects) if selects else NONE


def _selects(node: plan.Token, scope: Scope) -> list[Sql]:
    param = scope.lookup.name(Kind.TOKEN, node.param)
    if param is None:
        return []
    head = Sql("SELECT rid FROM token WHERE tenant = ? AND param = ?", (scope.tenant, param))
    return [
        both_in(head, Sql("1") if system == ANY else Sql("system = ?", (system,)), codes)
        for system, codes in wanted(node, scope).items()
    ]


def both_in(head: Sql, system: Sql, codes: list[Compact]) -> Sql:
    """The rows of a parameter with one of the codes (none: with any) of a system."""
    condition = both(system, inside("code", codes) if codes else Sql("1"))
    return Sql(f"{head.text} AND {condition.text}", head.args + condition.args)


def wanted(node: plan.Token, scope: Scope) -> dict[int, list[Compact]]:
    """Codes by system; a system with no codes is asked for as a whole."""
    found: defaultdict[int, dict[Compact, None]] = defaultdict(dict)
    whole: set[int] = set()
    for coding in node.codings:
        system = _system(coding, scope)
        if system is None:
            continue
        if coding.code is None:
            whole.add(system)
        else:
            found[system][compact(coding.code)] = None
    return {**{s: list(codes) for s, codes in found.items()}, **{s: [] for s in whole}}


def _system(coding: plan.Coding, scope: Scope) -> int | None:
    if coding.any_system:
        return ANY
    return 0 if coding.system is None else scope.lookup.name(Kind.SYSTEM, coding.system)
