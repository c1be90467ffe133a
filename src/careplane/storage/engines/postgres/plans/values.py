"""Nodes that are found by being equal: tokens, strings, uris, and what is there at all."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.search import plan
from careplane.search.fold import fold
from careplane.search.plan import TextMode, UriMode
from careplane.storage.engines.postgres.layout import plain
from careplane.storage.engines.postgres.plans.scope import (
    FALSE,
    TRUE,
    At,
    Scope,
    either,
    has_any,
    has_any_of,
)
from careplane.storage.relational.prefixes import following, paths

_HEAD = 64
"""How many letters of a text the index has."""


def token(node: plan.Token, scope: Scope, at: At) -> str:
    return has_any(token_keys(node, scope), scope, at)


def token_keys(node: plan.Token, scope: Scope) -> Iterator[int]:
    names, tenant = scope.names, scope.tenant
    for coding in node.codings:
        if coding.code is None:
            if coding.any_system:
                yield names.present(tenant, node.param)
            else:
                yield names.system(tenant, node.param, coding.system)
        elif coding.any_system:
            yield names.code(tenant, node.param, coding.code)
        else:
            yield names.coding(tenant, node.param, coding.system, coding.code)


def present(node: plan.Present, scope: Scope, at: At) -> str:
    return has_any((scope.names.present(scope.tenant, node.param),), scope, at)


def text(node: plan.Text, scope: Scope, at: At) -> str:
    if node.mode is TextMode.EXACT:
        names, tenant = scope.names, scope.tenant
        keys = (names.string(tenant, node.param, fold(v), v) for v in node.values)
        return has_any(keys, scope, at)
    meets = starts if node.mode is TextMode.STARTS else _contains
    alias = scope.alias()
    condition = either([meets(plain(value), alias, scope) for value in node.values])
    return _terms("string", node.param, condition, alias, scope, at)


def uri(node: plan.Uri, scope: Scope, at: At) -> str:
    meets, alias = _URI_MODES[node.mode], scope.alias()
    condition = either([meets(plain(value), alias, scope) for value in node.values])
    return _terms("uri", node.param, condition, alias, scope, at)


def _terms(kind: str, param: str, condition: str, alias: str, scope: Scope, at: At) -> str:
    """The candidate has one of the terms that meet the condition: they are looked up once."""
    if condition == FALSE:
        return FALSE
    id = scope.bind(scope.names.param(kind, param), "bigint")
    array = (
        f"ARRAY(SELECT {alias}.key FROM term {alias} "
        f"WHERE {scope.mine(alias)} AND {alias}.param = {id} AND ({condition}))"
    )
    return has_any_of(array, at)


def starts(value: str, alias: str, scope: Scope) -> str:
    """A range of the index on the head of the text, and the rest of a longer value."""
    if not value:
        return TRUE
    head, column = value[:_HEAD], f"left({alias}.folded, {_HEAD})"
    condition = f"{column} >= {scope.bind(head, 'text')}"
    after = following(head)
    if after is not None:
        condition += f" AND {column} < {scope.bind(after, 'text')}"
    if len(value) > _HEAD:
        condition += f" AND starts_with({alias}.folded, {scope.bind(value, 'text')})"
    return condition


def _contains(value: str, alias: str, scope: Scope) -> str:
    return f"strpos({alias}.folded, {scope.bind(value, 'text')}) > 0" if value else TRUE


def _among(values: list[str], column: str, scope: Scope) -> str:
    return f"{column} = ANY({scope.bind(values, 'text[]')})"


def _is_one_of(values: list[str], alias: str, scope: Scope) -> str:
    """By the index, and as a whole."""
    heads = sorted({value[:_HEAD] for value in values})
    head = _among(heads, f"left({alias}.folded, {_HEAD})", scope)
    return f"{head} AND {_among(values, f'{alias}.folded', scope)}"


def _same(value: str, alias: str, scope: Scope) -> str:
    """The value, with whatever `|version`."""
    equal = _is_one_of([value], alias, scope)
    return equal if "|" in value else either([equal, starts(value + "|", alias, scope)])


def _below(value: str, alias: str, scope: Scope) -> str:
    inside = value if value.endswith("/") else value + "/"
    return either([_same(value, alias, scope), starts(inside, alias, scope)])


def _above(value: str, alias: str, scope: Scope) -> str:
    above = paths(value)
    base = f"strpos({alias}.folded, '|') > 0 AND " + _among(
        above, f"split_part({alias}.folded, '|', 1)", scope
    )
    return either([_is_one_of(above, alias, scope), base])


_URI_MODES = {UriMode.EXACT: _same, UriMode.BELOW: _below, UriMode.ABOVE: _above}
