"""From a resource's rows to what the table `resource` keeps of them, and the rows beside it.

- `keys`: everything that is found by being equal: codes in three forms, references, texts, what is
  there at all, and for charts (see relational.charts) each code of each patient, joined;
- `dates`: group, parameter, low, high, again and again; `numbers`: group, parameter, unit, low,
  high. Group 0 is the resource itself, the others are groups of composite parameters;
- `group_keys`: the keys of groups, each XOR the number of its group.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.search.rows import Param, Rows
from careplane.storage.engines.postgres.names import (
    CANONICAL,
    WRITTEN,
    WRITTEN_BESIDE_CANONICAL,
    Names,
)
from careplane.storage.relational.charts import BY_CODE
from careplane.storage.relational.spans import near, width

Term = tuple[int, str, str]
"""Parameter, folded, text."""


@dataclass(slots=True)
class Layout:
    """One resource."""

    keys: set[int] = field(default_factory=set)
    group_keys: set[int] = field(default_factory=set)
    groups: int = 0
    dates: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    terms: dict[int, Term] = field(default_factory=dict)
    units: dict[int, tuple[str, str]] = field(default_factory=dict)
    date_ranges: set[tuple[int, int, int, int]] = field(default_factory=set)
    number_ranges: set[tuple[int, int, int, float, float]] = field(default_factory=set)
    targets: dict[int, tuple[str, str]] = field(default_factory=dict)
    """What it refers to, in order, by ident."""


def lay_out(rows: Rows, tenant: int, names: Names) -> Layout:
    """Everything of a resource."""
    layout = Layout()
    _Writer(layout, tenant, names).resource(rows)
    return layout


class _Writer:
    """Fills a layout; `keys` is where the keys of the group at hand go."""

    def __init__(self, layout: Layout, tenant: int, names: Names) -> None:
        self._layout = layout
        self._tenant = tenant
        self._names = names

    def resource(self, rows: Rows) -> None:
        layout = self._layout
        self._add(rows, layout.keys, 0)
        self._charts(rows)
        for number, group in enumerate(rows.composites, 1):
            self._group(group.param, group.parts, number)

    def _group(self, param: Param, parts: Rows, number: int) -> None:
        names, tenant, layout = self._names, self._tenant, self._layout
        keys = {names.present(tenant, param)}
        self._add(parts, keys, number)
        layout.groups = number
        layout.group_keys |= {key ^ number for key in keys}
        layout.keys.add(names.present(tenant, param.partition(":")[0]))
        layout.keys |= {names.code(tenant, row.param, row.code) for row in parts.tokens}

    def _add(self, rows: Rows, keys: set[int], group: int) -> None:
        self._tokens(rows, keys)
        self._references(rows, keys)
        self._texts(rows, keys)
        self._ranges(rows, group)
        kinds = (
            rows.tokens, rows.strings, rows.references, rows.uris,
            rows.dates, rows.numbers, rows.quantities,
        )  # fmt: skip
        there = {row.param for kind in kinds for row in kind}
        names, tenant = self._names, self._tenant
        keys |= {names.present(tenant, param.partition(":")[0]) for param in there}

    def _tokens(self, rows: Rows, keys: set[int]) -> None:
        names, tenant = self._names, self._tenant
        for param, system, code in rows.tokens:
            key = names.code(tenant, param, code)
            keys.update(
                (
                    key,
                    names.coding(tenant, param, system, code),
                    names.system(tenant, param, system),
                )
            )
            self._layout.terms[key] = (names.param("token", param), plain(code), "")

    def _references(self, rows: Rows, keys: set[int]) -> None:
        names, tenant = self._names, self._tenant
        for param, type, id in rows.references:
            ident = names.ident(tenant, type, id)
            keys.add(names.link(tenant, param) ^ ident)
            self._layout.targets.setdefault(ident, (type, id))

    def _texts(self, rows: Rows, keys: set[int]) -> None:
        names, tenant, terms = self._names, self._tenant, self._layout.terms
        for param, folded, text in rows.strings:
            key = names.string(tenant, param, folded, text)
            terms[key] = (names.param("string", param), plain(folded), plain(text))
            keys.add(key)
        for param, value in rows.uris:
            key = names.uri(tenant, param, value)
            terms[key] = (names.param("uri", param), plain(value), "")
            keys.add(key)

    def _ranges(self, rows: Rows, group: int) -> None:
        layout, param_of = self._layout, self._names.param
        for date in rows.dates:
            param, low, high = param_of("date", date.param), near(date.low), near(date.high)
            layout.dates += (group, param, low, high)
            if not group:
                layout.date_ranges.add((width(low, high), param, low, high))
        for number in rows.numbers:
            self._number(group, param_of("number", number.param), 0, number.low, number.high)
        for quantity in rows.quantities:
            param, canonical = param_of("quantity", quantity.param), quantity.canonical
            kind = WRITTEN if canonical is None else WRITTEN_BESIDE_CANONICAL
            unit = self._unit(quantity.system, quantity.code, kind)
            self._number(group, param, unit, quantity.low, quantity.high)
            if canonical is not None:
                unit = self._unit(None, canonical.unit, CANONICAL)
                self._number(group, param, unit, canonical.low, canonical.high)

    def _number(self, group: int, param: int, unit: int, low: float, high: float) -> None:
        self._layout.numbers += (group, param, unit, low, high)
        if not group:
            self._layout.number_ranges.add((int(low != high), param, unit, low, high))

    def _unit(self, system: str | None, code: str | None, kind: int) -> int:
        unit = self._names.unit(system, code, kind)
        self._layout.units[unit] = (plain(code or ""), plain(system or ""))
        return unit

    def _charts(self, rows: Rows) -> None:
        """Each code of each patient, in both forms."""
        tenant, names = self._tenant, self._names
        for param, system, code in rows.tokens:
            chart = BY_CODE.get(param)
            if chart is None:
                continue
            forms = (names.code(tenant, param, code), names.coding(tenant, param, system, code))
            for link, type, id in rows.references:
                if link in chart.links:
                    patient = names.ident(tenant, type, id) ^ names.chart(tenant)
                    self._layout.keys.update(form ^ patient for form in forms)


def plain(text: str) -> str:
    """PostgreSQL keeps no NUL in a text."""
    return text.replace("\0", "\ufffd")
