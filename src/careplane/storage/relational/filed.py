"""Finding audit records in their index, as SQL that SQLite and PostgreSQL both read.

The index has a row for each term of a record. One set of terms leads, the one with the fewest rows;
the others are asked of each row that it gives, by the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from careplane.storage.ports.audit import AuditQuery

MOST_COUNTED = 2_000
"""Rows of a set of terms that are counted to see which leads."""


class Statement(Struct):
    """SQL on its way, with its values. `mark` writes the place of the n-th value."""

    mark: Callable[[int], str]
    values: list[int]

    def put(self, value: int) -> str:
        """The place of a value."""
        self.values.append(value)
        return self.mark(len(self.values))

    def among(self, column: str, terms: frozenset[int]) -> str:
        """Whether a column has one of the terms: it has none of none."""
        if not terms:
            return "1 = 0"
        return f"{column} IN ({', '.join(self.put(term) for term in sorted(terms))})"


def size(statement: Statement, where: str, terms: frozenset[int]) -> str:
    """How many rows these terms have, `MOST_COUNTED` at most."""
    inner = f"SELECT 1 FROM filed WHERE {where}{statement.among('term', terms)}"  # noqa: S608
    return f"SELECT count(*) FROM ({inner} LIMIT {MOST_COUNTED}) n"  # noqa: S608  (numbers)


def found(statement: Statement, query: AuditQuery, leads: int, tenant: int | None) -> str:
    """`seq` and `recorded` of what matches, in order; `leads` is the place of the set of terms to
    go by; `tenant` where the index has it as a column."""
    own = "" if tenant is None else f"{{}}.tenant = {tenant} AND "
    order = "DESC" if query.newest_first else "ASC"
    others = [terms for place, terms in enumerate(query.having) if place != leads]
    parts = [statement.among("f.term", query.having[leads]), *_times(statement, query)]
    for terms, verb in [*((terms, "EXISTS") for terms in others), (query.without, "NOT EXISTS")]:
        if terms:
            inner = f"{own.format('g')}{statement.among('g.term', terms)}"
            same = "g.recorded = f.recorded AND g.seq = f.seq"
            parts.append(f"{verb} (SELECT 1 FROM filed g WHERE {inner} AND {same})")  # noqa: S608
    distinct = "DISTINCT " if len(query.having[leads]) > 1 else ""
    return (
        f"SELECT {distinct}f.seq, f.recorded FROM filed f "  # noqa: S608
        f"WHERE {own.format('f')}{' AND '.join(parts)} "
        f"ORDER BY f.recorded {order}, f.seq {order} LIMIT {query.count}"
    )


def _times(statement: Statement, query: AuditQuery) -> Sequence[str]:
    parts = []
    if query.since is not None:
        parts.append(f"f.recorded >= {statement.put(query.since)}")
    if query.before is not None:
        parts.append(f"f.recorded < {statement.put(query.before)}")
    if query.after is not None:
        sign = "<" if query.newest_first else ">"
        recorded, seq = map(statement.put, query.after)
        parts.append(f"(f.recorded, f.seq) {sign} ({recorded}, {seq})")
    return parts
