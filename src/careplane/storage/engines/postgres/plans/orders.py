"""`_sort` as SQL: for each key a value of the candidate, as `search.order` defines it."""

from __future__ import annotations

from collections.abc import Callable

from careplane.search.plan import SortBy, SortKey
from careplane.storage.engines.postgres.plans.scope import Scope


def value(key: SortKey, scope: Scope) -> str:
    """A scalar expression over the candidate r; null where the resource has no value."""
    return _VALUES[key.by](key, scope)


def _ends(low: str, high: str, key: SortKey) -> str:
    return f"max({high})" if key.descending else f"min({low})"


def _date(key: SortKey, scope: Scope) -> str:
    param = scope.bind(scope.names.param("date", key.param), "bigint")
    return (
        f"(SELECT {_ends('r.dates[i + 2]', 'r.dates[i + 3]', key)} "
        "FROM generate_series(1, cardinality(r.dates), 4) i "
        f"WHERE r.dates[i] = 0 AND r.dates[i + 1] = {param})"
    )


def _of_numbers(kind: str, extra: str) -> Callable[[SortKey, Scope], str]:
    def expression(key: SortKey, scope: Scope) -> str:
        param = scope.bind(float(scope.names.param(kind, key.param)), "double precision")
        return (
            f"(SELECT {_ends('r.numbers[i + 3]', 'r.numbers[i + 4]', key)} "
            "FROM generate_series(1, cardinality(r.numbers), 5) i "
            f"WHERE r.numbers[i] = 0 AND r.numbers[i + 1] = {param}{extra})"
        )

    return expression


def _of_terms(kind: str) -> Callable[[SortKey, Scope], str]:
    def expression(key: SortKey, scope: Scope) -> str:
        param = scope.bind(scope.names.param(kind, key.param), "bigint")
        return (
            f"(SELECT {_ends('m.folded', 'm.folded', key)} FROM unnest(r.keys) k "
            f"JOIN term m ON {scope.mine('m')} AND m.key = k WHERE m.param = {param})"
        )

    return expression


def _reference(key: SortKey, scope: Scope) -> str:
    link = scope.bind(scope.names.link(scope.tenant, key.param), "bigint")
    both = "m.type || '/' || m.id"
    return (
        f"(SELECT {_ends(both, both, key)} FROM unnest(r.keys) k "
        f"JOIN resource m ON {scope.mine('m')} AND m.ident = k # {link})"
    )


_BESIDE = " AND r.numbers[i + 2]::bigint & 3 <> 1"
"""Canonical values where there are some, else as written."""
_VALUES: dict[SortBy, Callable[[SortKey, Scope], str]] = {
    SortBy.DATE: _date,
    SortBy.NUMBER: _of_numbers("number", ""),
    SortBy.QUANTITY: _of_numbers("quantity", _BESIDE),
    SortBy.STRING: _of_terms("string"),
    SortBy.URI: _of_terms("uri"),
    SortBy.TOKEN: _of_terms("token"),
    SortBy.REFERENCE: _reference,
    SortBy.ID: lambda key, scope: "r.id",
    SortBy.UPDATED: lambda key, scope: "r.updated",
}
