"""A Schedule's extensions, read as availability; what is wrong with them, with its place.

schedule-rule        recurrence (string), start, end (time), valid (Period of dates),
                     step, capacity (positiveInt), visit-type (code, repeats)
schedule-visit-type  code (code), type (CodeableConcept), minutes (positiveInt),
                     before, after (unsignedInt), medium (code, repeats),
                     staff-only (boolean)
schedule-closed      Period of dates, or of dateTimes with an offset; schedule-closed-reason on it
schedule-terms       book-before, move-before, cancel-before, hold, offer (minutes),
                     horizon-days (unsignedInt)
timezone             code, on the Schedule or on its Location
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability import recurrence
from careplane.telehealth.scheduling.availability.overlaps import overlapping
from careplane.telehealth.scheduling.availability.rules import (
    Availability,
    Closing,
    Rule,
    Terms,
    VisitType,
)

MOST_RULES = 50
_LONGEST_MINUTES = 24 * 60
_BEGINNING = date(2020, 1, 6)
"""The Monday that intervals are counted from where a rule has no first day."""
UTC: Tree = {"extension": [{"url": names.TIME_ZONE, "valueCode": "UTC"}]}
"""A Location, for a Schedule whose own are not known."""
_ANY = ({"text": "Visit"}, "visit", 30)


def read(schedule: Tree, locations: tuple[Tree, ...] = ()) -> Availability:
    """What a Schedule says, with the time zone and holidays of its Locations. Raises Invalid with
    every problem."""
    reading = _Reading()
    found = reading.availability(schedule, locations)
    if reading.issues or found is None:
        text = "The availability of this Schedule cannot be used."
        raise Invalid(text, issues=tuple(reading.issues))
    return found


def has_rules(schedule: Tree) -> bool:
    """Whether a Schedule says anything of ours."""
    return any(url.startswith(names.RULE.rpartition("/")[0]) for url, _, _ in _extensions(schedule))


def count(schedule: Tree) -> int:
    """How many rules a Schedule has."""
    return sum(url == names.RULE for url, _, _ in _extensions(schedule))


def check(schedule: Tree) -> None:
    """As `read`, for a Schedule whose Locations are not known: its zone may stand there."""
    has_zone = any(url == names.TIME_ZONE for url, _, _ in _extensions(schedule))
    read(schedule, () if has_zone else (UTC,))


class _Reading:
    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def availability(self, schedule: Tree, locations: tuple[Tree, ...]) -> Availability | None:
        zone = self._zone(schedule, locations)
        visits = tuple(self._all(schedule, names.VISIT_TYPE, self._visit)) or (
            VisitType(_ANY[1], (schedule.get("serviceType") or [_ANY[0]])[0], _ANY[2]),
        )
        codes = frozenset(visit.code for visit in visits)
        rules = []
        for place, rule in self._placed(schedule, names.RULE, self._rule):
            if strange := sorted(rule.types - codes):
                self._say(f"There is no visit type {strange[0][:64]!r} here.", place)
            rules.append(rule)
        if len(rules) > MOST_RULES:
            self._say(f"A Schedule has at most {MOST_RULES} rules.", "Schedule.extension")
        elif pair := overlapping(rules):
            first, second, day = pair
            self._say(
                f"Rules {first + 1} and {second + 1} overlap on {day}; end the one before the "
                "other begins, or make one rule of them.",
                "Schedule.extension",
                "conflict",
            )
        places = (schedule, *locations)
        closed = tuple(p for one in places for p in self._all(one, names.CLOSED, self._closed))
        terms = next(iter(self._all(schedule, names.TERMS, self._terms)), Terms())
        if zone is None:
            return None
        return Availability(zone, tuple(rules), visits, closed, terms)

    def _zone(self, schedule: Tree, locations: tuple[Tree, ...]) -> ZoneInfo | None:
        for tree in (schedule, *locations):
            for url, place, extension in _extensions(tree):
                if url == names.TIME_ZONE:
                    zone = _zone_of(str(extension.get("valueCode", "")))
                    if zone is None:
                        self._say(
                            "This is no time zone of the IANA database; write one such as "
                            "Europe/Berlin.",
                            f"{place}.valueCode",
                        )
                    return zone
        self._say(
            "Neither the Schedule nor its Location has a time zone; give one of them the "
            f"extension {names.TIME_ZONE}.",
            "Schedule.extension",
            "required",
        )
        return None

    def _all(self, tree: Tree, url: str, read: Any) -> list[Any]:
        return [one for _, one in self._placed(tree, url, read)]

    def _placed(self, tree: Tree, url: str, read: Any) -> Iterator[tuple[str, Any]]:
        for named, place, extension in _extensions(tree):
            if named == url:
                found = read(_Parts(self, extension, place))
                if found is not None:
                    yield place, found

    def _rule(self, parts: _Parts) -> Rule | None:
        before = len(self.issues)
        start, end = parts.time("start"), parts.time("end")
        if start is not None and end is not None and end <= start:
            parts.wrong("end", "A rule ends after it starts, on the same day; make two rules of "
                        "one that goes on past midnight.")  # fmt: skip
        first, last = parts.period("valid") or (None, None)
        repeats = parts.recurrence("recurrence")
        step = parts.minutes("step", 15, least=1)
        capacity = parts.minutes("capacity", 1, least=1)
        types = frozenset(map(str, parts.values("visit-type")))
        if len(self.issues) > before or start is None or end is None or repeats is None:
            return None
        since = first or _BEGINNING
        return Rule(repeats, start, end, since, last, step, capacity, types)

    def _visit(self, parts: _Parts) -> VisitType | None:
        concept = parts.value("type") or {}
        coding = (concept.get("coding") or [{}])[0]
        code = str(parts.value("code") or coding.get("code") or "")
        if not code:
            parts.wrong("code", "A visit type needs a code.")
            return None
        return VisitType(
            code,
            concept or {"text": code},
            parts.minutes("minutes", 30, least=1),
            parts.minutes("before", 0),
            parts.minutes("after", 0),
            tuple(map(str, parts.values("medium"))),
            parts.value("staff-only") is True,
        )

    def _closed(self, parts: _Parts) -> Closing | None:
        period = parts.value("")
        if isinstance(period, dict) and "T" in f"{period.get('start')}{period.get('end')}":
            return self._shut(parts, period)
        before = len(self.issues)
        first, last = parts.period("") or (None, None)
        if first is None or last is None:
            if len(self.issues) == before:
                parts.wrong("", "A closed period has a start and an end, as dates.")
            return None
        return Closing(first, last, why=_why(period))

    def _shut(self, parts: _Parts, period: Tree) -> Closing | None:
        try:
            start, end = (datetime.fromisoformat(str(period.get(e))) for e in ("start", "end"))
            moments = [round(one.timestamp()) * 1_000_000 for one in (start, end) if one.tzinfo]
        except (ValueError, OverflowError):
            moments = []
        if len(moments) < 2 or moments[0] >= moments[1]:
            parts.wrong("", "Closed hours have a start and a later end, each with its offset, such "
                        "as 2027-03-26T14:00:00+01:00.")  # fmt: skip
            return None
        return Closing(start.date(), end.date(), moments[0], moments[1], _why(period))

    def _terms(self, parts: _Parts) -> Terms:
        usual = Terms()
        return Terms(
            parts.minutes("book-before", usual.book_before, most=366 * 1440),
            parts.minutes("move-before", usual.move_before, most=366 * 1440),
            parts.minutes("cancel-before", usual.cancel_before, most=366 * 1440),
            parts.minutes("hold", usual.hold, least=1),
            parts.minutes("offer", usual.offer, least=1),
            parts.minutes("horizon-days", usual.horizon_days, least=1, most=3660),
        )

    def _say(self, text: str, where: str, code: str = "value") -> None:
        self.issues.append(Issue("error", code, text, where))


class _Parts:
    """The parts of one extension; what is wrong with them is told to the reading."""

    def __init__(self, reading: _Reading, extension: Tree, place: str) -> None:
        self._reading = reading
        self._extension = extension
        self._place = place

    def values(self, name: str) -> list[Any]:
        if not name:
            return [_value(self._extension)]
        return [_value(one) for one in self._extension.get("extension", ()) if one["url"] == name]

    def value(self, name: str) -> Any:
        return next(iter(self.values(name)), None)

    def time(self, name: str) -> time | None:
        try:
            found = time.fromisoformat(str(self.value(name)))
        except ValueError:
            self.wrong(name, "This is no time of day, such as 09:00:00.")
            return None
        return found

    def period(self, name: str) -> tuple[date | None, date | None] | None:
        """Days from and to, both included."""
        found = self.value(name)
        if not isinstance(found, dict):
            return None
        try:
            first, last = (_day(found.get(end)) for end in ("start", "end"))
        except ValueError:
            self.wrong(name, "A period has dates, such as 2027-01-31.")
            return None
        if first and last and last < first:
            self.wrong(name, "The period ends before it starts.")
            return None
        return first, last

    def recurrence(self, name: str) -> recurrence.Recurrence | None:
        try:
            return recurrence.read(str(self.value(name) or "FREQ=DAILY"))
        except ValueError as error:
            self.wrong(name, f"The recurrence {error}.")
            return None

    def minutes(
        self, name: str, usual: int, *, least: int = 0, most: int = _LONGEST_MINUTES
    ) -> int:
        found = self.value(name)
        if found is None:
            return usual
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            self.wrong(name, f"This is a whole number from {least} to {most}.")
            return usual
        return found

    def wrong(self, name: str, text: str) -> None:
        inner = f".extension('{name}')" if name else ""
        self._reading.issues.append(Issue("error", "value", text, self._place + inner))


def _extensions(tree: Tree) -> Iterator[tuple[str, str, Tree]]:
    type = tree.get("resourceType", "Schedule")
    for number, extension in enumerate(tree.get("extension", ())):
        yield str(extension.get("url", "")), f"{type}.extension[{number}]", extension


def _value(extension: Tree) -> Any:
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def _why(period: Tree) -> str:
    found = (e for e in period.get("extension", ()) if e.get("url") == names.CLOSED_WHY)
    return next((str(one.get("valueString", "")) for one in found), "")


def _day(text: object) -> date | None:
    return None if text is None else date.fromisoformat(str(text)[:10])


@lru_cache(maxsize=256)
def _zone_of(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
