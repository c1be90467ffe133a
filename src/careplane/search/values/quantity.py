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
_ONE = Decimal(1)
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
    canonical = _canonical(low, high, code) if code is not None and system == UCUM else None
    first = -inf if low is None else float(low)
    last = first if high is low else inf if high is None else float(high)
    rows.quantities.append(_new(QuantityRow, (param, first, last, system, unit, canonical)))


@lru_cache(maxsize=1024)
def _canonical(low: Decimal | None, high: Decimal | None, code: str) -> CanonicalQuantity | None:
    """None for a code that UCUM does not have; it is then found as written. What is asked for
    twice is a value of a plain parameter and of a composite."""
    try:
        if low is None or high is None:
            return _half_open(low, high, code)
        least, unit = ucum.canonicalise(low, code)
        if high is low:
            end = float(least)
            return _new(CanonicalQuantity, (end, end, unit))
        greatest = ucum.canonicalise(high, code)[0]
    except (ucum.NotAUnit, ucum.NotComparable, OverflowError, InvalidOperation):
        return None
    # A scale such as pH runs the other way.
    return CanonicalQuantity(float(min(least, greatest)), float(max(least, greatest)), unit)


def _half_open(low: Decimal | None, high: Decimal | None, code: str) -> CanonicalQuantity:
    """On a scale that runs the other way the open end changes sides."""
    known = high if low is None else low
    assert known is not None
    end, unit = ucum.canonicalise(known, code)
    rises = ucum.canonicalise(known + 1, code)[0] >= end
    if (low is None) == rises:
        return CanonicalQuantity(-inf, float(end), unit)
    return CanonicalQuantity(float(end), inf, unit)
