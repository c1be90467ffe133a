"""Whose Schedules there are: people, rooms and sites with their names and clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.occupancy import alone
from careplane.telehealth.scheduling.place import actors_in
from careplane.web.agenda.clock import zone_of
from careplane.web.say import types

_PEOPLE = ("Practitioner", "PractitionerRole", "Device")


@dataclass(frozen=True, slots=True)
class Line:
    """One Schedule: of whom (Practitioners themselves, where it names roles of theirs), where, and
    at which clock."""

    id: str
    tree: Tree
    people: tuple[str, ...]
    places: tuple[str, ...]
    zone: str


@dataclass(frozen=True)
class Roster:
    """All lines. `known` are the resources that were found of their actors, by reference."""

    lines: tuple[Line, ...]
    known: Mapping[str, Tree]
    persons: Mapping[str, str]

    @cached_property
    def people(self) -> list[tuple[str, str]]:
        """References and names of who is on a Schedule, by name."""
        return self._named(one for line in self.lines for one in line.people)

    @cached_property
    def rooms(self) -> list[tuple[str, str]]:
        """References and names of rooms, where one visit goes on at a time."""
        places = (one for line in self.lines for one in line.places)
        return self._named(one for one in places if alone(one, dict(self.known)))

    @cached_property
    def zones(self) -> list[str]:
        """The clocks that there are, that of most lines first."""
        all = [line.zone for line in self.lines]
        return sorted(set(all), key=lambda zone: (-all.count(zone), zone))

    def name(self, reference: str) -> str:
        """What a person or a place is called."""
        tree = self.known.get(self.persons.get(reference, reference), {})
        return called(tree) or reference

    def of(self, reference: str) -> list[Line]:
        """The lines of a person or a place."""
        return [one for one in self.lines if reference in (*one.people, *one.places)]

    def line(self, id: str) -> Line | None:
        """One line by the id of its Schedule."""
        return next((one for one in self.lines if one.id == id), None)

    def roles(self, person: str) -> list[str]:
        """A person with all their PractitionerRoles, as Appointments may name them."""
        return [person, *(role for role, one in self.persons.items() if one == person)]

    def site(self, line: Line) -> str:
        """Where a line is: its places by name."""
        return ", ".join(map(self.name, line.places))

    def zone(self, name: str) -> ZoneInfo:
        """A clock, by its name if it is one of theirs, else that of most."""
        return zone_of(name if name in self.zones else next(iter(self.zones), "UTC"))

    def _named(self, references: Iterable[str]) -> list[tuple[str, str]]:
        return sorted(((one, self.name(one)) for one in set(references)), key=lambda one: one[1])


def roster(schedules: Iterable[Tree], known: Mapping[str, Tree]) -> Roster:
    """Of Schedules, and what their actors refer to."""
    persons = {
        reference: str(tree.get("practitioner", {}).get("reference", ""))
        for reference, tree in known.items()
        if tree["resourceType"] == "PractitionerRole"
    }
    lines = []
    for tree in schedules:
        actors = actors_in(tree)
        places = tuple(one for one in actors if one.startswith("Location/"))
        people = (persons.get(one) or one for one in actors if one.partition("/")[0] in _PEOPLE)
        found = [tree, *(known[one] for one in places if one in known)]
        zone = next(filter(None, map(_zone, found)), "UTC")
        lines.append(Line(str(tree["id"]), tree, tuple(dict.fromkeys(people)), places, zone))
    return Roster(tuple(lines), known, persons)


def called(tree: Tree) -> str:
    """The name of a Practitioner, Location or Device, as it is said of staff: Dr. Ada Lovelace."""
    name = tree.get("name", "")
    if isinstance(name, str):
        return name
    first: Tree = name[0] if name else {}
    parts = (*first.get("prefix", ()), *first.get("given", ()), first.get("family"))
    return str(first.get("text") or " ".join(filter(None, parts)) or types.name(first))


def _zone(tree: Tree) -> str:
    found = (one for one in tree.get("extension", ()) if one.get("url") == names.TIME_ZONE)
    return next((str(one.get("valueCode", "")) for one in found), "")
