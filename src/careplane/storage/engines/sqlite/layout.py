"""From a resource's rows to rows of tables. A row may come twice, since all columns are the key.

A group of a composite parameter is kept like a resource of its own under a negative number, from
which its resource follows: `(-group) >> 20`. Groups are found by their tokens and references alone,
which every composite parameter of R4 has; their other values are only checked.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from careplane.kernel.errors import TooLarge
from careplane.search.rows import DateRow, Rows
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.relational.charts import BY_CODE, UNDATED, Chart
from careplane.storage.relational.spans import near, width

GROUP_BITS = 20

Entry: TypeAlias = tuple[Any, ...]  # what SQLite binds

TABLES: dict[str, str] = {
    "token": "tenant, param, code, rid, system",
    "reference": "target, param, rid",
    "date": "tenant, param, wide, low, span, rid",
    "number": "tenant, param, wide, low, high, rid",
    "quantity": "tenant, param, unit, wide, low, high, rid",
    "wording": "term, rid",
    "chart": "target, link, param, code, wide, low, rid, system",
    "fact": "rid, param, a, b, c",
}
"""The index tables; all columns are the key."""


class Layout(Struct):
    """Rows of tables, by the names of `TABLES`."""

    token: list[Entry] = []
    reference: list[Entry] = []
    date: list[Entry] = []
    number: list[Entry] = []
    quantity: list[Entry] = []
    wording: list[Entry] = []
    chart: list[Entry] = []
    fact: list[Entry] = []


def lay_out(layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner) -> None:
    """Add all of a resource's rows."""
    _add(layout, rows, tenant, rid, interner, found=True)
    for chart in {BY_CODE[row.param] for row in rows.tokens if row.param in BY_CODE}:
        _add_chart(layout.chart, chart, rows, tenant, rid, interner)
    if not rows.composites:
        return
    names = interner.names[Kind.COMPOSITE]
    for number, group in enumerate(rows.composites):
        id = group_id(rid, number)
        layout.fact.append((id, names[group.param], 0, 0, 0))
        _add(layout, group.parts, tenant, id, interner, found=False)


def group_id(rid: int, number: int) -> int:
    """The number of a group of a composite parameter."""
    if number >> GROUP_BITS:
        raise TooLarge("A resource with more than a million composite values cannot be indexed")
    return -(rid << GROUP_BITS | number)


def _add(
    layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner, *, found: bool
) -> None:
    if rows.tokens:
        _add_tokens(layout.token, rows, tenant, rid, interner)
    if rows.references:
        _add_references(layout, rows, tenant, rid, interner)
    if rows.dates:
        _add_dates(layout, rows, tenant, rid, interner, found=found)
    if rows.strings or rows.uris:
        _add_terms(layout, rows, tenant, rid, interner, found=found)
    if rows.numbers:
        _add_numbers(layout, rows, tenant, rid, interner, found=found)
    if rows.quantities:
        _add_quantities(layout, rows, tenant, rid, interner, found=found)


def _add_tokens(
    entries: list[Entry], rows: Rows, tenant: int, rid: int, interner: Interner
) -> None:
    names, systems, compact = (
        interner.names[Kind.TOKEN],
        interner.names[Kind.SYSTEM],
        interner.compact,
    )
    entries += [
        (tenant, names[param], compact[code], rid, 0 if system is None else systems[system])
        for param, system, code in rows.tokens
    ]


def _add_references(layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner) -> None:
    names, targets = interner.names[Kind.REFERENCE], interner.targets
    for param, type, id in rows.references:
        pid, target = names[param], targets[tenant, type, id]
        layout.reference.append((target, pid, rid))
        layout.fact.append((rid, pid, target, 0, 0))


def _add_dates(
    layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner, *, found: bool
) -> None:
    names = interner.names[Kind.DATE]
    for row in rows.dates:
        pid = names[row.param]
        wide, low, span = date_entry(row)
        layout.fact.append((rid, pid, low, span, 0))
        if found:
            layout.date.append((tenant, pid, wide, low, span, rid))


def _add_terms(
    layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner, *, found: bool
) -> None:
    strings, uris = interner.names[Kind.STRING], interner.names[Kind.URI]
    terms = [(tenant, strings[param], folded, text) for param, folded, text in rows.strings]
    terms += [(tenant, uris[param], value, "") for param, value in rows.uris]
    for term in terms:
        id = interner.term(term)
        layout.fact.append((rid, term[1], id, 0, 0))
        if found:
            layout.wording.append((id, rid))


def _add_numbers(
    layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner, *, found: bool
) -> None:
    names = interner.names[Kind.NUMBER]
    for param, lowest, highest in rows.numbers:
        pid = names[param]
        wide, low, high = _range(lowest, highest)
        layout.fact.append((rid, pid, low, high, 0))
        if found:
            layout.number.append((tenant, pid, wide, low, high, rid))


def _add_quantities(
    layout: Layout, rows: Rows, tenant: int, rid: int, interner: Interner, *, found: bool
) -> None:
    names = interner.names[Kind.QUANTITY]
    for row in rows.quantities:
        pid = names[row.param]
        written, canonical = interner.quantity_units(row)
        values = [(written, row.low, row.high)]
        if row.canonical is not None:
            values.append((canonical, row.canonical.low, row.canonical.high))
        for unit, lowest, highest in values:
            wide, low, high = _range(lowest, highest)
            layout.fact.append((rid, pid, low, high, unit))
            if found:
                layout.quantity.append((tenant, pid, unit, wide, low, high, rid))


def _add_chart(
    entries: list[Entry], chart: Chart, rows: Rows, tenant: int, rid: int, interner: Interner
) -> None:
    """Each code of each patient, with the date if there is one and no more."""
    dates = [row for row in rows.dates if row.param == chart.date]
    wide, low, _ = date_entry(dates[0]) if len(dates) == 1 else (UNDATED, 0, 0)
    codes, links = interner.names[Kind.TOKEN], interner.names[Kind.REFERENCE]
    systems, compact = interner.names[Kind.SYSTEM], interner.compact
    targets = [
        (interner.targets[tenant, row.type, row.id], links[row.param])
        for row in rows.references
        if row.param in chart.links
    ]
    for param, system, code in rows.tokens:
        if param == chart.code:
            system_id = systems[system] if system is not None else 0
            for target, link in targets:
                entries.append(
                    (target, link, codes[param], compact[code], wide, low, rid, system_id)
                )


def date_entry(row: DateRow) -> tuple[int, int, int]:
    """The columns wide, low, span."""
    low, high = near(row.low), near(row.high)
    return width(low, high), low, high - low


def _range(low: float, high: float) -> tuple[int, float, float | str]:
    """The columns wide, low, high: a point has no high of its own."""
    return (0, _short(low), "") if low == high else (1, _short(low), _short(high))


def _short(value: float) -> float:
    """A whole number is stored as an integer, in fewer bytes and without loss."""
    return int(value) if value.is_integer() and abs(value) < 2.0**53 else value
