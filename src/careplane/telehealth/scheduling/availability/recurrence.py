"""Recurrence: on which days a rule holds (RFC 5545, 3.3.10), as a test of one day.

A part of RRULE: `FREQ` of DAILY, WEEKLY or MONTHLY, `INTERVAL`, `BYDAY` (with a place in the month
for MONTHLY, as `2MO` or `-1FR`), `BYMONTHDAY`, `UNTIL`. Nothing is ever expanded from its
beginning, so a rule that holds for a thousand years costs what one of a
week does. COUNT is refused for that reason; UNTIL says the same.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T\d{6}Z?)?", re.ASCII)
_KNOWN = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "UNTIL"})
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY")
_LONGEST = 200
_MOST_INTERVAL = 999


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`days` are pairs of a place in the month (0: each) and a day of the week (0: Monday);
    `month_days` are 1 to 31, or -1 to -31 from the end; `until` is the last day."""

    frequency: str
    interval: int = 1
    days: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    until: date | None = None

    def holds(self, day: date, since: date) -> bool:
        """Whether it holds on a day; `since` is the day that intervals are counted from."""
        if day < since or (self.until is not None and day > self.until):
            return False
        return self._in_interval(day, since) and self._on(day, since)

    def _in_interval(self, day: date, since: date) -> bool:
        if self.interval == 1:
            return True
        if self.frequency == "DAILY":
            return (day - since).days % self.interval == 0
        if self.frequency == "WEEKLY":
            return (_monday(day) - _monday(since)) // 7 % self.interval == 0
        return (day.year * 12 + day.month - since.year * 12 - since.month) % self.interval == 0

    def _on(self, day: date, since: date) -> bool:
        if self.month_days and not self._on_month_day(day):
            return False
        if self.days:
            return any(day.weekday() == week_day and _is_nth(day, n) for n, week_day in self.days)
        if self.month_days or self.frequency == "DAILY":
            return True
        if self.frequency == "WEEKLY":
            return day.weekday() == since.weekday()
        return day.day == since.day

    def _on_month_day(self, day: date) -> bool:
        length = monthrange(day.year, day.month)[1]
        return day.day in self.month_days or day.day - length - 1 in self.month_days


def read(text: str) -> Recurrence:
    """The recurrence that a text writes. Raises ValueError that says what is wrong with it."""
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    parts: dict[str, str] = {}
    for part in text.removeprefix("RRULE:").upper().split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise ValueError("is written as FREQ=WEEKLY;BYDAY=MO,WE")
        parts[name] = value
    if strange := sorted(set(parts) - _KNOWN):
        hint = "; write UNTIL instead" if "COUNT" in strange else ""
        raise ValueError(f"has {strange[0][:20]}, which is not offered{hint}")
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise ValueError(f"needs a FREQ of {', '.join(_FREQUENCIES)}")
    return Recurrence(
        frequency,
        _number(parts.get("INTERVAL", "1")),
        _days(parts["BYDAY"], frequency) if "BYDAY" in parts else (),
        _month_days(parts["BYMONTHDAY"]) if "BYMONTHDAY" in parts else (),
        _until(parts["UNTIL"]) if "UNTIL" in parts else None,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _MOST_INTERVAL):
        raise ValueError(f"has an INTERVAL that is no number from 1 to {_MOST_INTERVAL}")
    return int(text)


def _days(text: str, frequency: str) -> tuple[tuple[int, int], ...]:
    found = []
    for part in text.split(","):
        read = _DAY.fullmatch(part)
        if read is None or (read[1] and frequency != "MONTHLY"):
            raise ValueError("has a BYDAY that is not like MO,WE, or 2MO of a month")
        found.append((int(read[1] or 0), DAYS.index(read[2])))
    return tuple(found)


def _month_days(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(",") if len(part) < 4)
    except ValueError:
        found = (0,)
    if not found or any(not 1 <= abs(day) <= 31 for day in found):
        raise ValueError("has a BYMONTHDAY that is not like 1,15 or -1")
    return found


def _until(text: str) -> date:
    read = _UNTIL.fullmatch(text)
    try:
        return date(*(int(part) for part in read.groups())) if read else date.fromisoformat(text)
    except ValueError:
        raise ValueError("has an UNTIL that is not like 20271231") from None


def _monday(day: date) -> int:
    return day.toordinal() - day.weekday()


def _is_nth(day: date, n: int) -> bool:
    if n == 0:
        return True
    if n > 0:
        return (day.day - 1) // 7 == n - 1
    return (monthrange(day.year, day.month)[1] - day.day) // 7 == -n - 1
