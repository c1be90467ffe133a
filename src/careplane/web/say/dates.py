"""Dates and ages as the NHS Common User Interface writes them: 17-Jan-1952, 69y.

A month by name cannot be read the wrong way round. Partial dates (R4 2.24.0.1) stay partial.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_PARTS = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:T(?P<clock>\d\d:\d\d).*)?)?)?"
)


def say_date(value: str) -> str:
    """The date of a `date`, `dateTime` or `instant`, without the time of day."""
    found = _PARTS.fullmatch(value)
    if not found or not 1 <= int(found["month"] or 1) <= 12:
        return value
    parts = [found["day"], MONTHS[int(found["month"]) - 1] if found["month"] else None]
    return "-".join(part for part in (*parts, found["year"]) if part)


def say_time(value: str) -> str:
    """Date and time of day, as far as they are known."""
    found = _PARTS.fullmatch(value)
    clock = f" {found['clock']}" if found and found["clock"] else ""
    return say_date(value) + clock


def say_period(period: dict[str, str]) -> str:
    """`Period`: from – to; an end that is missing is open."""
    start, end = period.get("start", ""), period.get("end", "")
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
        return f"{days}d"
    if months < 12:
        return f"{days // 7}w"
    if months < 24:
        return f"{months}m"
    return f"{months // 12}y {months % 12}m" if months < 18 * 12 else f"{months // 12}y"
