"""Dates and times of day in words of a language, at the clock of the audience.

English follows the NHS Common User Interface (17-Jan-1952), the others their own way; a date of
numbers alone is written in German only, which has one order of them. Hours run from 0 to 23.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from careplane.words.audience import audience
from careplane.words.catalogues import ngettext
from careplane.words.lists import isolated

_DAYS = {"en": "dd-MMM-y", "es": "d MMM y", "de": "dd.MM.y", "ar": "d MMMM y"}
_MONTHS = {"en": "MMM-y", "es": "MMM y", "de": "MM.y", "ar": "MMMM y"}
_LONG = {
    "en": "EEEE, d MMMM y",
    "es": "EEEE, d 'de' MMMM 'de' y",
    "de": "EEEE, d. MMMM y",
    "ar": "EEEE، d MMMM y",
}
_SHORT = {"en": "EEE d MMM", "es": "EEE d MMM", "de": "EEE dd.MM.", "ar": "EEE d MMMM"}


def day(on: date) -> str:
    """`17-Jan-1952`."""
    return _written(on, _DAYS, audience().language)


def month(on: date) -> str:
    """`Jan-1952`, for a date of which the day is not known."""
    return _written(on, _MONTHS, audience().language)


def long_day(on: date) -> str:
    """`Thursday, 17 January 1952`."""
    return _written(on, _LONG, audience().language)


def short_day(on: date) -> str:
    """`Thu 17 Jan`, where the year is plain."""
    return _written(on, _SHORT, audience().language)


def here(at: datetime) -> datetime:
    """A moment at the clock of the audience; one of no zone is left as it is."""
    return at if at.tzinfo is None else at.astimezone(audience().clock)


def clock(at: datetime) -> str:
    """`07:12`, at the clock of the audience."""
    return f"{here(at):%H:%M}"


def moment(at: datetime) -> str:
    """`17-Jan-1952 07:12`, at the clock of the audience."""
    at = here(at)
    return f"{day(at.date())} {at:%H:%M}"


def long_moment(at: datetime) -> str:
    """`Thursday, 17 January 1952, 07:12`, at the clock of the audience."""
    at = here(at)
    comma = "،" if audience().language == "ar" else ","
    return f"{long_day(at.date())}{comma} {at:%H:%M}"


def long_moment_there(at: datetime) -> str:
    """`Thursday, 17 January 1952, 07:12 (UTC+0100)`, at the clock where it happens: for letters,
    whose readers' clock nobody knows."""
    comma = "،" if audience().language == "ar" else ","
    return f"{long_day(at.date())}{comma} {at:%H:%M} {isolated(f'(UTC{at:%z})')}"


def ago(at: datetime, now: datetime) -> str:
    """`3 hours ago`, `in 2 days`."""
    from babel.dates import format_timedelta

    return format_timedelta(at - now, add_direction=True, threshold=1, locale=audience().language)


def lasting(length: timedelta) -> str:
    """`3 hours`, in the largest unit that fits."""
    from babel.dates import format_timedelta

    return format_timedelta(length, threshold=1, locale=audience().language)


def age_part(number: int, unit: str) -> str:
    """`69y`, `4m`, `3w`, `12d`, as they stand in a banner."""
    if unit == "y":
        return ngettext("%(num)sy", "%(num)sy", number)
    if unit == "m":
        return ngettext("%(num)sm", "%(num)sm", number)
    return ngettext("%(num)sw", "%(num)sw", number) if unit == "w" else (
        ngettext("%(num)sd", "%(num)sd", number)
    )  # fmt: skip


def zone_name() -> str:
    """The time zone of the audience as its language calls it; UTC by its name."""
    from babel.dates import get_timezone, get_timezone_location

    zone = audience().zone
    if zone == "UTC":
        return zone
    return get_timezone_location(get_timezone(zone), locale=audience().language)


@lru_cache(maxsize=4096)
def _format(on: date, pattern: str, language: str) -> str:
    from babel.dates import format_date

    return format_date(on, pattern, locale=language)


def _written(on: date, patterns: dict[str, str], language: str) -> str:
    return _format(date(on.year, on.month, on.day), patterns.get(language, "y-MM-dd"), language)
