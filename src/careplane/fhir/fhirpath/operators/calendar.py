"""Times moved by a duration (FHIRPath 2.0, 6.7): `@2014-01-31 + 1 month` is `@2014-02-28`.

A value that is known only to the month is moved by whole months, and so on: the duration is turned
into the finest unit that the value has, and what is left of it is dropped.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final

from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.values.quantity import MONTHS_OF, UCUM_OF, Quantity
from careplane.fhir.fhirpath.values.temporal import Date, DateTime, Parts, Temporal, Time

SECONDS_OF: Final = {
    "week": Decimal(604_800),
    "day": Decimal(86_400),
    "hour": Decimal(3_600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
_WORD_OF: Final = {code: word for word, code in UCUM_OF.items()}
_DAYS_OF_MONTH: Final = 30
_MAX_SHIFT: Final = Decimal(10**12)


def shift(value: Temporal, operator: str, amount: Quantity) -> Temporal | None:
    """The value moved; None where the result is not in the years 1 to 9999."""
    unit = _unit(amount)
    if operator not in ("+", "-"):
        raise EvaluationError(f"'{operator}' is not defined on a {value.type_name}.")
    if abs(amount.value) > _MAX_SHIFT:
        return None
    sign = -1 if operator == "-" else 1
    # Only seconds and milliseconds have a meaning below one.
    count = amount.value if unit in ("second", "millisecond") else _whole(amount.value)
    if isinstance(value, Time):
        return _shift_time(value, unit, sign * count)
    try:
        parts = _shift_parts(value.parts, unit, sign * count)
    except (ValueError, OverflowError):
        return None
    return Date(parts) if isinstance(value, Date) else DateTime(parts, value.offset, value.zulu)


def _unit(amount: Quantity) -> str:
    """The word for the unit: UCUM's years and months have no calendar meaning, its days have."""
    if amount.unit in SECONDS_OF or amount.unit in MONTHS_OF:
        return amount.unit
    if amount.unit in _WORD_OF:
        return _WORD_OF[amount.unit]
    raise EvaluationError("A time can be moved by calendar durations, not by this unit.")


def _whole(count: Decimal) -> Decimal:
    return count.to_integral_value(ROUND_DOWN)


def _shift_time(value: Time, unit: str, count: Decimal) -> Time:
    if unit in MONTHS_OF:
        raise EvaluationError("A time of the day cannot be moved by months or years.")
    seconds = _seconds(value.parts) + _in_precision(count * SECONDS_OF[unit], len(value.parts) + 3)
    return Time(_clock(seconds % SECONDS_OF["day"], len(value.parts)))


def _shift_parts(parts: Parts, unit: str, count: Decimal) -> Parts:
    if unit in MONTHS_OF:
        return _shift_months(parts, int(count) * MONTHS_OF[unit])
    seconds = count * SECONDS_OF[unit]
    if len(parts) < 3:
        days = int(seconds / SECONDS_OF["day"])
        per = 365 if len(parts) == 1 else _DAYS_OF_MONTH
        return _shift_months(parts, _toward_zero(days, per) * (12 if len(parts) == 1 else 1))
    total = _seconds(parts[3:]) + _in_precision(seconds, len(parts))
    days = int(total // SECONDS_OF["day"])
    if total < 0 and total % SECONDS_OF["day"]:
        days -= 1
    moved = date(int(parts[0]), int(parts[1]), int(parts[2])) + timedelta(days=days)
    clock = _clock(total - days * SECONDS_OF["day"], len(parts) - 3)
    return (moved.year, moved.month, moved.day, *clock)


def _toward_zero(count: int, per: int) -> int:
    return abs(count) // per * (-1 if count < 0 else 1)


def _shift_months(parts: Parts, months: int) -> Parts:
    """Move by months; a day that the month does not have becomes its last day."""
    if len(parts) == 1:
        year, month = int(parts[0]) + _toward_zero(months, 12), 1
    else:
        years, month0 = divmod(int(parts[1]) - 1 + months, 12)
        year, month = int(parts[0]) + years, month0 + 1
    if not 1 <= year <= 9999:
        raise ValueError(year)
    if len(parts) < 3:
        return (year, month)[: len(parts)]
    day = min(int(parts[2]), calendar.monthrange(year, month)[1])
    return (year, month, day, *parts[3:])


def _in_precision(seconds: Decimal, known: int) -> Decimal:
    """What of a duration counts for a value with so many parts: for a date, whole days."""
    unit = {3: SECONDS_OF["day"], 4: SECONDS_OF["hour"], 5: SECONDS_OF["minute"]}.get(known)
    return seconds if unit is None else _whole(seconds / unit) * unit


def _seconds(clock: Parts) -> Decimal:
    scales = (3600, 60, 1)
    parts = (Decimal(part) * scale for part, scale in zip(clock, scales, strict=False))
    return sum(parts, Decimal(0))


def _clock(seconds: Decimal, length: int) -> Parts:
    """Seconds of the day as hour, minute and second, as many of them as asked for."""
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(int(minutes), 60)
    return (hour, minute, second)[:length]
