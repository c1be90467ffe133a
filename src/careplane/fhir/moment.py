"""Dates of any precision as the half-open range of time they cover (FHIR R4, 2.24.0.1, 3.1.1.4.7).

Microseconds since 1970 UTC. A date without a zone is taken as UTC; a leap second is the one after
the 59th. Works for text that matches the primitives date, dateTime and instant.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

SECOND = 1_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DIGITS_OF_A_MICROSECOND = 6


def interval(text: str) -> tuple[int, int]:
    """[low, high) of `2015`, `2015-02`, `2015-02-07`, `2015-02-07T13:28:17.239+02:00`, ...

    Raises ValueError for text that names no moment.
    """
    length = len(text)
    if length > 10:
        return _instant(text)
    if length == 10:
        low = _day(int(text[:4]), int(text[5:7]), int(text[8:]))
        return low, low + DAY
    year = int(text[:4])
    if length == 7:
        month = int(text[5:])
        return _day(year, month, 1), _month_after(year, month)
    if length != 4:
        raise ValueError("not a date")
    return _day(year, 1, 1), _month_after(year, 12)


def _day(year: int, month: int, day: int) -> int:
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY


def _month_after(year: int, month: int) -> int:
    """The first moment of the next month; of the year 10000 too, which `date` does not have."""
    if month < 12:
        return _day(year, month + 1, 1)
    return _day(year, 12, 31) + DAY


def _instant(text: str) -> tuple[int, int]:
    leap = text[17:19] == "60"
    if leap:
        text = f"{text[:17]}59{text[19:]}"
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    since = found - _EPOCH
    low = (since.days * 86_400 + since.seconds + leap) * SECOND + since.microseconds
    return low, low + _precision(text)


def _precision(text: str) -> int:
    """How long the last digit is: a minute, a second, or less."""
    if text[16:17] != ":":
        return 60 * SECOND
    if text[19:20] != ".":
        return SECOND
    digits = 0
    for character in text[20:27]:
        if not character.isdigit():
            break
        digits += 1
    return int(10 ** max(0, _DIGITS_OF_A_MICROSECOND - digits))
