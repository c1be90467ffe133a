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
    after it. `concept` is the CodeableConcept that an Appointment then has; `media` are the ways in
    which it can be held (v3-ParticipationMode: PHYSICAL, VIDEOCONF, PHONE), none for any;
    `staff_only` where patients do not book it themselves."""

    code: str
    concept: Tree
    minutes: int
    before: int = 0
    after: int = 0
    media: tuple[str, ...] = ()
    staff_only: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        coding = (self.concept.get("coding") or [{}])[0]
        return str(self.concept.get("text") or coding.get("display") or self.code)

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
class Closing:
    """When nobody can be seen, whatever the rules say: days, both included, or from one moment to
    another (microseconds since 1970, the end not included). `why` is for staff."""

    first: date
    last: date
    start: int = 0
    end: int = 0
    why: str = ""

    @property
    def is_of_days(self) -> bool:
        """Whether it is of whole days."""
        return not self.end


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
    """All that a Schedule says."""

    zone: ZoneInfo
    rules: tuple[Rule, ...]
    visits: tuple[VisitType, ...]
    closed: tuple[Closing, ...] = ()
    terms: Terms = Terms()

    def is_closed(self, day: date) -> bool:
        """Whether a day is a holiday."""
        return any(one.is_of_days and one.first <= day <= one.last for one in self.closed)

    def is_shut(self, start: int, end: int) -> bool:
        """Whether a closing of hours is in the way of a time."""
        return any(one.start < end and start < one.end for one in self.closed if one.end)

    def visit(self, code: str) -> VisitType | None:
        """A visit type by its code."""
        return next((one for one in self.visits if one.code == code), None)
