"""From rules to times, lazily: only for the days that are asked for.

A time of day is turned into a moment as RFC 5545, 3.3.5 has it: one that a clock skips in spring is
read with the offset before the change, of one that it shows twice in autumn the first is meant.
Between its ends a rule goes on in real minutes, so an hour that is there twice is offered twice,
and one that is not there is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from careplane.telehealth.scheduling.availability.rules import (
    MINUTE,
    Availability,
    Rule,
    VisitType,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A time that rules offer: microseconds since 1970, for `capacity` patients."""

    start: int
    end: int
    visit: VisitType
    capacity: int


def openings(
    availability: Availability, visit: VisitType, low: int, high: int
) -> Iterator[Opening]:
    """Those that begin at `low` or later and end at `high` at the latest, in order of time."""
    zone = availability.zone
    day, last = _day(low, zone) - timedelta(days=1), _day(high, zone)
    while day <= last:
        if not availability.is_closed(day):
            rules = [r for r in availability.rules if r.takes(visit) and r.holds(day)]
            for rule in sorted(rules, key=lambda rule: rule.start):
                for one in _of_rule(rule, visit, day, zone, low, high):
                    if not availability.is_shut(one.start, one.end):
                        yield one
        day += timedelta(days=1)


def _of_rule(
    rule: Rule, visit: VisitType, day: date, zone: ZoneInfo, low: int, high: int
) -> Iterator[Opening]:
    begin, end = moment(day, rule.start, zone), moment(day, rule.end, zone)
    step, length = rule.step * MINUTE, visit.minutes * MINUTE
    start = begin + max(0, -((begin - low) // step) if low > begin else 0) * step
    while start + length <= min(end, high):
        yield Opening(start, start + length, visit, rule.capacity)
        start += step


def offered(availability: Availability, visit: VisitType, start: int, end: int) -> Opening | None:
    """The opening that is exactly this time, if rules have it."""
    found = openings(availability, visit, start, end)
    return next((one for one in found if (one.start, one.end) == (start, end)), None)


def windows(availability: Availability, low: int, high: int) -> Iterator[tuple[int, int, Rule]]:
    """When rules hold, as moments, whatever is booked then; for a calendar."""
    day, last = _day(low, availability.zone) - timedelta(days=1), _day(high, availability.zone)
    while day <= last:
        if not availability.is_closed(day):
            for rule in availability.rules:
                if rule.holds(day):
                    begin = moment(day, rule.start, availability.zone)
                    end = moment(day, rule.end, availability.zone)
                    if begin < high and end > low:
                        yield begin, end, rule
        day += timedelta(days=1)


def moment(day: date, at: time, zone: ZoneInfo) -> int:
    """Microseconds since 1970 of a time of day there."""
    local = datetime.combine(day, at, zone).astimezone(UTC)
    return round(local.timestamp()) * 1_000_000


def _day(micros: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(micros // 1_000_000, zone).date()
