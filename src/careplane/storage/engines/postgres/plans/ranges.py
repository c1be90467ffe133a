"""Date, number and quantity nodes over the arrays of the candidate: the formulas of `search.ranges`
as SQL; and the same over the tables of ranges, as ways to candidates."""

from __future__ import annotations

from careplane.search import plan
from careplane.storage.engines.postgres.plans.scope import At, Scope, either
from careplane.storage.relational.spans import RANGE, SPAN, WIDTHS, low_ends, near


def date(node: plan.Date, scope: Scope, at: At) -> str:
    d, i = f"{at.row}.dates", scope.alias()
    low, high = near(node.low), near(node.high)
    param = scope.bind(scope.names.param("date", node.param), "bigint")
    formula = SPAN[node.prefix].format(
        l=f"{d}[{i} + 2]", h=f"{d}[{i} + 3]",
        a=scope.bind(low, "bigint"), b=scope.bind(high, "bigint"),
    )  # fmt: skip
    return (
        f"EXISTS (SELECT FROM generate_series(1, cardinality({d}), 4) {i} "
        f"WHERE {d}[{i}] = {at.group} AND {d}[{i} + 1] = {param} AND ({formula}))"
    )


def number(node: plan.Number, scope: Scope, at: At) -> str:
    n, i = f"{at.row}.numbers", scope.alias()
    formula = _formula(node, f"{n}[{i} + 3]", f"{n}[{i} + 4]", node.low, node.high, scope)
    return _some(scope.names.param("number", node.param), formula, i, scope, at)


def quantity(node: plan.Quantity, scope: Scope, at: At) -> str:
    n, i = f"{at.row}.numbers", scope.alias()
    low, high = f"{n}[{i} + 3]", f"{n}[{i} + 4]"
    ways = [
        f"{n}[{i} + 2] = ANY({units}) AND ({_formula(node, low, high, s_low, s_high, scope)})"
        for units, s_low, s_high in _units(node, scope)
    ]
    return _some(scope.names.param("quantity", node.param), either(ways), i, scope, at)


def _some(param: int, formula: str, i: str, scope: Scope, at: At) -> str:
    """One of the numbers of the candidate meets the formula."""
    n = f"{at.row}.numbers"
    bound = scope.bind(float(param), "double precision")
    return (
        f"EXISTS (SELECT FROM generate_series(1, cardinality({n}), 5) {i} "
        f"WHERE {n}[{i}] = {at.group} AND {n}[{i} + 1] = {bound} AND ({formula}))"
    )


def _units(node: plan.Quantity, scope: Scope) -> list[tuple[str, float, float]]:
    """Which units can match, as arrays, each with the range in it. Rows that have a canonical form
    are compared in it when the node has one too; see the kinds of `names.unit`."""
    u = scope.alias()
    kinds = "0" if node.canonical else "0, 1"
    where = f"{scope.mine(u)} AND {u}.unit & 3 IN ({kinds})"
    if node.code is not None:
        where += f" AND {u}.code = {scope.bind(node.code, 'text')}"
    if node.system is not None:
        where += f" AND {u}.system = {scope.bind(node.system, 'text')}"
    found = [(f"ARRAY(SELECT {u}.unit FROM unit {u} WHERE {where})", node.low, node.high)]
    if node.canonical:
        low, high, unit = node.canonical
        only = scope.names.unit(None, unit, 2)
        found.append((f"ARRAY[{scope.bind(only, 'bigint')}]", low, high))
    return found


def _formula(
    node: plan.Number | plan.Quantity,
    column: str,
    high_column: str,
    low: float,
    high: float,
    scope: Scope,
) -> str:
    return RANGE[node.prefix].format(
        l=column, h=high_column,
        a=scope.bind(float(low), "double precision"), b=scope.bind(float(high), "double precision"),
    )  # fmt: skip


def date_way(node: plan.Date, scope: Scope) -> str:
    """A SELECT of idents, from the table of ranges."""
    param = scope.bind(scope.names.param("date", node.param), "bigint")
    low, high = near(node.low), near(node.high)
    formula = SPAN[node.prefix].format(
        l="d.low", h="d.high", a=scope.bind(low, "bigint"), b=scope.bind(high, "bigint")
    )
    mine = scope.mine("d")
    ways = []
    for wide in range(len(WIDTHS) + 1):
        first, last = (scope.bind(e, "bigint") for e in low_ends(node.prefix, low, high, wide))
        ways.append(
            f"SELECT d.ident FROM date_range d WHERE {mine} AND d.param = {param} "
            f"AND d.wide = {wide} AND d.low BETWEEN {first} AND {last} AND ({formula})"
        )
    return " UNION ALL ".join(ways)


def number_way(node: plan.Number | plan.Quantity, scope: Scope) -> str:
    """The same for numbers: points by a range of the index, then all that are ranges."""
    kind = "number" if isinstance(node, plan.Number) else "quantity"
    param = scope.bind(scope.names.param(kind, node.param), "bigint")
    units = [("ARRAY[0::bigint]", node.low, node.high)]
    if isinstance(node, plan.Quantity):
        units = _units(node, scope)
    mine, ways = scope.mine("d"), []
    for unit, low, high in units:
        for wide, column in ((0, "d.low"), (1, "d.high")):
            formula = _formula(node, "d.low", column, low, high, scope)
            ways.append(
                f"SELECT d.ident FROM number_range d WHERE {mine} AND d.param = {param} "
                f"AND d.unit = ANY({unit}) AND d.wide = {wide} AND ({formula})"
            )
    return " UNION ALL ".join(ways)
