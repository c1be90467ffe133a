"""An And that names patients, themselves or by what is known of them, and codes: answered from the
table `chart` (relational.charts)."""

from __future__ import annotations

from careplane.search import plan
from careplane.search.plan import Node
from careplane.storage.engines.sqlite.compact import Compact
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans import driver, links
from careplane.storage.engines.sqlite.plans.scope import Compiler, Scope
from careplane.storage.engines.sqlite.plans.selves import among, rids
from careplane.storage.engines.sqlite.plans.sql import Sql, both, either, inside, union
from careplane.storage.engines.sqlite.plans.tokens import ANY, wanted
from careplane.storage.relational.charts import BY_CODE, Chart
from careplane.storage.relational.spans import low_ends, near

_MOST_TARGETS = 50
_MOST_FOLLOWED = 500
"""Patients of a chain; with more, those of its code that come first are likelier to be theirs."""
Link = plan.Reference | plan.Chain


def start(node: plan.And, scope: Scope, compiler: Compiler) -> tuple[Sql, Node] | None:
    """Candidates, and what is left to check; None where this And is no such question."""
    for token in node.parts:
        chart = BY_CODE.get(token.param) if isinstance(token, plan.Token) else None
        link = _link(node, chart) if chart else None
        if chart and link and isinstance(token, plan.Token):
            source = _source(node, chart, link, token, scope, compiler)
            rest = tuple(part for part in node.parts if part is not token and part is not link)
            return None if source is None else (source, plan.And(rest))
    return None


def _link(node: plan.And, chart: Chart) -> Link | None:
    """The part that names the patients: a chain, where nothing names them by id."""
    found: Link | None = None
    for part in node.parts:
        if isinstance(part, plan.Reference) and part.param in chart.links:
            return part if len(part.targets) <= _MOST_TARGETS else None
        if isinstance(part, plan.Chain) and part.param in chart.links:
            found = found or part
    return found


def _source(
    node: plan.And, chart: Chart, link: Link, token: plan.Token, scope: Scope, compiler: Compiler
) -> Sql | None:
    codes = wanted(token, scope)
    if not all(codes.values()):
        return None  # a whole system is not found by code
    if isinstance(link, plan.Chain):
        followed = _followed(link, token, scope, compiler)
        return followed and _dated(node, chart, both(followed, _about(link, token, codes, scope)))
    link_id = scope.lookup.name(Kind.REFERENCE, link.param)
    param = scope.lookup.name(Kind.TOKEN, token.param)
    targets = rids(link.targets, scope)
    if len(targets) == len(token.codings) == len(codes) == 1:
        return _dated(node, chart, _one(targets[0], link_id or 0, param or 0, codes))
    where = both(among("target", targets), _about(link, token, codes, scope))
    return _dated(node, chart, where)


def _about(link: Link, token: plan.Token, codes: dict[int, list[Compact]], scope: Scope) -> Sql:
    """Of whichever patients: through this link, with one of the codes."""
    link_id = scope.lookup.name(Kind.REFERENCE, link.param)
    param = scope.lookup.name(Kind.TOKEN, token.param)
    coded = either(*[_coded(system, some) for system, some in codes.items()])
    return both(Sql("link = ? AND param = ?", (link_id or 0, param or 0)), coded)


def _followed(link: plan.Chain, token: plan.Token, scope: Scope, compiler: Compiler) -> Sql | None:
    """Those that a chain leads through; None where it is quicker to begin with the code."""
    few = driver.size(link.where, scope, compiler, _MOST_FOLLOWED)
    if few >= _MOST_FOLLOWED or driver.size(token, scope, compiler, few + 1) <= few:
        return None
    people = links.targets(link, scope, compiler)
    return people and Sql(f"target IN ({people.text})", people.args)


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
