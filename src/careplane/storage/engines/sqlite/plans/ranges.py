"""Date, number and quantity nodes: the formulas of `search.ranges` as SQL.

A range is found by its low end alone. Dates are kept by how wide they are at most (`date.wide`), so
that "ends after" needs to look no farther back than that; numbers by whether they are one point.
"""

from __future__ import annotations

from functools import cache

from careplane.search import plan
from careplane.search.plan import Prefix
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import (
    FALSE,
    NONE,
    Bound,
    Sql,
    both,
    either,
    exists,
    inside,
    union,
)
from careplane.storage.relational.spans import RANGE, SPAN, WIDTHS, low_ends, near


def _filled(template: str, low: str, high: str, s_low: Bound, s_high: Bound) -> Sql:
    """The formula over two columns, its values in the order in which they stand."""
    text, order = _with_columns(template, low, high)
    return Sql(text, tuple([s_low if end == "a" else s_high for end in order]))


@cache
def _with_columns(template: str, low: str, high: str) -> tuple[str, tuple[str, ...]]:
    order = tuple(part[0] for part in template.split("{") if part[:1] in ("a", "b"))
    return template.format(l=low, h=high, a="?", b="?"), order


def values_of(prefix: Prefix, low: int, high: int) -> tuple[int, ...]:
    """What the check of a date binds, after the parameter."""
    _, order = _with_columns(SPAN[prefix], "f.a", "f.a + f.b")
    return tuple([low if end == "a" else high for end in order])


def check_date(node: plan.Date, scope: Scope, at: At) -> Sql:
    param = scope.lookup.name(Kind.DATE, node.param)
    low, high = _near(node)
    condition = _filled(SPAN[node.prefix], "f.a", "f.a + f.b", low, high)
    return _fact(param, condition, at)


def source_date(node: plan.Date, scope: Scope) -> Sql:
    param = scope.lookup.name(Kind.DATE, node.param)
    if param is None:
        return NONE
    low, high = _near(node)
    condition = _filled(SPAN[node.prefix], "low", "low + span", low, high)
    selects = []
    for wide in range(len(WIDTHS) + 1):
        first, last = low_ends(node.prefix, low, high, wide)
        text = (
            "SELECT rid FROM date WHERE tenant = ? AND param = ? AND wide = ? "
            f"AND low BETWEEN ? AND ? AND ({condition.text})"
        )
        selects.append(Sql(text, (scope.tenant, param, wide, first, last, *condition.args)))
    return union(selects)


def check_number(node: plan.Number, scope: Scope, at: At) -> Sql:
    condition = _filled(RANGE[node.prefix], "f.a", _FACT_HIGH, node.low, node.high)
    return _fact(scope.lookup.name(Kind.NUMBER, node.param), condition, at)


def source_number(node: plan.Number, scope: Scope) -> Sql:
    param = scope.lookup.name(Kind.NUMBER, node.param)
    if param is None:
        return NONE
    head = Sql("SELECT rid FROM number WHERE tenant = ? AND param = ?", (scope.tenant, param))
    return _by_width(head, RANGE[node.prefix], node.low, node.high)


def check_quantity(node: plan.Quantity, scope: Scope, at: At) -> Sql:
    units, condition = _units(node, scope, "f.c"), []
    for unit, low, high in units:
        template = _filled(RANGE[node.prefix], "f.a", _FACT_HIGH, low, high)
        condition.append(both(unit, template))
    return _fact(scope.lookup.name(Kind.QUANTITY, node.param), either(*condition), at)


def source_quantity(node: plan.Quantity, scope: Scope) -> Sql:
    param = scope.lookup.name(Kind.QUANTITY, node.param)
    if param is None:
        return NONE
    text = "SELECT rid FROM quantity WHERE tenant = ? AND param = ? AND "
    selects = []
    for unit, low, high in _units(node, scope, "unit"):
        head = Sql(text + unit.text, (scope.tenant, param, *unit.args))
        selects.append(_by_width(head, RANGE[node.prefix], low, high))
    return union(selects) if selects else NONE


def _units(node: plan.Quantity, scope: Scope, column: str) -> list[tuple[Sql, float, float]]:
    """Which units can match, each with the range in it. Rows that have a canonical form are
    compared in it when the node has one too; see the kinds of `unit`."""
    execute = scope.lookup.connection.execute
    kinds = (0,) if node.canonical else (0, 1)
    conditions = [inside("kind", kinds)]
    if node.code is not None:
        conditions.append(Sql("code = ?", (node.code,)))
    if node.system is not None:
        system = scope.lookup.name(Kind.SYSTEM, node.system)
        conditions.append(FALSE if system is None else Sql("system = ?", (system,)))
    where = both(*conditions)
    written = Sql(f"{column} IN (SELECT id FROM unit WHERE {where.text})", where.args)
    units = [(written, node.low, node.high)]
    if node.canonical:
        low, high, unit = node.canonical
        found = execute("SELECT id FROM unit WHERE code = ? AND system = 0 AND kind = 2", (unit,))
        units += [(Sql(f"{column} = ?", (id,)), low, high) for (id,) in found]
    return units


_FACT_HIGH = "CASE f.b WHEN '' THEN f.a ELSE f.b END"


def _fact(param: int | None, condition: Sql, at: At) -> Sql:
    if param is None:
        return FALSE
    text = f"SELECT 1 FROM fact f WHERE f.rid = {at.row} AND f.param = ? AND ({condition.text})"
    return exists(Sql(text, (param, *condition.args)))


def _by_width(head: Sql, template: str, s_low: float, s_high: float) -> Sql:
    """Points first, by a range of the index; then the ranges, all of them."""
    selects = []
    for wide, high in ((0, "low"), (1, "high")):
        condition = _filled(template, "low", high, s_low, s_high)
        text = f"{head.text} AND wide = {wide} AND ({condition.text})"
        selects.append(Sql(text, head.args + condition.args))
    return union(selects)


def _near(node: plan.Date) -> tuple[int, int]:
    """Open ends brought in, as `layout.date_entry` does for what is stored."""
    return near(node.low), near(node.high)
