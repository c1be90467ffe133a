"""Amounts from one unit to another, exactly where the units are ratios of one another."""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException
from fractions import Fraction
from functools import lru_cache
from typing import Final

from careplane.fhir.ucum.errors import NotComparable
from careplane.fhir.ucum.parser import parse
from careplane.fhir.ucum.special import FUNCTIONS, Function
from careplane.fhir.ucum.unit import Unit

# Digits kept where a factor is no finite decimal (one minute is 1/60 of an hour). Products that
# are finite are exact up to this many digits.
CONTEXT: Final = Context(prec=60)


@lru_cache(maxsize=4096)
def _plan(code: str) -> tuple[Decimal, Decimal | None, str, Unit | None]:
    """How to make a unit canonical: multiply, divide, the canonical unit; the unit if special."""
    unit = parse(code)
    if unit.special:
        return Decimal(0), None, unit.canonical, unit
    top, bottom = Decimal(unit.factor.numerator), Decimal(unit.factor.denominator)
    if _is_finite(unit.factor.denominator):
        return CONTEXT.divide(top, bottom), None, unit.canonical, None
    return top, bottom, unit.canonical, None


def _is_finite(denominator: int) -> bool:
    """Whether a fraction with this denominator has an end as a decimal."""
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1


def canonicalise(value: Decimal, code: str) -> tuple[Decimal, str]:
    """The same amount in base units, such as 5 g/m3 for 0.5 mg/dL; raises NotAUnit."""
    top, bottom, canonical, special = _plan(code)
    if special is not None:
        return _as_decimal(_canonical_special(value, special)), canonical
    product = CONTEXT.multiply(value, top)
    return (product if bottom is None else CONTEXT.divide(product, bottom)), canonical


def comparable(left: str, right: str) -> bool:
    """Whether two codes measure the same kind of thing; raises NotAUnit."""
    return left == right or parse(left).dimension == parse(right).dimension


def compare(left: Decimal, left_unit: str, right: Decimal, right_unit: str) -> int:
    """-1, 0 or 1 as the left amount is less, the same or more; raises NotComparable."""
    if left_unit == right_unit:
        parse(left_unit)
        return (left > right) - (left < right)
    _check(left_unit, right_unit)
    one, other = _exact(left, left_unit), _exact(right, right_unit)
    return (one > other) - (one < other)


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """The same amount in another unit, to 60 digits where it has no end; raises NotComparable."""
    if source == target:
        parse(source)
        return value
    _check(source, target)
    unit, amount = parse(target), _exact(value, source)
    if unit.special is None:
        return _as_decimal(amount / unit.factor)
    function = FUNCTIONS[unit.special.function][1]
    return _as_decimal(_applied(function, amount / unit.factor) / unit.special.amount)


def _check(left: str, right: str) -> None:
    if not comparable(left, right):
        raise NotComparable(f"The units {left} and {right} do not measure the same kind of thing.")


def _exact(value: Decimal, code: str) -> Fraction:
    unit = parse(code)
    if unit.special:
        return _canonical_special(value, unit)
    return _rational(value) * unit.factor


def _canonical_special(value: Decimal, unit: Unit) -> Fraction:
    assert unit.special is not None
    function = FUNCTIONS[unit.special.function][0]
    return _applied(function, _rational(value) * unit.special.amount) * unit.factor


def _applied(function: Function, amount: Fraction) -> Fraction:
    try:
        return Fraction(function(_as_decimal(amount)))
    except (DecimalException, OverflowError, ValueError):
        raise NotComparable("The amount is outside of what its unit can express.") from None


def _rational(value: Decimal) -> Fraction:
    """The amount as a ratio, refused where its exponent alone would fill the memory."""
    if not value.is_finite() or not -5_000 < value.adjusted() < 5_000:
        raise NotComparable("The amount is too large or too small to be compared.")
    return Fraction(value)


def _as_decimal(amount: Fraction) -> Decimal:
    return CONTEXT.divide(Decimal(amount.numerator), Decimal(amount.denominator))
