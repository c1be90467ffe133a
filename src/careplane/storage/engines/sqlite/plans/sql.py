"""Fragments of SQL with the values they bind: nothing a client sent is ever part of the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

Bound: TypeAlias = int | float | str | bytes


class Sql(NamedTuple):
    """A piece of SQL and its values, in order."""

    text: str
    args: tuple[Bound, ...] = ()


TRUE, FALSE = Sql("1"), Sql("0")
NONE = Sql("SELECT 0 AS rid WHERE 0")
"""A source of nothing."""
_MANY = 2_000
"""More values than that are one text."""
_FLAT = 100
"""SQLite parses a chain of ORs to a tree as deep as it is long, and refuses 1,000 levels."""


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    parts = list(parts)
    return Sql(
        separator.join(part.text for part in parts), tuple(a for part in parts for a in part.args)
    )


def both(*parts: Sql) -> Sql:
    """All conditions."""
    return _chain(" AND ", [p for p in parts if p != TRUE], TRUE)


def either(*parts: Sql) -> Sql:
    """Any condition."""
    return _chain(" OR ", [p for p in parts if p != FALSE], FALSE)


def negated(part: Sql) -> Sql:
    return Sql(f"NOT ({part.text})", part.args)


def exists(select: Sql) -> Sql:
    return Sql(f"EXISTS ({select.text})", select.args)


def inside(column: str, values: Sequence[Bound]) -> Sql:
    """The column has one of the values. Lists are padded to a power of two, so that there are few
    texts to prepare."""
    if not values:
        return FALSE
    if len(values) == 1:
        return Sql(f"{column} = ?", (values[0],))
    if len(values) > _MANY:
        return _among(column, values)
    size = 1 << (len(values) - 1).bit_length()
    padded = (*values, *[values[-1]] * (size - len(values)))
    return Sql(f"{column} IN ({','.join('?' * size)})", padded)


def _among(column: str, values: Sequence[Bound]) -> Sql:
    """The same for more values than a statement may have variables: as one text, those that JSON
    does not know as hexadecimal digits."""
    raws = [value.hex() for value in values if isinstance(value, bytes)]
    others = [value for value in values if not isinstance(value, bytes)]
    return Sql(
        f"{column} IN (SELECT value FROM json_each(?) "
        "UNION ALL SELECT unhex(value) FROM json_each(?))",
        (json.dumps(others), json.dumps(raws)),
    )


def union(selects: Sequence[Sql]) -> Sql:
    return joined(" UNION ALL ", selects)


def _chain(operator: str, parts: Sequence[Sql], empty: Sql) -> Sql:
    if not parts:
        return empty
    if len(parts) == 1:
        return parts[0]
    if len(parts) > _FLAT:
        middle = len(parts) // 2
        parts = [_chain(operator, half, empty) for half in (parts[:middle], parts[middle:])]
    return joined(operator, [Sql(f"({part.text})", part.args) for part in parts])
