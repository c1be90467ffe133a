"""Dates of any precision as ranges of time (FHIR R4, 3.1.1.4.7 date).

`2020` is a year long, `2020-01-01T10:00Z` a minute; without a zone it is UTC. The `+` of a zone
that was not percent-encoded arrives as a space, and is understood.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from datetime import date

from careplane.search.plan import Prefix
from careplane.search.syntax import prefixed

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.(\d{1,9}))?)?"
    r"(Z|[+ -](?:0\d|1[0-3]):[0-5]\d|[+ -]14:00)?)?)?)?",
    re.ASCII,
)
_EPOCH = date(1970, 1, 1).toordinal()
_SECOND = 1_000_000
_MINUTE, _DAY = 60 * _SECOND, 86_400 * _SECOND


def span(text: str) -> tuple[int, int] | None:
    """[low, high) in microseconds since 1970; None if it is no date that exists."""
    found = _FORM.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    low = (first.toordinal() - _EPOCH) * _DAY
    if hour is None:
        return low, low + _days(first, month, day) * _DAY
    low += (int(hour) * 60 + int(minute) - _offset(zone)) * _MINUTE + int(second or 0) * _SECOND
    if second is None:
        return low, low + _MINUTE
    if fraction is None:
        return low, low + _SECOND
    return low + int(fraction[:6].ljust(6, "0")), low + _after(fraction)


def _days(first: date, month: str | None, day: str | None) -> int:
    if month is None:
        return 366 if isleap(first.year) else 365
    return monthrange(first.year, first.month)[1] if day is None else 1


def _offset(zone: str | None) -> int:
    """Minutes east of UTC."""
    if zone is None or zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _after(fraction: str) -> int:
    """Where a fraction of a second ends, in microseconds."""
    digits = fraction[:6]
    return (int(digits) + 1) * int(10 ** (6 - len(digits)))


def prefixed_span(text: str, now: int) -> tuple[Prefix, int, int] | None:
    """A comparator and a range; for `ap` widened by a tenth of the distance to `now`."""
    prefix, rest = prefixed(text)
    found = span(rest)
    if found is None:
        return None
    low, high = found
    if prefix is Prefix.AP:
        margin = abs(now - (low + high) // 2) // 10
        low, high = low - margin, high + margin
    return prefix, low, high
