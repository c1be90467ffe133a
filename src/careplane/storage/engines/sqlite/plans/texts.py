"""String and uri nodes over `term`, `wording` and `fact`.

SQLite compares texts by their UTF-8 bytes, which is the order of code points.
"""

from __future__ import annotations

from careplane.search import plan
from careplane.search.fold import fold
from careplane.search.plan import TextMode, UriMode
from careplane.search.rows import Param
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import (
    FALSE,
    NONE,
    Sql,
    both,
    either,
    exists,
    inside,
)
from careplane.storage.relational.prefixes import following, paths

_BASE = "CASE instr(m.folded, '|') WHEN 0 THEN m.folded ELSE substr(m.folded, 1, instr(m.folded, '|') - 1) END"  # noqa: E501


def check_text(node: plan.Text, scope: Scope, at: At) -> Sql:
    return _check(Kind.STRING, node.param, _text(node), scope, at)


def source_text(node: plan.Text, scope: Scope) -> Sql:
    return _source(Kind.STRING, node.param, _text(node), scope)


def check_uri(node: plan.Uri, scope: Scope, at: At) -> Sql:
    return _check(Kind.URI, node.param, _uri(node), scope, at)


def source_uri(node: plan.Uri, scope: Scope) -> Sql:
    return _source(Kind.URI, node.param, _uri(node), scope)


def _check(kind: Kind, param: Param, condition: Sql, scope: Scope, at: At) -> Sql:
    id = scope.lookup.name(kind, param)
    if id is None:
        return FALSE
    select = (
        "SELECT 1 FROM fact f CROSS JOIN term m ON m.id = f.a "
        f"WHERE f.rid = {at.row} AND f.param = ? AND ({condition.text})"
    )
    return exists(Sql(select, (id, *condition.args)))


def _source(kind: Kind, param: Param, condition: Sql, scope: Scope) -> Sql:
    id = scope.lookup.name(kind, param)
    if id is None:
        return NONE
    select = (
        "SELECT w.rid AS rid FROM term m CROSS JOIN wording w ON w.term = m.id "
        f"WHERE m.tenant = ? AND m.param = ? AND ({condition.text})"
    )
    return Sql(select, (scope.tenant, id, *condition.args))


def _text(node: plan.Text) -> Sql:
    return either(*[_MODES[node.mode](value) for value in node.values])


def _contains(value: str) -> Sql:
    return Sql("instr(m.folded, ?) > 0", (value,))


def _exact(value: str) -> Sql:
    return Sql("m.folded = ? AND m.text = ?", (fold(value), value))


def starts(value: str) -> Sql:
    """A range of the index: from the value up to what follows all that begins with it."""
    after = following(value)
    if not value:
        return Sql("1")
    if after is None:
        return Sql("m.folded >= ?", (value,))
    return Sql("m.folded >= ? AND m.folded < ?", (value, after))


_MODES = {TextMode.STARTS: starts, TextMode.CONTAINS: _contains, TextMode.EXACT: _exact}


def _uri(node: plan.Uri) -> Sql:
    return either(*[_URI_MODES[node.mode](value) for value in node.values])


def _same(value: str) -> Sql:
    """The value, with whatever `|version`."""
    equal = Sql("m.folded = ?", (value,))
    return equal if "|" in value else either(equal, starts(value + "|"))


def _below(value: str) -> Sql:
    return either(_same(value), starts(value if value.endswith("/") else value + "/"))


def _above(value: str) -> Sql:
    above = paths(value)
    return either(inside("m.folded", above), both(Sql("instr(m.folded, '|') > 0"), inside(_BASE, above)))  # fmt: skip  # noqa: E501


_URI_MODES = {UriMode.EXACT: _same, UriMode.BELOW: _below, UriMode.ABOVE: _above}
