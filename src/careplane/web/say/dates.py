"""Dates, times and ages of FHIR in the language and at the clock of the page.

Partial dates (R4 2.24.0.1) stay partial; a moment is said at the clock of who reads it.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from careplane.words import dates

_PARTS = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?")


def say_date(value: str) -> str:
    """The date of a `date`, `dateTime` or `instant`, without the time of day."""
    try:
        if len(value) > 10:
            return dates.day(dates.here(datetime.fromisoformat(value)).date())
        found = _PARTS.fullmatch(value)
        if found is None or not found["month"]:
            return value
        if not found["day"]:
            return dates.month(date(int(found["year"]), int(found["month"]), 1))
        return dates.day(date.fromisoformat(value))
    except ValueError:
        return value


def say_time(value: str) -> str:
    """Date and time of day, as far as they are known."""
    return f"{say_date(value)} {clock}" if (clock := say_clock(value)) else say_date(value)


def say_clock(value: str) -> str:
    """The time of day alone, empty where it is not known."""
    try:
        return dates.clock(datetime.fromisoformat(value)) if len(value) > 10 else ""
    except ValueError:
        return ""


def here(value: str) -> str:
    """The same moment as it is written at the clock of who reads it, so that its day is theirs; a
    date of no time, and what is no date, as it is."""
    try:
        at = datetime.fromisoformat(value) if len(value) > 10 else None
    except ValueError:
        return value
    return dates.here(at).isoformat() if at and at.tzinfo else value


def say_period(period: dict[str, str]) -> str:
    """`Period`: from – to; an end that is missing is open."""
    start, end = here(period.get("start", "")), here(period.get("end", ""))
    if start[:10] == end[:10] and start:
        return f"{say_time(start)} – {end[11:16]}" if len(end) > 10 else say_date(start)
    return f"{say_date(start)} – {say_date(end)}".strip()


def day_of(value: str) -> date | None:
    """The first day that a partial date may mean."""
    try:
        return date.fromisoformat((value + "-01-01")[:10] if len(value) < 10 else value[:10])
    except ValueError:
        return None


def seconds_of(value: str) -> float | None:
    """Seconds since 1970, for the axis of a plot; a date without time counts from midnight UTC."""
    try:
        moment = datetime.fromisoformat(value if len(value) > 10 else f"{value}T00:00:00+00:00")
    except ValueError:
        return None
    return moment.timestamp()


def age(born: str, on: date) -> str:
    """The age as CUI writes it: days to 4 weeks, weeks to a year, months to two, then years."""
    birth = day_of(born)
    if birth is None or birth > on:
        return ""
    days = (on - birth).days
    months = (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)
    if days < 28:
        return dates.age_part(days, "d")
    if months < 12:
        return dates.age_part(days // 7, "w")
    if months < 24:
        return dates.age_part(months, "m")
    years = dates.age_part(months // 12, "y")
    return f"{years} {dates.age_part(months % 12, 'm')}" if months < 18 * 12 else years
