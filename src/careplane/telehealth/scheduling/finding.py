"""$find: which times there are for what somebody wants (ITI-115). Pure.

Actors of one kind are alternatives, in the order of preference; those of different kinds must all
be there. What is held, booked, closed, or too soon for who asks, is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import CareplaneError, Issue, TooLarge
from careplane.records.commands import Asking, Look, Seen
from careplane.telehealth.scheduling.availability.openings import Opening, openings
from careplane.telehealth.scheduling.availability.reading import has_rules
from careplane.telehealth.scheduling.availability.rules import MINUTE, VisitType
from careplane.telehealth.scheduling.booking import Asker
from careplane.telehealth.scheduling.occupancy import Taken
from careplane.telehealth.scheduling.place import (
    ROLES,
    Place,
    Visits,
    actors_in,
    others,
    persons_in,
    place_in,
    visits_in,
)

_DAY = 1440 * MINUTE
_MOST_SCHEDULES = 200
MOST_DAYS = 92
MOST_TIMES = 20_000
"""Times that one search works out at most."""
_HALVES = {"MORN": (0, 12), "AFT": (12, 17), "EVE": (17, 24)}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Token = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. References are relative (`Practitioner/1`); `identifiers` are tokens of
    Practitioners, `organizations` ids, `addresses` text of Locations' addresses; `days` are days of
    the week (0: Monday), `hours` of the day from and to."""

    start: int
    end: int
    practitioners: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    specialties: tuple[Token, ...] = ()
    visits: tuple[Token, ...] = ()
    days: frozenset[int] = frozenset()
    hours: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Times:
    """What was found: openings with their place in order of time, and what could not be used."""

    found: list[tuple[Place, Opening]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def actors(search: Search) -> Asking:
    """Who and where is meant by what is no reference."""
    looks = []
    people = [one for one in search.practitioners if one.startswith("Practitioner/")]
    if people:
        looks.append(_look(ROLES, "PractitionerRole", "practitioner", people))
    if search.identifiers:
        looks.append(_look("who", "Practitioner", "identifier", search.identifiers))
        looks.append(_look("as", "PractitionerRole", "practitioner.identifier", search.identifiers))
    if search.organizations:
        looks.append(_look("of", "Location", "organization", search.organizations))
    if search.addresses:
        looks.append(_look("there", "Location", "address", search.addresses))
    return Asking(looks=tuple(looks))


def candidates(search: Search, seen: Seen) -> Asking:
    """Schedules of whom it may be with."""
    people = (*search.practitioners, *_found(seen, "who", ROLES, "as"))
    where = (*search.locations, *_found(seen, "of", "there"))
    if (search.identifiers and not people) or (
        (search.organizations or search.addresses) and not where
    ):
        return Asking()
    criteria = [_any_of("actor", some) for some in (people, where) if some]
    if search.specialties:
        tokens = [f"{system}|{code}" if system else code for system, code in search.specialties]
        criteria.append(_any_of("specialty", tokens))
    asked = "&".join(criteria) or "active:not=false"
    return Asking(looks=(Look("schedules", "Schedule", asked, _MOST_SCHEDULES),))


def ids(seen: Seen) -> list[str]:
    """Ids of the Schedules that were found and have rules."""
    trees = seen.found.get("schedules", ())
    return [str(t["id"]) for t in trees if t.get("active") is not False and has_rules(t)]


def first(
    seen: Seen, search: Search, asker: Asker, without: frozenset[int]
) -> tuple[Place, Opening] | None:
    """The first time that can be had, and does not begin at one of these moments."""
    found, known = [], visits_in(seen)
    for id in ids(seen):
        try:
            place = place_in(seen, id)
        except CareplaneError:
            continue
        for visit in offers(place, search):
            some = free(seen, place, visit, search, asker, known)
            opening = next((one for one in some if one.start not in without), None)
            if opening is not None:
                found.append((place, opening))
    return min(found, key=lambda one: (one[1].start, one[0].id), default=None)


def times(seen: Seen, search: Search, asker: Asker) -> Times:
    """Every time that can be had. Raises TooLarge for more than can be worked out."""
    made, known = Times(), visits_in(seen)
    for id in ids(seen):
        try:
            place = place_in(seen, id)
        except CareplaneError as error:
            made.issues += [Issue("warning", "processing", i.text, i.where) for i in error.issues]
            continue
        for visit in offers(place, search):
            made.found += [(place, one) for one in free(seen, place, visit, search, asker, known)]
            if len(made.found) > MOST_TIMES:
                raise TooLarge("There are too many times; ask for fewer days or practitioners.")
    wishes = [*search.practitioners, *search.locations]
    made.found.sort(key=lambda one: (one[1].start, _preference(one[0], wishes)))
    return made


def free(
    seen: Seen,
    place: Place,
    visit: VisitType,
    search: Search,
    asker: Asker,
    known: Visits | None = None,
) -> Iterator[Opening]:
    """The openings of one schedule and visit type that can be had, in order of time."""
    if asker.is_patient and visit.staff_only:
        return
    terms = place.availability.terms
    soonest = asker.now + (terms.book_before * MINUTE if asker.is_patient else 0)
    low = max(search.start, soonest)
    high = min(search.end, asker.now + terms.horizon_days * _DAY)
    near = _by_day(others(seen, place, asker.now, known=known))
    for opening in openings(place.availability, visit, low, high):
        if not _wished(place, opening, search):
            continue
        day = opening.start // _DAY
        around = [one for number in range(day - 2, day + 3) for one in near.get(number, ())]
        if place.has_room(opening, around):
            yield opening


def _by_day(visits: Sequence[Taken]) -> dict[int, list[Taken]]:
    found: defaultdict[int, list[Taken]] = defaultdict(list)
    for one in visits:
        found[one.start // _DAY].append(one)
    return found


def offers(place: Place, search: Search) -> list[VisitType]:
    """The visit types that were asked for; the first one of the schedule where none was."""
    if not search.visits:
        return list(place.availability.visits[:1])
    return [
        visit
        for visit in place.availability.visits
        if any(
            code == visit.code or (system, code) in visit.tokens() for system, code in search.visits
        )
    ]


def _wished(place: Place, opening: Opening, search: Search) -> bool:
    if not (search.days or search.hours):
        return True
    local = datetime.fromtimestamp(opening.start // 1_000_000, place.availability.zone)
    if search.days and local.weekday() not in search.days:
        return False
    return not search.hours or any(low <= local.hour < high for low, high in search.hours)


def wishes(timing: Tree) -> tuple[frozenset[int], tuple[tuple[int, int], ...]]:
    """Days of the week and hours of the day of a Timing."""
    repeat = timing.get("repeat", {})
    days = frozenset(_DAYS.index(d) for d in repeat.get("dayOfWeek", ()) if d in _DAYS)
    return days, tuple(_HALVES[when] for when in repeat.get("when", ()) if when in _HALVES)


def about(search: Search) -> str:
    """What is looked for, for the audit trail."""
    whom = (*search.practitioners, *search.identifiers, *search.locations)
    return " ".join([f"{format_instant(search.start)}/{format_instant(search.end)}", *whom])


def _preference(place: Place, wishes: Sequence[str]) -> tuple[int, str]:
    found = [wishes.index(actor) for actor in place.actors if actor in wishes]
    return min(found, default=len(wishes)), place.id


def _found(seen: Seen, *names: str) -> tuple[str, ...]:
    trees = (tree for name in names for tree in seen.found.get(name, ()))
    return tuple(dict.fromkeys(f"{tree['resourceType']}/{tree['id']}" for tree in trees))


def _look(name: str, type: str, parameter: str, values: Sequence[str]) -> Look:
    return Look(name, type, _any_of(parameter, values), _MOST_SCHEDULES)


def _any_of(parameter: str, values: Sequence[str]) -> str:
    escaped = [value.replace("\\", "\\\\").replace(",", "\\,") for value in values]
    return f"{parameter}={','.join(quote(value, safe='/|') for value in escaped)}"


def on_schedule(seen: Seen, schedule: Tree, actors: frozenset[str]) -> bool:
    """Whether a schedule is about none but these actors, people first."""
    persons = persons_in(seen)
    actors |= {role for role, person in persons.items() if person in actors}
    mine = {one for one in actors_in(schedule) if not one.startswith("Location/")}
    return bool(mine) and mine <= actors if mine else set(actors_in(schedule)) <= actors
