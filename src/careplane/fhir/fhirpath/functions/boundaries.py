"""The least and the greatest that a value may stand for (FHIRPath 2.1, lowBoundary, highBoundary).

1.5 was measured to a tenth: it stands for anything from 1.45 to 1.55. @2014 stands for any day of
the year. Precision is counted in decimals for numbers, in digits for times (4 year ... 17 ms).
"""

from __future__ import annotations

import calendar
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from careplane.fhir.fhirpath.calling import Arguments, collected, value
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, kind, quantity, single, system
from careplane.fhir.fhirpath.scope import Scope
from careplane.fhir.fhirpath.values.quantity import Quantity
from careplane.fhir.fhirpath.values.temporal import (
    EASTMOST,
    WESTMOST,
    Date,
    DateTime,
    Parts,
    Time,
)

MAX_DECIMALS: Final = 28
DEFAULT_DECIMALS: Final = 8
_MILLISECONDS: Final = Decimal("0.001")

# Digits -> how many parts they take in; 17 is the second with its milliseconds.
_PARTS: Final = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}
_LOWEST: Final[Parts] = (1, 1, 1, 0, 0, Decimal(0))
_HIGHEST: Final[Parts] = (9999, 12, 31, 23, 59, Decimal("59.999"))


def low_boundary(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return _boundary(scope, focus, arguments, high=False)


def high_boundary(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return _boundary(scope, focus, arguments, high=True)


def _boundary(scope: Scope, focus: Collection, arguments: Arguments, high: bool) -> Collection:
    item = single(focus, "A boundary")
    if item is None:
        return []
    wanted = value(arguments[0](scope), int, "A boundary") if arguments else None
    found = system(item)
    if isinstance(found, Time):
        return collected(_time(found, 9 if wanted is None else wanted, high))
    if isinstance(found, Date | DateTime):
        return collected(_date(found, wanted, high))
    return collected(_amount(found, item, DEFAULT_DECIMALS if wanted is None else wanted, high))


def _amount(found: Item, item: Item, decimals: int, high: bool) -> Decimal | Quantity | None:
    amount = quantity(found)
    if amount is None:
        raise EvaluationError(f"A boundary is not defined on {kind(item)}.")
    number = _number(amount.value, decimals, high)
    if number is None or type(found) is int or type(found) is Decimal:
        return number
    return amount.with_value(number)


def _number(number: Decimal, decimals: int, high: bool) -> Decimal | None:
    """Half a unit of the last digit up or down, in so many decimals.

    Fewer decimals than the number has: the official suite rounds the boundary away from zero by
    halves and cuts the one toward zero (see docs/clarifications.md).
    """
    if not 0 <= decimals <= MAX_DECIMALS:
        return None
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(min(exponent, 0) - 1)
    boundary = number + half if high else number - half
    outward = abs(boundary) > abs(number)
    rounding = ROUND_HALF_UP if outward else ROUND_DOWN
    return boundary.quantize(Decimal(1).scaleb(-decimals), rounding)


def _time(found: Time, digits: int, high: bool) -> Time | None:
    if digits + 8 not in _PARTS or digits < 2:
        return None
    parts = _filled((1, 1, 1, *found.parts), digits + 8, high)
    return Time(parts[3:])


def _date(found: Date | DateTime, wanted: int | None, high: bool) -> Date | DateTime | None:
    is_date = isinstance(found, Date)
    digits = wanted if wanted is not None else 8 if is_date else 17
    if digits not in _PARTS:
        return None
    parts = _filled(found.parts, digits, high)
    if is_date and digits <= 8:
        return Date(parts)
    offset = found.offset if isinstance(found, DateTime) else None
    zulu = isinstance(found, DateTime) and found.zulu
    if offset is None and len(parts) > 3:
        offset = WESTMOST if high else EASTMOST
    return DateTime(parts, offset, zulu)


def _filled(parts: Parts, digits: int, high: bool) -> Parts:
    """The parts cut or filled to a precision; the last day of the month that it is."""
    whole = (*parts, *(_HIGHEST if high else _LOWEST)[len(parts) :])
    if high and len(parts) < 3:
        whole = (*whole[:2], calendar.monthrange(int(whole[0]), int(whole[1]))[1], *whole[3:])
    if digits == 17:
        return (*whole[:5], _to_milliseconds(Decimal(whole[5]), len(parts), high))
    if digits == 14:
        return (*whole[:5], Decimal(int(whole[5])))
    return whole[: _PARTS[digits]]


def _to_milliseconds(second: Decimal, known: int, high: bool) -> Decimal:
    exact = second.as_tuple().exponent
    if high and known == 6 and exact == 0:
        return second + Decimal("0.999")
    return second.quantize(_MILLISECONDS, ROUND_DOWN)


def precision(item: Item) -> int:
    """How precise a value is: its decimals, or its digits as a time."""
    found = system(item)
    if isinstance(found, Date | DateTime | Time):
        return found.digits
    amount = quantity(found)
    if amount is None:
        raise EvaluationError(f"precision() is not defined on {kind(item)}.")
    exponent = amount.value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
