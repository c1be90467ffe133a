"""A schedule with all that a decision about it rests on, found out in two steps. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import NotFound
from careplane.records.commands import Asking, Look, Seen
from careplane.telehealth.scheduling.availability.openings import Opening
from careplane.telehealth.scheduling.availability.reading import read
from careplane.telehealth.scheduling.availability.rules import Availability
from careplane.telehealth.scheduling.occupancy import (
    ACTIVE,
    LONGEST,
    Taken,
    actors_of,
    alone,
    is_free,
    taken,
)

VISITS = "visits"
ROLES = "roles"
Ask = Callable[[Seen], Asking]
Visits = Mapping[str, Mapping[str, Tree]]
_MOST_VISITS = 5000
_MOST_ROLES = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A Schedule, whom and where it is about, and which of these can be at one visit at a time. Of
    a PractitionerRole its Practitioner is an actor too; `persons` has who that is, by role."""

    id: str
    schedule: Tree
    availability: Availability
    actors: tuple[str, ...]
    alone: frozenset[str]
    persons: dict[str, str]

    def has_room(self, opening: Opening, others: Sequence[Taken]) -> bool:
        """Whether one more visit can be booked then. Where nobody is at one visit at a time, those
        of the schedule itself count."""
        return is_free(opening, self.alone or self.actors, others)


def schedules(ids: Iterable[str]) -> Asking:
    """The Schedules themselves."""
    return Asking(reads=tuple(("Schedule", id) for id in ids))


def around(
    ids: Callable[[Seen], Iterable[str]], spans: Callable[[Seen], Iterable[tuple[int, int]]]
) -> tuple[Ask, Ask, Ask]:
    """Who they are that schedules are about, with all roles of theirs; their Locations, and the
    visits that any of these have at these times."""

    def mine(seen: Seen) -> list[str]:
        found = [seen.records[key] for id in ids(seen) if (key := ("Schedule", id)) in seen.records]
        return sorted({actor for tree in found for actor in actors_in(tree)})

    def named(seen: Seen) -> Asking:
        keys = [_key(actor) for actor in mine(seen)]
        return Asking(reads=tuple(k for k in keys if k[0] in ("Location", "PractitionerRole")))

    def roles(seen: Seen) -> Asking:
        actors = mine(seen)
        people = {one for one in actors if one.startswith("Practitioner/")}
        people |= {who for role, who in persons_in(seen).items() if role in actors}
        return Asking(looks=(roles_of(people),)) if people else Asking()

    def visits(seen: Seen) -> Asking:
        actors, persons = mine(seen), persons_in(seen)
        people = {*actors, *(persons[one] for one in actors if one in persons)}
        who = sorted(people | {role for role, one in persons.items() if one in people})
        if not who:
            return Asking()
        listed = ",".join(quote(actor, safe="/") for actor in who)
        looks = tuple(
            Look(
                f"{VISITS}-{number}",
                "Appointment",
                f"actor={listed}&status={','.join(ACTIVE)}"
                f"&date=gt{format_instant(low - LONGEST)}&date=lt{format_instant(high + LONGEST)}",
                _MOST_VISITS,
            )
            for number, (low, high) in enumerate(spans(seen))
        )
        return Asking(looks=looks)

    return named, roles, visits


def roles_of(people: Iterable[str]) -> Look:
    """What finds the PractitionerRoles of Practitioners."""
    listed = ",".join(quote(one, safe="/") for one in sorted(people))
    return Look(ROLES, "PractitionerRole", f"practitioner={listed}", _MOST_ROLES)


def persons_in(seen: Seen) -> dict[str, str]:
    """The Practitioner of each PractitionerRole that was seen, as relative references."""
    read = [tree for (type, _), tree in seen.records.items() if type == "PractitionerRole"]
    roles = {str(tree["id"]): tree for tree in (*read, *seen.found.get(ROLES, ()))}
    return {
        f"PractitionerRole/{id}": who
        for id, tree in roles.items()
        if (who := str(tree.get("practitioner", {}).get("reference", "")))
    }


def place_in(seen: Seen, id: str) -> Place:
    """Raises NotFound, Invalid where its availability cannot be used."""
    schedule = seen.records.get(("Schedule", id))
    if schedule is None or schedule.get("active") is False:
        raise NotFound("There is no such Schedule, or it is not active.")
    persons = persons_in(seen)
    mine = actors_in(schedule)
    actors = tuple(dict.fromkeys((*mine, *(persons[one] for one in mine if one in persons))))
    locations = {
        actor: seen.records[key]
        for actor in actors
        if actor.startswith("Location/") and (key := _key(actor)) in seen.records
    }
    availability = read(schedule, tuple(locations.values()))
    ones = frozenset(actor for actor in actors if alone(actor, locations))
    return Place(id, schedule, availability, actors, ones, persons)


def others(
    seen: Seen, place: Place, now: int, *without: str, known: Visits | None = None
) -> list[Taken]:
    """What takes places of this one's actors, but for the visits of these ids. `known` is
    `visits_in(seen)`, where several places are looked at."""
    known = visits_in(seen) if known is None else known
    mine = {id: tree for actor in place.actors for id, tree in known.get(actor, {}).items()}
    for role, person in place.persons.items():
        if person in place.actors:
            mine.update(known.get(role, {}))
    found = taken(mine.values(), now, place.availability)
    return [_known(one, place.persons) for one in found if one.id not in without]


def visits_in(seen: Seen) -> Visits:
    """The visits that were seen, by whom they are with and by id."""
    found: defaultdict[str, dict[str, Tree]] = defaultdict(dict)
    for name, trees in seen.found.items():
        if name.startswith(VISITS):
            for tree in trees:
                for actor in actors_of(tree):
                    found[actor][str(tree["id"])] = tree
    return found


def _known(visit: Taken, persons: dict[str, str]) -> Taken:
    """With the Practitioners whose roles take part in it."""
    more = {persons[one] for one in visit.actors if one in persons}
    return replace(visit, actors=visit.actors | more) if more else visit


def actors_in(schedule: Tree) -> list[str]:
    """Relative references of whom and where a Schedule is about."""
    references = (str(actor.get("reference", "")) for actor in schedule.get("actor", ()))
    return [one for one in references if one.count("/") == 1]


def _key(actor: str) -> tuple[str, str]:
    type, _, id = actor.partition("/")
    return type, id
