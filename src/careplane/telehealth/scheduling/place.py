"""A schedule with all that a decision about it rests on, found out in two steps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
    alone,
    is_free,
    taken,
)

VISITS = "visits"
_MOST_VISITS = 5000


@dataclass(frozen=True, slots=True)
class Place:
    """A Schedule, whom and where it is about, and which of these can be at one visit at a time."""

    id: str
    schedule: Tree
    availability: Availability
    actors: tuple[str, ...]
    alone: frozenset[str]

    def has_room(self, opening: Opening, others: Sequence[Taken]) -> bool:
        """Whether one more visit can be booked then. Where nobody is at one visit at a time, those
        of the schedule itself count."""
        return is_free(opening, self.alone or self.actors, others)


def schedules(ids: Iterable[str]) -> Asking:
    """The Schedules themselves."""
    return Asking(reads=tuple(("Schedule", id) for id in ids))


def around(
    ids: Callable[[Seen], Iterable[str]], spans: Callable[[Seen], Iterable[tuple[int, int]]]
) -> Callable[[Seen], Asking]:
    """Their Locations, and the visits of whom they are about, at these times."""

    def ask(seen: Seen) -> Asking:
        found = [seen.records[key] for id in ids(seen) if (key := ("Schedule", id)) in seen.records]
        actors = sorted({actor for tree in found for actor in actors_in(tree)})
        locations = tuple(_key(actor) for actor in actors if actor.startswith("Location/"))
        if not actors:
            return Asking()
        who = ",".join(quote(actor, safe="/") for actor in actors)
        looks = tuple(
            Look(
                f"{VISITS}-{number}",
                "Appointment",
                f"actor={who}&status={','.join(ACTIVE)}"
                f"&date=gt{format_instant(low - LONGEST)}&date=lt{format_instant(high + LONGEST)}",
                _MOST_VISITS,
            )
            for number, (low, high) in enumerate(spans(seen))
        )
        return Asking(reads=locations, looks=looks)

    return ask


def place_in(seen: Seen, id: str) -> Place:
    """Raises NotFound, Invalid where its availability cannot be used."""
    schedule = seen.records.get(("Schedule", id))
    if schedule is None or schedule.get("active") is False:
        raise NotFound("There is no such Schedule, or it is not active.")
    actors = tuple(actors_in(schedule))
    locations = {
        actor: seen.records[key]
        for actor in actors
        if actor.startswith("Location/") and (key := _key(actor)) in seen.records
    }
    availability = read(schedule, tuple(locations.values()))
    ones = frozenset(actor for actor in actors if alone(actor, locations))
    return Place(id, schedule, availability, actors, ones)


def others(seen: Seen, place: Place, now: int, *without: str) -> list[Taken]:
    """What takes places, but for the visits of these ids."""
    visits = {
        str(tree["id"]): tree
        for name, trees in seen.found.items()
        if name.startswith(VISITS)
        for tree in trees
    }
    return [one for one in taken(visits.values(), now, place.availability) if one.id not in without]


def actors_in(schedule: Tree) -> list[str]:
    """Relative references of whom and where a Schedule is about."""
    references = (str(actor.get("reference", "")) for actor in schedule.get("actor", ()))
    return [one for one in references if one.count("/") == 1]


def _key(actor: str) -> tuple[str, str]:
    type, _, id = actor.partition("/")
    return type, id
