"""The usual question, one patient, one code, perhaps a date, without compiling it each time.

Half of what such a search costs would be putting the same text together. The text is compiled once
a shape, by the same functions as any other; here stands only which values it binds. A shape whose
values come out otherwise than the compiler's is never used.
"""

from __future__ import annotations

from collections.abc import Callable

from careplane.search import plan
from careplane.search.plan import Query
from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.ranges import values_of
from careplane.storage.engines.sqlite.plans.scope import Scope
from careplane.storage.engines.sqlite.plans.sql import Bound, Sql
from careplane.storage.relational.charts import BY_CODE
from careplane.storage.relational.spans import low_ends, near

Shape = tuple[object, ...]
Shapes = dict[Shape, str | None]
_KINDS = (plan.Reference, plan.Token, plan.Date)


def compiled(query: Query, columns: str, scope: Scope, compile: Callable[[], Sql]) -> Sql:
    """As `compile` has it, faster where the question is the usual one."""
    usual = _usual(query, scope)
    if usual is None:
        return compile()
    shape, args = (columns, *usual[0]), usual[1]
    shapes = scope.lookup.known.shapes
    text = shapes.get(shape, "")
    if text:
        return Sql(text, args)
    sql = compile()
    if text is not None:
        shapes[shape] = sql.text if sql.args == args else None
    return sql


def _usual(query: Query, scope: Scope) -> tuple[Shape, tuple[Bound, ...]] | None:
    where = query.where
    if not isinstance(where, plan.And) or query.cursor or len(query.types) != 1:
        return None
    order = tuple(map(type, where.parts))
    if order not in _ORDERS:
        return None
    by_kind = dict(zip(order, where.parts, strict=True))
    link, token = by_kind[plan.Reference], by_kind[plan.Token]
    return _values(query, scope, order, link, token, by_kind.get(plan.Date))  # type: ignore[arg-type]


_ORDERS = {
    (plan.Reference, plan.Token),
    (plan.Token, plan.Reference),
    *((a, b, c) for a in _KINDS for b in _KINDS for c in _KINDS if len({a, b, c}) == 3),
}


def _values(
    query: Query,
    scope: Scope,
    order: tuple[type, ...],
    link: plan.Reference,
    token: plan.Token,
    date: plan.Date | None,
) -> tuple[Shape, tuple[Bound, ...]] | None:
    chart = BY_CODE.get(token.param)
    if chart is None or len(link.targets) != 1 or len(token.codings) != 1:
        return None
    ((type, id),), (coding,) = link.targets, token.codings
    if link.param not in chart.links or coding.code is None:
        return None
    if coding.system is None and not coding.any_system:
        return None
    name = scope.lookup.name
    (query_type,) = query.types
    ids = (
        scope.lookup.rid(scope.tenant, type, id),
        name(Kind.REFERENCE, link.param),
        name(Kind.TOKEN, token.param),
    )
    type_id = name(Kind.TYPE, query_type)
    system = 0 if coding.any_system else name(Kind.SYSTEM, coding.system or "")
    if None in ids or type_id is None or system is None:
        return None
    asked = (*ids, compact(coding.code), *(() if coding.any_system else (system,)))
    if date is None:
        return (order, query.count, coding.any_system), (*asked, type_id)
    date_id = name(Kind.DATE, date.param)
    if date.param != chart.date or date_id is None:
        return None
    low, high = near(date.low), near(date.high)
    args = (
        *asked, *low_ends(date.prefix, low, high, 0), *asked,
        type_id, date_id, *values_of(date.prefix, low, high),
    )  # fmt: skip
    return (order, query.count, coding.any_system, date.prefix), args
