"""The values that availability is made of. Times of day are those of clocks on the wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.availability.recurrence import Recurrence

MINUTE = 60_000_000
"""Microseconds."""


@dataclass(frozen=True, slots=True)
class VisitType:
    """What is booked: its code, how many minutes it takes, and how many must be free before and
    after it. `concept` is the CodeableConcept that an Appointment then has."""

    code: str
    concept: Tree
    minutes: int
    before: int = 0
    after: int = 0

    def tokens(self) -> frozenset[tuple[str, str]]:
        """System and code of each of its codings."""
        return frozenset(
            (str(one.get("system", "")), str(one.get("code", "")))
            for one in self.concept.get("coding", ())
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """On each day that it holds, from `start` to `end` a visit may begin every `step` minutes, for
    `capacity` patients at once. `types` are codes of visit types, none for all. `first` is the day
    it begins, which intervals are counted from; `last` the day it ends, both included."""

    recurrence: Recurrence
    start: time
    end: time
    first: date
    last: date | None = None
    step: int = 15
    capacity: int = 1
    types: frozenset[str] = frozenset()

    def holds(self, day: date) -> bool:
        """Whether it holds on a day."""
        if self.last is not None and day > self.last:
            return False
        return self.recurrence.holds(day, self.first)

    def takes(self, visit: VisitType) -> bool:
        """Whether visits of a type may be booked by it."""
        return not self.types or visit.code in self.types


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for a schedule, in minutes, and for how many days ahead it can be booked.
    Patients book, move and cancel until so long before the visit; staff at any time."""

    book_before: int = 60
    move_before: int = 24 * 60
    cancel_before: int = 24 * 60
    hold: int = 10
    offer: int = 60
    horizon_days: int = 180


@dataclass(frozen=True, slots=True)
class Availability:
    """All that a Schedule says. `closed` are periods of days, both ends included."""

    zone: ZoneInfo
    rules: tuple[Rule, ...]
    visits: tuple[VisitType, ...]
    closed: tuple[tuple[date, date], ...] = ()
    terms: Terms = Terms()

    def is_closed(self, day: date) -> bool:
        """Whether a day is a holiday."""
        return any(first <= day <= last for first, last in self.closed)

    def visit(self, code: str) -> VisitType | None:
        """A visit type by its code."""
        return next((one for one in self.visits if one.code == code), None)
