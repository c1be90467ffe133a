"""`_sort` as SQL: for each key a value of the candidate, as `search.order` defines it."""

from __future__ import annotations

from collections.abc import Callable

from careplane.search.plan import SortBy, SortKey
from careplane.storage.engines.sqlite.compact import expanded
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.plans.scope import Scope
from careplane.storage.engines.sqlite.plans.sql import Sql

_NULL = Sql("NULL")
_HIGH = "CASE f.b WHEN '' THEN f.a ELSE f.b END"


def value(key: SortKey, scope: Scope) -> Sql:
    """A scalar expression over the candidate r; NULL where the resource has no value."""
    return _VALUES[key.by](key, scope)


def _ends(low: str, high: str, key: SortKey) -> str:
    return f"max({high})" if key.descending else f"min({low})"


def _of_facts(kind: Kind, low: str, high: str, extra: str = "") -> Callable[[SortKey, Scope], Sql]:
    def expression(key: SortKey, scope: Scope) -> Sql:
        param = scope.lookup.name(kind, key.param)
        if param is None:
            return _NULL
        ends = _ends(low, high, key)
        text = f"SELECT {ends} FROM fact f {extra} WHERE f.rid = r.rid AND f.param = ?"
        return Sql(f"({text})", (param,))

    return expression


def _quantity(key: SortKey, scope: Scope) -> Sql:
    """Canonical values where there are some (unit kind 2), else as written (0)."""
    param = scope.lookup.name(Kind.QUANTITY, key.param)
    if param is None:
        return _NULL
    text = f"SELECT {_ends('f.a', _HIGH, key)} FROM fact f WHERE f.rid = r.rid AND f.param = ? AND f.c & 3 <> 1"  # noqa: E501
    return Sql(f"({text})", (param,))


def _token(key: SortKey, scope: Scope) -> Sql:
    """Codes have no way from resource to code; the parameter's are laid out once."""
    param = scope.lookup.name(Kind.TOKEN, key.param)
    if param is None:
        return _NULL
    code = expanded("code")
    name = scope.alias()
    text = (
        f"(SELECT v FROM (SELECT rid, {_ends(code, code, key)} AS v FROM token "
        f"WHERE tenant = ? AND param = ? GROUP BY rid) {name} WHERE {name}.rid = r.rid)"
    )
    return Sql(text, (scope.tenant, param))


def _reference(key: SortKey, scope: Scope) -> Sql:
    param = scope.lookup.name(Kind.REFERENCE, key.param)
    if param is None:
        return _NULL
    both = f"n.text || '/' || {expanded('x.fhir_id')}"
    text = (
        f"SELECT {_ends(both, both, key)} FROM fact f CROSS JOIN resource x ON x.rid = f.a "
        f"JOIN name n ON n.kind = {int(Kind.TYPE)} AND n.id = x.type "
        "WHERE f.rid = r.rid AND f.param = ?"
    )
    return Sql(f"({text})", (param,))


_TERM = "CROSS JOIN term m ON m.id = f.a"
_VALUES: dict[SortBy, Callable[[SortKey, Scope], Sql]] = {
    SortBy.DATE: _of_facts(Kind.DATE, "f.a", "f.a + f.b"),
    SortBy.NUMBER: _of_facts(Kind.NUMBER, "f.a", _HIGH),
    SortBy.STRING: _of_facts(Kind.STRING, "m.folded", "m.folded", _TERM),
    SortBy.URI: _of_facts(Kind.URI, "m.folded", "m.folded", _TERM),
    SortBy.QUANTITY: _quantity,
    SortBy.TOKEN: _token,
    SortBy.REFERENCE: _reference,
    SortBy.ID: lambda key, scope: Sql(f"({expanded('r.fhir_id')})"),
    SortBy.UPDATED: lambda key, scope: Sql("(SELECT updated FROM version WHERE t = r.t)"),
}
