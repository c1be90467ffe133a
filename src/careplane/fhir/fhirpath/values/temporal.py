"""Dates, date-times and times that are only as precise as they were written (FHIRPath 2.0, 5.1).

`parts` holds what is known, from the largest: year, month, day, hour, minute, second. Seconds and
milliseconds are one precision, so the second is a Decimal. Comparing is three-valued: None where
the shared parts are equal and one side says more, or where only one side knows its time zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, TypeAlias

from careplane.fhir.fhirpath.lexer import DATE, TIME, ZONE

Parts: TypeAlias = tuple[int | Decimal, ...]

_DATE: Final = re.compile(DATE, re.ASCII)
_DATETIME: Final = re.compile(rf"({DATE})(?:T(?:({TIME})({ZONE})?)?)?", re.ASCII)
_TIME: Final = re.compile(TIME, re.ASCII)

# The widest offsets of the world, in minutes: what a time without zone may turn out to be.
EASTMOST: Final = 14 * 60
WESTMOST: Final = -12 * 60


@dataclass(frozen=True, slots=True)
class Date:
    """System.Date."""

    parts: Parts
    type_name: ClassVar[str] = "Date"

    def __str__(self) -> str:
        return _date_text(self.parts)

    @property
    def digits(self) -> int:
        """Precision as the number of digits that are written: 4, 6 or 8."""
        return _digits(self.parts)


@dataclass(frozen=True, slots=True)
class DateTime:
    """System.DateTime; `offset` is in minutes east of Greenwich, None where it is not known."""

    parts: Parts
    offset: int | None = None
    zulu: bool = field(default=False, compare=False)
    type_name: ClassVar[str] = "DateTime"

    def __str__(self) -> str:
        text = _date_text(self.parts[:3])
        if len(self.parts) < 4:
            return text
        return f"{text}T{_time_text(self.parts[3:])}{self._zone()}"

    def _zone(self) -> str:
        if self.offset is None:
            return ""
        if self.zulu:
            return "Z"
        hours, minutes = divmod(abs(self.offset), 60)
        return f"{'-' if self.offset < 0 else '+'}{hours:02}:{minutes:02}"

    @property
    def digits(self) -> int:
        """Precision as the number of digits that are written: 4 to 17."""
        return _digits(self.parts)


@dataclass(frozen=True, slots=True)
class Time:
    """System.Time; `parts` begin with the hour."""

    parts: Parts
    type_name: ClassVar[str] = "Time"

    def __str__(self) -> str:
        return _time_text(self.parts)

    @property
    def digits(self) -> int:
        """Precision as the number of digits that are written: 2 to 9."""
        return _digits((0, 0, 0, *self.parts)) - 8


Temporal: TypeAlias = Date | DateTime | Time


def parse_date(text: str) -> Date | None:
    """A date of the calendar, None for anything else."""
    if not _DATE.fullmatch(text):
        return None
    parts = tuple(map(int, text.split("-")))
    return Date(parts) if _is_date(parts) else None


def parse_datetime(text: str) -> DateTime | None:
    """A date-time of the calendar, perhaps only its year; None for anything else."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    day, time, zone = match.groups()
    parts: Parts = tuple(map(int, day.split("-")))
    if not _is_date(parts) or (time and len(parts) < 3):
        return None
    clock = _clock(time) if time else ()
    offset = _offset(zone)
    if clock is None or (offset is not None and abs(offset) > EASTMOST):
        return None
    return DateTime(parts + clock, offset, zone == "Z")


def parse_time(text: str) -> Time | None:
    """A time of the day, None for anything else."""
    if not _TIME.fullmatch(text):
        return None
    parts = _clock(text)
    return Time(parts) if parts is not None else None


def instant(micros: int) -> DateTime:
    """A moment, given as microseconds since 1970, in UTC and to the millisecond."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=micros // 1000)
    second = Decimal(moment.second * 1000 + moment.microsecond // 1000).scaleb(-3)
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, second)
    return DateTime(parts, 0)


def as_datetime(value: Date | DateTime) -> DateTime:
    """A date as the date-time of the same precision."""
    return value if isinstance(value, DateTime) else DateTime(value.parts)


def comparable(left: Temporal, right: Temporal) -> bool:
    """Whether the two can be compared at all: a time of the day is no date."""
    return isinstance(left, Time) == isinstance(right, Time)


def compare(left: Temporal, right: Temporal) -> int | None:
    """-1, 0, 1, or None where it cannot be known. The two are comparable."""
    if isinstance(left, Time) or isinstance(right, Time):
        return _compare_parts(left.parts, right.parts)
    one, other = as_datetime(left), as_datetime(right)
    if len(one.parts) < 4 or len(other.parts) < 4 or one.offset == other.offset:
        return _compare_parts(one.parts, other.parts)
    if one.offset is not None and other.offset is not None:
        return _compare_parts(_utc(one.parts, one.offset), _utc(other.parts, other.offset))
    if one.offset is None:
        return _compare_unzoned(one.parts, other)
    reverse = _compare_unzoned(other.parts, one)
    return -reverse if reverse is not None else None


def _compare_unzoned(parts: Parts, zoned: DateTime) -> int | None:
    """Compare a time of unknown zone: certain only if it would be so in every zone."""
    assert zoned.offset is not None
    fixed = _utc(zoned.parts, zoned.offset)
    earliest = _compare_parts(_utc(parts, EASTMOST), fixed)
    latest = _compare_parts(_utc(parts, WESTMOST), fixed)
    return earliest if earliest == latest and earliest != 0 else None


def _compare_parts(left: Parts, right: Parts) -> int | None:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return 1 if one > other else -1
    return 0 if len(left) == len(right) else None


def _utc(parts: Parts, offset: int) -> Parts:
    """The parts in UTC; those finer than the minute stay as they are."""
    year, month, day, hour, *rest = parts
    minute = rest[0] if rest else 0
    base = date(int(year), int(month), int(day)).toordinal() * 1440
    total = base + int(hour) * 60 + int(minute) - offset
    days, minutes = divmod(total, 1440)
    # Outside of the years 1 to 9999 the day number alone keeps the order.
    moved: Parts = (days, minutes // 60, minutes % 60) if rest else (days, minutes // 60)
    return moved + tuple(rest[1:])


def _is_date(parts: Parts) -> bool:
    try:
        date(*(int(part) for part in (*parts, 1, 1)[:3]))
    except ValueError:
        return False
    return True


def _clock(text: str) -> Parts | None:
    """The parts of a time; a leap second is let in, as FHIR does."""
    hour, *rest = text.split(":")
    parts: Parts = (int(hour), *(int(part) for part in rest[:1]))
    if len(rest) == 2:
        parts += (Decimal(rest[1]),)
    limits = (24, 60, 61)
    within = all(part < limit for part, limit in zip(parts, limits, strict=False))
    return parts if within else None


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    return (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)


def _digits(parts: Parts) -> int:
    finest = parts[-1]
    if isinstance(finest, Decimal) and finest.as_tuple().exponent:
        return 17
    return (4, 6, 8, 10, 12, 14)[len(parts) - 1]


def _date_text(parts: Parts) -> str:
    year, *rest = parts
    return "-".join((f"{year:04}", *(f"{part:02}" for part in rest)))


def _time_text(parts: Parts) -> str:
    return ":".join(f"{part:02}" if isinstance(part, int) else _second_text(part) for part in parts)


def _second_text(second: Decimal) -> str:
    whole, dot, fraction = f"{second:f}".partition(".")
    return f"{int(whole):02}{dot}{fraction}"
