"""Quantity rows (FHIR R4, 3.1.1.4.11), as written and in base units of UCUM."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import inf
from typing import Any

from careplane.fhir import ucum
from careplane.search.rows import CanonicalQuantity, Param, QuantityRow, Rows

_new = tuple.__new__
UCUM = "http://unitsofmeasure.org"
CURRENCY = "urn:iso:std:iso:4217"
_ZERO, _ONE = Decimal(0), Decimal(1)
_BELOW, _ABOVE = ("<", "<="), (">", ">=")


def quantity(rows: Rows, param: Param, value: Any) -> None:
    """A Quantity, Age, Duration, ...; a comparator opens one end."""
    amount = value.value
    if amount is None:
        return
    comparator = value.comparator
    low = None if comparator in _BELOW else amount
    high = None if comparator in _ABOVE else amount
    code = value.code
    _add(rows, param, low, high, value.system, code or value.unit, code)


def money(rows: Rows, param: Param, value: Any) -> None:
    """A Money, its currency as the unit."""
    if value.value is not None:
        system = CURRENCY if value.currency is not None else None
        _add(rows, param, value.value, value.value, system, value.currency, None)


def between(rows: Rows, param: Param, value: Any) -> None:
    """A Range; an end that is not there is open."""
    low = value.low.value if value.low is not None else None
    high = value.high.value if value.high is not None else None
    if low is None and high is None:
        return
    unit = value.low if low is not None else value.high
    _add(rows, param, low, high, unit.system, unit.code or unit.unit, unit.code)


def sampled(rows: Rows, param: Param, value: Any) -> None:
    """A SampledData: from the least to the greatest of its samples."""
    samples = list(_samples(value.data)) if value.data is not None else []
    if not samples or value.origin.value is None:
        return
    factor, origin = value.factor or _ONE, value.origin
    low, high = sorted(origin.value + factor * end for end in (min(samples), max(samples)))
    _add(rows, param, low, high, origin.system, origin.code or origin.unit, origin.code)


def _samples(data: str) -> Iterator[Decimal]:
    for word in data.split():
        if word not in ("E", "U", "L"):  # error, above or below what the device can measure
            try:
                found = Decimal(word)
            except InvalidOperation:
                continue
            if found.is_finite():
                yield found


def _add(
    rows: Rows,
    param: Param,
    low: Decimal | None,
    high: Decimal | None,
    system: str | None,
    unit: str | None,
    code: str | None,
) -> None:
    canonical = _canonical(low, high, code) if system == UCUM and code is not None else None
    ends = (-inf if low is None else float(low), inf if high is None else float(high))
    rows.quantities.append(_new(QuantityRow, (param, *ends, system, unit, canonical)))


@lru_cache(maxsize=4096)
def _canonical(low: Decimal | None, high: Decimal | None, code: str) -> CanonicalQuantity | None:
    """None for a code that UCUM does not have; it is then found as written."""
    try:
        unit = ucum.canonicalise(_ZERO if low is None else low, code)[1]
        first = -inf if low is None else float(ucum.canonicalise(low, code)[0])
        last = inf if high is None else float(ucum.canonicalise(high, code)[0])
    except (ucum.NotAUnit, ucum.NotComparable, OverflowError, InvalidOperation):
        return None
    return CanonicalQuantity(*_in_order(first, last), unit)


def _in_order(first: float, last: float) -> tuple[float, float]:
    """A scale such as pH runs the other way; an open end then changes sides."""
    if first <= last and first != inf and last != -inf:
        return first, last
    return min(first, last), max(first, last)
