"""What is taken: the visits of practitioners and rooms, and whether one more has a place. Pure.

A visit of another length or beginning that overlaps, buffers included, is in the way; of those that
really go on at the same moment there may be as many as the rule has places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability.openings import Opening
from careplane.telehealth.scheduling.availability.rules import MINUTE, Availability, VisitType

ACTIVE = ("pending", "booked", "arrived", "checked-in")
"""Statuses of an Appointment that takes a place; a pending one until its hold ends."""
LONGEST = 24 * 60 * MINUTE
"""No visit takes longer, so none that began before can be in the way."""
_ROOMS = frozenset({"ro", "bd", "ve"})
_ALONE = frozenset({"Practitioner", "PractitionerRole", "Device"})


@dataclass(frozen=True, slots=True)
class Taken:
    """One visit: from when to when, by whom, and how long must be free before and after it."""

    id: str
    start: int
    end: int
    actors: frozenset[str]
    before: int = 0
    after: int = 0


def taken(visits: Iterable[Tree], now: int, availability: Availability) -> list[Taken]:
    """Those that take a place at `now`."""
    found = []
    for tree in visits:
        until = held_until(tree)
        if tree.get("status") not in ACTIVE or (until is not None and until <= now):
            continue
        if "start" not in tree or "end" not in tree:
            continue
        visit = visit_of(tree, availability)
        before, after = (visit.before, visit.after) if visit else (0, 0)
        start, end = moment_of(tree["start"]), moment_of(tree["end"])
        found.append(
            Taken(str(tree["id"]), start, end, actors_of(tree), before * MINUTE, after * MINUTE)
        )
    return found


def is_free(opening: Opening, actors: Iterable[str], others: Sequence[Taken]) -> bool:
    """Whether one more visit has a place, with every actor."""
    return all(_has_place(opening, [o for o in others if actor in o.actors]) for actor in actors)


def _has_place(opening: Opening, others: Sequence[Taken]) -> bool:
    before, after = opening.visit.before * MINUTE, opening.visit.after * MINUTE
    meeting = []
    for other in others:
        if other.start < opening.end and opening.start < other.end:
            meeting.append(other)
        elif other.end <= opening.start:
            if opening.start - other.end < max(before, other.after):
                return False
        elif other.start - opening.end < max(after, other.before):
            return False
    # The most that go on at one moment: looked at where each of them begins.
    moments = [opening.start, *(max(one.start, opening.start) for one in meeting)]
    most = max(sum(one.start <= at < one.end for one in meeting) for at in moments)
    return most < opening.capacity


def actors_of(tree: Tree) -> frozenset[str]:
    """Whom an Appointment is with, as relative references."""
    return frozenset(
        reference
        for participant in tree.get("participant", ())
        if (reference := str(participant.get("actor", {}).get("reference", "")))
        and participant.get("status") != "declined"
    )


def alone(actor: str, locations: dict[str, Tree]) -> bool:
    """Whether an actor can be at one visit at a time: people, devices, and Locations that are a
    room; not a site or a service, where many go on."""
    type, _, _ = actor.rpartition("/")
    if type != "Location":
        return type in _ALONE
    codings = locations.get(actor, {}).get("physicalType", {}).get("coding", ())
    return any(coding.get("code") in _ROOMS for coding in codings)


def visit_of(tree: Tree, availability: Availability) -> VisitType | None:
    """The visit type that an Appointment has, where the Schedule knows it."""
    tokens = {
        (str(one.get("system", "")), str(one.get("code", "")))
        for concept in tree.get("serviceType", ())
        for one in concept.get("coding", ())
    }
    texts = {concept.get("text") for concept in tree.get("serviceType", ())}
    for visit in availability.visits:
        mine = visit.tokens()
        if (mine & tokens) or (not mine and visit.concept.get("text") in texts):
            return visit
    return None


def held_until(tree: Tree) -> int | None:
    """When the hold of an Appointment ends; None where it is not held."""
    if tree.get("status") != "pending":
        return None
    found = extension(tree, names.HELD_UNTIL)
    return moment_of(found["valueInstant"]) if found else None


def extension(tree: Tree, url: str) -> Tree | None:
    """The one extension of this url."""
    return next((one for one in tree.get("extension", ()) if one.get("url") == url), None)


def moment_of(text: object) -> int:
    """Microseconds since 1970 of an instant."""
    return interval(str(text))[0]
