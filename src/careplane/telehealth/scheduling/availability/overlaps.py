"""Rules that would offer the same time twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from careplane.telehealth.scheduling.availability.rules import Rule

_DAYS = 800
"""How far ahead of the day that the last one begins it looks: two years, and a bit."""


def overlapping(rules: Sequence[Rule]) -> tuple[int, int, date] | None:
    """Two rules by their numbers, and a day on which both hold at the same time."""
    held: dict[tuple[int, date], bool] = {}

    def holds(number: int, day: date) -> bool:
        key = (number, day)
        if key not in held:
            held[key] = rules[number].holds(day)
        return held[key]

    for j, other in enumerate(rules):
        for i, one in enumerate(rules[:j]):
            if one.start < other.end and other.start < one.end and _may_meet(one, other):
                day = next((d for d in _days(one, other) if holds(i, d) and holds(j, d)), None)
                if day is not None:
                    return i, j, day
    return None


def _days(one: Rule, other: Rule) -> Iterator[date]:
    first = max(one.first, other.first)
    ends = [day for rule in (one, other) for day in (rule.last, rule.recurrence.until) if day]
    last = min([*ends, first + timedelta(days=_DAYS)])
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _may_meet(one: Rule, other: Rule) -> bool:
    """False where their days of the week alone keep them apart."""
    a, b = ({day for _, day in rule.recurrence.days} for rule in (one, other))
    return not a or not b or bool(a & b)
