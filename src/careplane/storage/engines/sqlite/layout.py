"""From a resource's rows to rows of tables: sets, so that an update can write the difference.

A group of a composite parameter is kept like a resource of its own under a negative number, from
which its resource follows: `(-group) >> 20`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from careplane.kernel.errors import TooLarge
from careplane.search.rows import DateRow, QuantityRow, Rows
from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.known import Kind

GROUP_BITS = 20
DAY = 86_400_000_000
WIDTHS = (DAY, 366 * DAY)
"""What `date.wide` 0 and 1 hold at most."""
FARTHEST = 2**61
"""Open ends of dates are brought in to here, so that a span fits 64 bits."""

Entry: TypeAlias = tuple[Any, ...]  # what SQLite binds

TABLES: dict[str, str] = {
    "token": "tenant, param, code, rid, system",
    "reference": "target, param, rid",
    "date": "tenant, param, wide, low, span, rid",
    "number": "tenant, param, wide, low, high, rid",
    "quantity": "tenant, param, unit, wide, low, high, rid",
    "wording": "term, rid",
    "fact": "rid, param, a, b, c",
}
"""The index tables; all columns are the key."""


@dataclass(slots=True)
class Layout:
    """Rows of tables, by the names of `TABLES`."""

    token: set[Entry] = field(default_factory=set)
    reference: set[Entry] = field(default_factory=set)
    date: set[Entry] = field(default_factory=set)
    number: set[Entry] = field(default_factory=set)
    quantity: set[Entry] = field(default_factory=set)
    wording: set[Entry] = field(default_factory=set)
    fact: set[Entry] = field(default_factory=set)


def lay_out(rows: Rows, tenant: int, rid: int, interner: Interner) -> Layout:
    """All of a resource's rows."""
    layout = Layout()
    _add(layout, rows, tenant, rid, interner)
    for number, group in enumerate(rows.composites):
        id = group_id(rid, number)
        layout.fact.add((id, interner.name(Kind.COMPOSITE, group.param), 0, 0, 0))
        _add(layout, group.parts, tenant, id, interner)
    return layout


def group_id(rid: int, number: int) -> int:
    """The number of a group of a composite parameter."""
    if number >> GROUP_BITS:
        raise TooLarge("A resource with more than a million composite values cannot be indexed")
    return -(rid << GROUP_BITS | number)


def _add(layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner) -> None:
    name, fact = interner.name, layout.fact
    for param, system, code in rows.tokens:
        system_id = interner.system(system)
        layout.token.add((tenant, name(Kind.TOKEN, param), compact(code), rid, system_id))
    for param, type, id in rows.references:
        pid, target = name(Kind.REFERENCE, param), interner.target(tenant, type, compact(id))
        layout.reference.add((target, pid, rid))
        fact.add((rid, pid, target, 0, 0))
    for date in rows.dates:
        pid = name(Kind.DATE, date.param)
        wide, low, span = date_entry(date)
        layout.date.add((tenant, pid, wide, low, span, rid))
        fact.add((rid, pid, low, span, 0))
    for param, folded, text in rows.strings:
        _add_term(layout, interner, rid, (tenant, name(Kind.STRING, param), folded, text))
    for param, value in rows.uris:
        _add_term(layout, interner, rid, (tenant, name(Kind.URI, param), value, ""))
    for param, lowest, highest in rows.numbers:
        pid, (wide, a, b) = name(Kind.NUMBER, param), _range(lowest, highest)
        layout.number.add((tenant, pid, wide, a, b, rid))
        fact.add((rid, pid, a, b, 0))
    for quantity in rows.quantities:
        _add_quantity(layout, interner, tenant, rid, quantity)


def _add_term(
    layout: Layout, interner: Interner, rid: int, term: tuple[int, int, str, str]
) -> None:
    id = interner.term(term)
    layout.wording.add((id, rid))
    layout.fact.add((rid, term[1], id, 0, 0))


def _add_quantity(
    layout: Layout, interner: Interner, tenant: int, rid: int, row: QuantityRow
) -> None:
    pid = interner.name(Kind.QUANTITY, row.param)
    written, canonical = interner.units(row)
    values = [(written, row.low, row.high)]
    if row.canonical is not None and canonical is not None:
        values.append((canonical, row.canonical.low, row.canonical.high))
    for unit, low, high in values:
        wide, a, b = _range(low, high)
        layout.quantity.add((tenant, pid, unit, wide, a, b, rid))
        layout.fact.add((rid, pid, a, b, unit))


def date_entry(row: DateRow) -> tuple[int, int, int]:
    """The columns wide, low, span."""
    low, high = max(row.low, -FARTHEST), min(row.high, FARTHEST)
    span = high - low
    return sum(span > width for width in WIDTHS), low, span


def _range(low: float, high: float) -> tuple[int, float, float | str]:
    """The columns wide, low, high: a point has no high of its own."""
    return (0, _short(low), "") if low == high else (1, _short(low), _short(high))


def _short(value: float) -> float:
    """A whole number is stored as an integer, in fewer bytes and without loss."""
    return int(value) if value.is_integer() and abs(value) < 2.0**53 else value
