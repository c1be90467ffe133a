"""Rows of a tenant that are written together: one statement for all tables, however many rows.

The tenant is bound once, so that where tables are distributed by it one place is written to. A list
of lists has no binding, so arrays come joined, with where each begins and ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from careplane.storage.engines.postgres.layout import Layout, Term
from careplane.storage.engines.postgres.words import Texts


@dataclass(slots=True)
class Resource:
    """A row of `resource`; without a layout one that is only referred to."""

    ident: int
    rid: int
    type: str
    id: str
    version: int = 0
    born: int = 0
    updated: int = 0
    gone: bool = True
    layout: Layout = field(default_factory=Layout)


@dataclass(slots=True)
class Batch:
    """What is written next. Resources by ident, terms by key, units by number."""

    tenant: int
    resources: dict[int, Resource] = field(default_factory=dict)
    versions: list[tuple[Any, ...]] = field(default_factory=list)
    dates: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[tuple[Any, ...]] = field(default_factory=list)
    no_dates: list[tuple[Any, ...]] = field(default_factory=list)
    no_numbers: list[tuple[Any, ...]] = field(default_factory=list)
    terms: dict[int, Term] = field(default_factory=dict)
    units: dict[int, tuple[str, str]] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)
    outbox: list[bytes] = field(default_factory=list)
    words: dict[int, Texts] = field(default_factory=dict)

    def index(self, ident: int, new: Layout, old: Layout) -> None:
        """The difference between two versions, in the tables beside `resource`."""
        self.dates += [(*d, ident) for d in new.date_ranges - old.date_ranges]
        self.no_dates += [(*d, ident) for d in old.date_ranges - new.date_ranges]
        self.numbers += [(*n, ident) for n in new.number_ranges - old.number_ranges]
        self.no_numbers += [(*n, ident) for n in old.number_ranges - new.number_ranges]
        self.name(new)

    @property
    def gone(self) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """What is taken away before the rest is written: statements, each with its rows."""
        return [
            (text, [(self.tenant, *row) for row in rows])
            for text, rows in ((NO_DATE, self.no_dates), (NO_NUMBER, self.no_numbers))
            if rows
        ]

    def name(self, new: Layout) -> None:
        """The texts and units behind a layout's numbers."""
        self.terms |= new.terms
        self.units |= new.units

    def args(self, t: int, rid: int, updated: int) -> list[Any]:
        """What WRITE binds."""
        rows = self.resources.values()
        return [
            self.tenant,
            *_columns(
                [
                    (r.version, r.ident, r.rid, r.born, r.updated,
                     r.layout.groups, r.gone, r.type, r.id)
                    for r in rows
                ],
                9,
            ),
            *_joined([sorted(r.layout.keys) for r in rows]),
            *_joined([sorted(r.layout.group_keys) for r in rows]),
            *_joined([r.layout.dates for r in rows]),
            *_joined([r.layout.numbers for r in rows]),
            *_columns(self.versions, 7),
            *_columns(self.dates, 5),
            *_columns(self.numbers, 6),
            *_columns([(key, *term) for key, term in self.terms.items()], 4),
            *_columns([(key, *texts) for key, texts in self.units.items()], 3),
            *_columns([(type, n) for type, n in self.tally.items() if n], 2),
            self.outbox,
            t, rid, updated,
        ]  # fmt: skip


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    rows = list(rows)
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _joined(lists: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """All in one, and the place of the last of each."""
    flat: list[Any] = []
    ends = []
    for one in lists:
        flat += one
        ends.append(len(flat))
    return [flat, ends]


_INT, _LONG, _REAL, _TEXT, _BYTES, _BOOL = (
    "integer[]", "bigint[]", "double precision[]", "text[]", "bytea[]", "boolean[]",
)  # fmt: skip
_DATE = (_INT, _LONG, _LONG, _LONG, _LONG)
_NUMBER = (_INT, _LONG, _LONG, _REAL, _REAL, _LONG)
_GIVEN: tuple[tuple[str, ...], ...] = (
    (_INT, _LONG, _LONG, _LONG, _LONG, _INT, _BOOL, _TEXT, _TEXT),
    (_LONG, _INT), (_LONG, _INT), (_LONG, _INT), (_REAL, _INT),
    (_INT, _LONG, _LONG, _LONG, _INT, _TEXT, _BYTES),
    _DATE, _NUMBER,
    (_LONG, _LONG, _TEXT, _TEXT),
    (_LONG, _TEXT, _TEXT),
    (_TEXT, _LONG),
    (_BYTES,),
)  # fmt: skip


def _places() -> list[list[str]]:
    """$2::integer[], ... for each of _GIVEN; $1 is the tenant."""
    places, number = [], 1
    for types in _GIVEN:
        places.append([f"${number + n}::{type}" for n, type in enumerate(types, 1)])
        number += len(types)
    return places


def _write() -> str:
    (
        own, keys, group_keys, dates, numbers, versions, add_dates, add_numbers, terms, units,
        tally, outbox,
    ) = _places()  # fmt: skip
    last = 1 + sum(map(len, _GIVEN))
    date_columns = "wide, param, low, high, ident"
    number_columns = "wide, param, unit, low, high, ident"

    def some(places: list[str], columns: str) -> str:
        return f"unnest({', '.join(places)}) u({columns})"

    def add(table: str, columns: str, places: list[str]) -> str:
        return (
            f"INSERT INTO {table} (tenant, {columns}) "
            f"SELECT $1::integer, u.* FROM {some(places, columns)}"
        )

    def part(places: list[str], name: str) -> str:
        flat = places[0]
        return f"({flat})[lag(u.{name}, 1, 0) OVER (ORDER BY u.n) + 1 : u.{name}]"

    ends = [places[1] for places in (keys, group_keys, dates, numbers)]
    own_columns = "version, ident, rid, born, updated, groups, gone, type, id"
    arrays = "keys, group_keys, dates, numbers"
    changed = ", ".join(
        f"{c} = excluded.{c}" for c in (f"version, updated, groups, gone, {arrays}").split(", ")
    )
    return f"""
WITH written AS (
  INSERT INTO resource (tenant, {own_columns}, {arrays})
  SELECT $1::integer, {", ".join(f"u.{c}" for c in own_columns.split(", "))}, {part(keys, "k")},
    nullif({part(group_keys, "g")}, '{{}}'), nullif({part(dates, "d")}, '{{}}'),
    nullif({part(numbers, "f")}, '{{}}')
  FROM unnest({", ".join([*own, *ends])}) WITH ORDINALITY u({own_columns}, k, g, d, f, n)
  ON CONFLICT (tenant, ident) DO UPDATE SET {changed},
    born = CASE resource.born WHEN 0 THEN excluded.born ELSE resource.born END
), versions AS (
  {add("version", "version, ident, t, updated, form, type, body", versions)}
), dates AS (
  {add("date_range", date_columns, add_dates)}
), numbers AS (
  {add("number_range", number_columns, add_numbers)}
), terms AS (
  {add("term", "key, param, folded, text", terms)} ON CONFLICT DO NOTHING
), units AS (
  {add("unit", "unit, code, system", units)} ON CONFLICT DO NOTHING
), tallied AS (
  {add("tally", "type, n", tally)} ON CONFLICT (tenant, type) DO UPDATE SET n = tally.n + excluded.n
), outboxed AS (
  INSERT INTO outbox (tenant, record)
  SELECT $1::integer, u.record FROM unnest({outbox[0]}) WITH ORDINALITY u(record, n) ORDER BY u.n
)
UPDATE sequence SET t = ${last + 1}::bigint, rid = ${last + 2}::bigint, updated = ${last + 3}::bigint
WHERE tenant = $1::integer
"""  # noqa: E501  (our own fragments; values are bound)


WRITE = _write()
NO_DATE = """DELETE FROM date_range WHERE tenant = $1 AND wide = $2 AND param = $3 AND low = $4
AND high = $5 AND ident = $6"""
NO_NUMBER = """DELETE FROM number_range WHERE tenant = $1 AND wide = $2 AND param = $3 AND unit = $4
AND low = $5 AND high = $6 AND ident = $7"""
"""One at a time, in one message: joined with a list, their plan would go through all of a tenant
where it was made while the table was empty."""
