"""What rules look at: accesses, people, relations, and the limits that an institution sets;
values."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

DAY = 86_400_000_000
"""Microseconds."""


class Access(NamedTuple):
    """One request of one person, as far as it concerns one patient (empty: nobody)."""

    seq: int
    at: int
    agent: str
    patient: str
    interaction: str
    refused: bool
    emergency: bool
    roles: tuple[str, ...]


class Person(NamedTuple):
    """A patient or a member of the staff. Names and addresses are folded; `address` is street and
    postal code, empty where one of them is not known. `died` is a time, 0 for one that is not
    known, None for the living; `left` the end of the last encounter, None where one is under way or
    there was none."""

    family: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    born: str = ""
    address: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    died: int | None = None
    left: int | None = None


class Relation(NamedTuple):
    """A person takes part in the care of a patient, from `start` on and until `end`."""

    agent: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Limits:
    """`hours` are those of work by role, [from, to) of the day; who has only roles that are not
    named has none. Times are in `zone`. `labels` are codes of meta.security or meta.tag."""

    zone: tzinfo = UTC
    hours: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    labels: frozenset[str] = frozenset({"V", "VIP", "CEL"})
    denials: int = 5
    denials_within: int = 3_600_000_000
    patients_a_day: int = 25
    times_usual: float = 3.0
    dead_for: int = 90 * DAY
    gone_for: int = 365 * DAY
    grace: int = 30 * DAY
    """How long before a relation begins, and after it ends, it still explains an access."""


@dataclass(frozen=True)
class Material:
    """`accesses` of the period in question, in order of time; `before` how many patients each
    person saw on each of the days before it, with the roles of that day; `people` by reference;
    `relations` by the id of the patient."""

    accesses: tuple[Access, ...]
    people: Mapping[str, Person]
    relations: Mapping[str, tuple[Relation, ...]]
    before: Mapping[str, tuple[tuple[int, frozenset[str]], ...]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def by_pair(self) -> Mapping[tuple[str, str], list[Access]]:
        """What each person was shown of each patient."""
        found: defaultdict[tuple[str, str], list[Access]] = defaultdict(list)
        for access in self.accesses:
            if access.patient and not access.refused:
                found[access.agent, access.patient].append(access)
        return found

    def person(self, reference: str) -> Person:
        """Somebody, or nobody known."""
        return self.people.get(reference, _NOBODY)

    def local(self, at: int) -> datetime:
        """A time as the clocks of the institution showed it."""
        return datetime.fromtimestamp(at / 1_000_000, self.limits.zone)


_NOBODY = Person()


class Finding(NamedTuple):
    """Something to look at. `patient` is empty where it is about nobody in particular; `why` says
    what was seen, without anybody's data."""

    rule: str
    agent: str
    patient: str
    why: str
    first: int
    last: int
    times: int
    seqs: tuple[int, ...]

    @property
    def key(self) -> str:
        """The same for the same person, patient and day, however often it is looked for."""
        text = "\0".join((self.rule, self.agent, self.patient, str(self.first // DAY)))
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=9).hexdigest()


def finding(rule: str, accesses: Iterable[Access], why: str, *, alone: bool = False) -> Finding:
    """About some accesses of one person; `alone`: about no patient in particular."""
    seen = sorted(accesses, key=lambda access: (access.at, access.seq))
    patient = "" if alone else seen[0].patient
    seqs = tuple(dict.fromkeys(access.seq for access in seen))[:50]
    return Finding(rule, seen[0].agent, patient, why, seen[0].at, seen[-1].at, len(seen), seqs)


def by_day(material: Material, accesses: Iterable[Access]) -> list[list[Access]]:
    """Accesses, day by day."""
    days: defaultdict[str, list[Access]] = defaultdict(list)
    for access in accesses:
        days[f"{material.local(access.at):%Y-%m-%d}"].append(access)
    return list(days.values())
