"""Moments at the clock of a place: written for people, and carried by addresses and forms."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from careplane.kernel.errors import Incorrect
from careplane.telehealth.scheduling.availability.openings import moment
from careplane.telehealth.scheduling.occupancy import moment_of

_FIRST, _LAST = date(1970, 1, 1), date(9000, 1, 1)


def stamp(micros: int) -> str:
    """A moment as forms carry it: 2027-03-01T08:00Z."""
    return f"{datetime.fromtimestamp(micros // 1_000_000, UTC):%Y-%m-%dT%H:%MZ}"


def stamped(text: str) -> int:
    """Microseconds since 1970 of what `stamp` wrote. Raises Incorrect."""
    try:
        return moment_of(text)
    except (ValueError, OverflowError):
        raise Incorrect("This time cannot be read; choose one from the list.") from None


def local(micros: int, zone: ZoneInfo) -> datetime:
    """The moment on a clock there."""
    return datetime.fromtimestamp(micros // 1_000_000, zone)


def hour(micros: int, zone: ZoneInfo) -> str:
    """09:40"""
    return f"{local(micros, zone):%H:%M}"


def day_in(text: str, usual: date) -> date:
    """A day of a form; the usual one where it says none. Raises Incorrect."""
    if not text:
        return usual
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Incorrect("The day is written as 2030-12-31.") from None
    return min(max(day, _FIRST), _LAST)


def time_in(text: str) -> time:
    """A time of day of a form. Raises Incorrect."""
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0)
    except ValueError:
        raise Incorrect("The time of day is written as 09:30.") from None


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[int, int]:
    """From the beginning of a day to the end of another, as moments."""
    return moment(first, time(0), zone), moment(last + timedelta(days=1), time(0), zone)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
