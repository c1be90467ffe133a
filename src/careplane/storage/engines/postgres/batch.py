"""Rows that are written together: one statement for all tables, however many rows.

A list of lists has no binding, so arrays come joined, with where each begins and ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from careplane.storage.engines.postgres.layout import Layout, Term
from careplane.storage.engines.postgres.words import Texts

Identity = tuple[int, int]
"""Tenant and ident."""


@dataclass(slots=True)
class Resource:
    """A row of `resource`; without a layout one that is only referred to."""

    tenant: int
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
    """What is written next."""

    resources: dict[Identity, Resource] = field(default_factory=dict)
    versions: list[tuple[Any, ...]] = field(default_factory=list)
    dates: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[tuple[Any, ...]] = field(default_factory=list)
    no_dates: list[tuple[Any, ...]] = field(default_factory=list)
    no_numbers: list[tuple[Any, ...]] = field(default_factory=list)
    terms: dict[Identity, Term] = field(default_factory=dict)
    units: dict[Identity, tuple[str, str]] = field(default_factory=dict)
    tally: Counter[tuple[int, str]] = field(default_factory=Counter)
    outbox: list[tuple[int, bytes]] = field(default_factory=list)
    words: dict[Identity, Texts] = field(default_factory=dict)

    def index(self, tenant: int, ident: int, new: Layout, old: Layout) -> None:
        """The difference between two versions, in the tables beside `resource`."""
        self.dates += [(tenant, *d, ident) for d in new.date_ranges - old.date_ranges]
        self.no_dates += [(tenant, *d, ident) for d in old.date_ranges - new.date_ranges]
        self.numbers += [(tenant, *n, ident) for n in new.number_ranges - old.number_ranges]
        self.no_numbers += [(tenant, *n, ident) for n in old.number_ranges - new.number_ranges]
        self.name(tenant, new)

    def name(self, tenant: int, new: Layout) -> None:
        """The texts and units behind a layout's numbers."""
        for key, term in new.terms.items():
            self.terms[tenant, key] = term
        for unit, texts in new.units.items():
            self.units[tenant, unit] = texts

    def args(self, t: int, rid: int, updated: int) -> list[Any]:
        """What WRITE binds."""
        rows = self.resources.values()
        return [
            *_columns(
                [
                    (r.tenant, r.version, r.ident, r.rid, r.born, r.updated,
                     r.layout.groups, r.gone, r.type, r.id)
                    for r in rows
                ],
                10,
            ),
            *_joined([sorted(r.layout.keys) for r in rows]),
            *_joined([sorted(r.layout.group_keys) for r in rows]),
            *_joined([r.layout.dates for r in rows]),
            *_joined([r.layout.numbers for r in rows]),
            *_columns(self.versions, 8),
            *_columns(self.no_dates, 6),
            *_columns(self.dates, 6),
            *_columns(self.no_numbers, 7),
            *_columns(self.numbers, 7),
            *_columns([(*key, *term) for key, term in self.terms.items()], 5),
            *_columns([(*key, *texts) for key, texts in self.units.items()], 4),
            *_columns([(*key, n) for key, n in self.tally.items() if n], 3),
            *_columns(self.outbox, 2),
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
_DATE = (_INT, _INT, _LONG, _LONG, _LONG, _LONG)
_NUMBER = (_INT, _INT, _LONG, _LONG, _REAL, _REAL, _LONG)
_GIVEN: tuple[tuple[str, ...], ...] = (
    (_INT, _INT, _LONG, _LONG, _LONG, _LONG, _INT, _BOOL, _TEXT, _TEXT),
    (_LONG, _INT), (_LONG, _INT), (_LONG, _INT), (_REAL, _INT),
    (_INT, _INT, _LONG, _LONG, _LONG, _INT, _TEXT, _BYTES),
    _DATE, _DATE, _NUMBER, _NUMBER,
    (_INT, _LONG, _LONG, _TEXT, _TEXT),
    (_INT, _LONG, _TEXT, _TEXT),
    (_INT, _TEXT, _LONG),
    (_INT, _BYTES),
)  # fmt: skip


def _places() -> list[list[str]]:
    """$1::integer[], ... for each of _GIVEN."""
    places, number = [], 0
    for types in _GIVEN:
        places.append([f"${number + n}::{type}" for n, type in enumerate(types, 1)])
        number += len(types)
    return places


def _write() -> str:
    (
        own, keys, group_keys, dates, numbers, versions, no_dates, add_dates, no_numbers,
        add_numbers, terms, units, tally, outbox,
    ) = _places()  # fmt: skip
    last = sum(map(len, _GIVEN))
    date_columns = "tenant, wide, param, low, high, ident"
    number_columns = "tenant, wide, param, unit, low, high, ident"

    def some(places: list[str], columns: str, name: str) -> str:
        return f"unnest({', '.join(places)}) {name}({columns})"

    def part(places: list[str], name: str) -> str:
        flat = places[0]
        return f"({flat})[lag(u.{name}, 1, 0) OVER (ORDER BY u.n) + 1 : u.{name}]"

    ends = [places[1] for places in (keys, group_keys, dates, numbers)]
    own_columns = "tenant, version, ident, rid, born, updated, groups, gone, type, id"
    arrays = "keys, group_keys, dates, numbers"
    changed = ", ".join(
        f"{c} = excluded.{c}" for c in (f"version, updated, groups, gone, {arrays}").split(", ")
    )
    return f"""
WITH written AS (
  INSERT INTO resource ({own_columns}, {arrays})
  SELECT {", ".join(f"u.{c}" for c in own_columns.split(", "))}, {part(keys, "k")},
    nullif({part(group_keys, "g")}, '{{}}'), nullif({part(dates, "d")}, '{{}}'),
    nullif({part(numbers, "f")}, '{{}}')
  FROM unnest({", ".join([*own, *ends])}) WITH ORDINALITY u({own_columns}, k, g, d, f, n)
  ON CONFLICT (tenant, ident) DO UPDATE SET {changed},
    born = CASE resource.born WHEN 0 THEN excluded.born ELSE resource.born END
), versions AS (
  INSERT INTO version (tenant, version, ident, t, updated, form, type, body)
  SELECT * FROM unnest({", ".join(versions)})
), no_dates AS (
  DELETE FROM date_range x USING {some(no_dates, date_columns, "u")}
  WHERE (x.{", x.".join(date_columns.split(", "))}) = (u.{", u.".join(date_columns.split(", "))})
), dates AS (
  INSERT INTO date_range ({date_columns}) SELECT * FROM unnest({", ".join(add_dates)})
), no_numbers AS (
  DELETE FROM number_range x USING {some(no_numbers, number_columns, "u")}
  WHERE (x.{", x.".join(number_columns.split(", "))}) = (u.{", u.".join(number_columns.split(", "))})
), numbers AS (
  INSERT INTO number_range ({number_columns}) SELECT * FROM unnest({", ".join(add_numbers)})
), terms AS (
  INSERT INTO term (tenant, key, param, folded, text) SELECT * FROM unnest({", ".join(terms)})
  ON CONFLICT DO NOTHING
), units AS (
  INSERT INTO unit (tenant, unit, code, system) SELECT * FROM unnest({", ".join(units)})
  ON CONFLICT DO NOTHING
), tallied AS (
  INSERT INTO tally (tenant, type, n) SELECT * FROM unnest({", ".join(tally)})
  ON CONFLICT (tenant, type) DO UPDATE SET n = tally.n + excluded.n
), outboxed AS (
  INSERT INTO outbox (tenant, record)
  SELECT u.tenant, u.record FROM unnest({", ".join(outbox)}) WITH ORDINALITY u(tenant, record, n)
  ORDER BY u.n
)
UPDATE sequence SET t = ${last + 1}::bigint, rid = ${last + 2}::bigint, updated = ${last + 3}::bigint
"""  # noqa: E501  (our own fragments; values are bound)


WRITE = _write()
