"""Kinds of visits that can be booked, over all Schedules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError
from careplane.telehealth.scheduling.availability import reading
from careplane.telehealth.scheduling.availability.rules import VisitType
from careplane.web.agenda.roster import Line
from careplane.web.agenda.words import MEDIA


@dataclass(frozen=True, slots=True)
class Kind:
    """`key` names it in addresses; `minutes` is how long it takes where that is the same
    everywhere; `media` are the ways in which it is
    held; `people` give it; of
    those for `staff_only` patients book none."""

    key: str
    code: str
    token: tuple[str | None, str]
    name: str
    minutes: int
    media: tuple[str, ...]
    people: tuple[str, ...]
    staff_only: bool


def kinds(lines: Iterable[Line]) -> list[Kind]:
    """Each once, in the order in which Schedules have them."""
    found: dict[str, Kind] = {}
    for line in lines:
        for one in types(line):
            token = next(iter(sorted(one.tokens())), None)
            key = "|".join(token) if token else one.code
            before = found.get(key)
            found[key] = Kind(
                key,
                one.code,
                token or (None, one.code),
                before.name if before else one.name,
                before.minutes if before else one.minutes,
                tuple(
                    dict.fromkeys((*(before.media if before else ()), *(one.media or tuple(MEDIA))))
                ),
                tuple(dict.fromkeys((*(before.people if before else ()), *line.people))),
                one.staff_only and (before is None or before.staff_only),
            )
    return list(found.values())


def types(line: Line) -> tuple[VisitType, ...]:
    """The visit types of a Schedule; none of one that cannot be read."""
    try:
        return reading.read(line.tree, (reading.UTC,)).visits
    except CareplaneError:
        return ()


def kind_of(lines: Iterable[Line], tree: Tree) -> Kind | None:
    """The kind of visit that an Appointment is, where somebody offers it."""
    tokens = {
        (coding.get("system"), str(coding.get("code")))
        for concept in tree.get("serviceType", ())
        for coding in concept.get("coding", ())
    }
    return next((one for one in kinds(lines) if one.token in tokens), None)
