"""The Consents of one tenant that are in force, by what they come to: a change of one touches its
own patient only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from msgspec import Struct

from careplane.access.consent.rule import Given, Rule, Said
from careplane.storage.ports.records import Key

Template = tuple[Said, ...]
"""What the Consents of a patient say, oldest first."""
_SPARE = 1000
"""How much of what was said before is kept, at least."""
_place = id


@dataclass(slots=True)
class Alike:
    """Patients whose Consents say the same, as keys of their records."""

    template: Template
    patients: set[Key] = field(default_factory=set)
    _frozen: frozenset[Key] | None = None

    def keys(self) -> frozenset[Key]:
        """All of them: one and the same object until they change, since plans share it."""
        if self._frozen is None:
            self._frozen = frozenset(self.patients)
        return self._frozen

    def put(self, patient: str) -> None:
        self.patients.add(("Patient", patient))
        self._frozen = None

    def drop(self, patient: str) -> None:
        self.patients.discard(("Patient", patient))
        self._frozen = None


class Standing(Struct, frozen=True, gc=False):
    """One Consent: whose, from when, and its place in the order of writing."""

    patient: str
    when: int
    t: int
    said: Said


class Edition:
    """Decisions read it between two awaits, and it changes between two awaits, so that nobody sees
    half of a change. `number` counts the changes. `part2`: there are records of Part 2."""

    def __init__(self) -> None:
        self.number = 0
        self.part2 = False
        self._standing: dict[str, Standing] = {}
        self._of: dict[str, tuple[str, ...]] = {}
        self._templates: dict[str, Alike] = {}
        self._alike: dict[tuple[int, ...], Alike] = {}
        self._naming: defaultdict[str, set[str]] = defaultdict(set)
        self._said: dict[Said, Said] = {}

    def count(self) -> int:
        """How many patients have said something."""
        return len(self._templates)

    def anybody(self) -> frozenset[str]:
        """A patient who has said something, if there is one."""
        return frozenset(islice(self._templates, 1))

    def alike(self) -> Iterator[tuple[Template, frozenset[Key]]]:
        """All patients, by what they have said."""
        return ((one.template, one.keys()) for one in self._alike.values())

    def template(self, patient: str) -> Template:
        """What a patient has said; empty for nothing."""
        found = self._templates.get(patient)
        return found.template if found else ()

    def ids(self, patient: str) -> tuple[str, ...]:
        """The Consents of a patient, in the order of the template."""
        return tuple(id for _, _, id in self._ordered(patient))

    def naming(self, name: str) -> frozenset[str]:
        """The Consents that deny something to somebody by this name."""
        return frozenset(self._naming.get(name, ()))

    def change(self, read: Sequence[tuple[str, int, Given | None]]) -> None:
        """Consents by id, written at `t`; None for those that bear on nothing any more."""
        touched: set[str] = set()
        same: dict[int, Said] = {}
        for id, t, given in read:
            before = self._standing.pop(id, None)
            if before is not None:
                touched.add(before.patient)
                self._leave(id, before)
            if given is not None:
                touched.add(given.patient)
                said = same.get(_place(given.said))
                if said is None:  # to look it up by what it says takes longer than all else
                    said = self._said.setdefault(given.said, given.said)
                    same[_place(given.said)] = said
                self._enter(id, t, given, said)
        for patient in touched:
            self._settle(patient)
        if len(self._said) > 2 * len(self._standing) + _SPARE:
            self._said = {one.said: one.said for one in self._standing.values()}
        self.number += 1

    def _enter(self, id: str, t: int, given: Given, said: Said) -> None:
        self._standing[id] = Standing(given.patient, given.when, t, said)
        self._of[given.patient] = (*self._of.get(given.patient, ()), id)
        for name in _denied_by_name(said.root):
            self._naming[name].add(id)

    def _leave(self, id: str, before: Standing) -> None:
        self._of[before.patient] = tuple(one for one in self._of[before.patient] if one != id)
        for name in set(_denied_by_name(before.said.root)):
            self._naming[name].discard(id)
            if not self._naming[name]:
                del self._naming[name]

    def _settle(self, patient: str) -> None:
        """Put a patient among those who have said the same."""
        before = self._templates.pop(patient, None)
        if before is not None:
            before.drop(patient)
            if not before.patients:
                del self._alike[_places(before.template)]
        template = tuple(self._standing[id].said for _, _, id in self._ordered(patient))
        if not template:
            self._of.pop(patient, None)
            return
        places = _places(template)
        found = self._alike.get(places)
        if found is None:
            found = self._alike[places] = Alike(template)
        found.put(patient)
        self._templates[patient] = found

    def _ordered(self, patient: str) -> list[tuple[int, int, str]]:
        some = ((self._standing[id], id) for id in self._of.get(patient, ()))
        return sorted((one.when, one.t, id) for one, id in some)


def _places(template: Template) -> tuple[int, ...]:
    """What is said stands in memory once, so its place there will do for it."""
    return tuple(map(_place, template))


def _denied_by_name(rule: Rule) -> Iterator[str]:
    if rule.permits is not True:
        yield from rule.named
    for inner in rule.rules:
        yield from _denied_by_name(inner)
