"""An And that names a patient and codes, answered from the table `chart` (relational.charts)."""

from __future__ import annotations

from careplane.search import plan
from careplane.search.plan import Node
from careplane.storage.engines.sqlite.compact import Compact
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.scope import Scope
from careplane.storage.engines.sqlite.plans.selves import among, rids
from careplane.storage.engines.sqlite.plans.sql import Sql, both, either, inside, union
from careplane.storage.engines.sqlite.plans.tokens import ANY, wanted
from careplane.storage.relational.charts import BY_CODE, Chart
from careplane.storage.relational.spans import low_ends, near

_MOST_TARGETS = 50


def start(node: plan.And, scope: Scope) -> tuple[Sql, Node] | None:
    """Candidates, and what is left to check; None where this And is no such question."""
    for token in node.parts:
        chart = BY_CODE.get(token.param) if isinstance(token, plan.Token) else None
        link = _link(node, chart) if chart else None
        if chart and link and isinstance(token, plan.Token):
            source = _source(node, chart, link, token, scope)
            rest = tuple(part for part in node.parts if part is not token and part is not link)
            return None if source is None else (source, plan.And(rest))
    return None


def _link(node: plan.And, chart: Chart) -> plan.Reference | None:
    for part in node.parts:
        if isinstance(part, plan.Reference) and part.param in chart.links:
            return part if len(part.targets) <= _MOST_TARGETS else None
    return None


def _source(
    node: plan.And, chart: Chart, link: plan.Reference, token: plan.Token, scope: Scope
) -> Sql | None:
    codes = wanted(token, scope)
    if not all(codes.values()):
        return None  # a whole system is not found by code
    link_id = scope.lookup.name(Kind.REFERENCE, link.param)
    param = scope.lookup.name(Kind.TOKEN, token.param)
    targets = rids(link.targets, scope)
    if len(targets) == len(token.codings) == len(codes) == 1:
        return _dated(node, chart, _one(targets[0], link_id or 0, param or 0, codes))
    coded = either(*[_coded(system, some) for system, some in codes.items()])
    where = both(
        among("target", targets),
        Sql("link = ? AND param = ?", (link_id or 0, param or 0)),
        coded,
    )
    return _dated(node, chart, where)


def _one(target: int, link: int, param: int, codes: dict[int, list[Compact]]) -> Sql:
    """The usual question, one patient and one code, without putting it together from parts."""
    ((system, (code,)),) = codes.items()
    if system == ANY:
        return Sql(
            "target = ? AND link = ? AND param = ? AND code = ?", (target, link, param, code)
        )
    text = "target = ? AND link = ? AND param = ? AND code = ? AND system = ?"
    return Sql(text, (target, link, param, code, system))


def _coded(system: int, codes: list[Compact]) -> Sql:
    code = inside("code", codes)
    return code if system == ANY else both(code, Sql("system = ?", (system,)))


def _dated(node: plan.And, chart: Chart, where: Sql) -> Sql:
    """Narrowed to when the date asked for can lie; the date itself is checked all the same."""
    head = f"SELECT rid FROM chart WHERE {where.text}"
    date = next((p for p in node.parts if isinstance(p, plan.Date) and p.param == chart.date), None)
    if date is None:
        return Sql(head, where.args)
    low, high = near(date.low), near(date.high)
    ends = low_ends(date.prefix, low, high, 0)
    days = Sql(f"{head} AND wide = 0 AND low BETWEEN ? AND ?", (*where.args, *ends))
    return union([days, Sql(f"{head} AND wide > 0", where.args)])
