"""The timeline: what happened to a patient, day by day, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from careplane.fhir.tree import Tree
from careplane.web.chart import lists
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import here, say_date
from careplane.words.catalogues import gettext as _


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with the record that tells it."""

    type: str
    id: str
    kind: str
    title: str
    detail: str
    when: str

    @property
    def clock(self) -> str:
        return self.when[11:16]


@dataclass(frozen=True, slots=True)
class Day:
    """The events of one day."""

    date: str
    events: tuple[Event, ...]


def _encounter(tree: Tree) -> tuple[str, str, str]:
    reasons = ", ".join(map(types.concept, tree.get("reasonCode", ())))
    kinds = ", ".join(map(types.concept, tree.get("type", ()))) or _("Encounter")
    return kinds, reasons, str(tree.get("period", {}).get("start", ""))


def _procedure(tree: Tree) -> tuple[str, str, str]:
    when = tree.get("performedDateTime") or tree.get("performedPeriod", {}).get("start", "")
    return types.concept(tree.get("code", {})), "", str(when)


def _document(tree: Tree) -> tuple[str, str, str]:
    title = next((c.get("attachment", {}).get("title", "") for c in tree.get("content", ())), "")
    return title or types.concept(tree.get("type", {})), "", str(tree.get("date", ""))


def _note(tree: Tree) -> tuple[str, str, str]:
    signed = tree.get("status") in ("final", "amended")
    return str(tree.get("title", "")), "", str(tree.get("date", "")) if signed else ""


def _communication(tree: Tree) -> tuple[str, str, str]:
    said = " ".join(str(p.get("contentString", "")) for p in tree.get("payload", ()))
    return _("Message or call"), said, str(tree.get("sent", ""))


def _row(make: Callable[[Tree], lists.Row]) -> Callable[[Tree], tuple[str, str, str]]:
    def event(tree: Tree) -> tuple[str, str, str]:
        row = make(tree)
        return row.title, row.detail, row.sort

    return event


KINDS: dict[str, tuple[str, Callable[[Tree], tuple[str, str, str]]]] = {
    "Encounter": (mark("Visit"), _encounter),
    "Procedure": (mark("Procedure"), _procedure),
    "DiagnosticReport": (mark("Report"), _row(lists.report)),
    "Condition": (mark("Problem"), _row(lists.problem)),
    "MedicationRequest": (mark("Prescription"), _row(lists.medication)),
    "Immunization": (mark("Immunization"), _row(lists.immunization)),
    "DocumentReference": (mark("Document"), _document),
    "Composition": (mark("Note"), _note),
    "Communication": (mark("Communication"), _communication),
    "Flag": (mark("Alert"), _row(lists.alert)),
}
"""Type → what the timeline calls it, and how it becomes title, detail and time."""


def event(tree: Tree) -> Event | None:
    """The event of a resource; None if it has no time."""
    kind, make = KINDS[tree["resourceType"]]
    title, detail, when = make(tree)
    if len(when) < 10:
        return None
    return Event(tree["resourceType"], tree.get("id", ""), kind, title, detail, here(when))


def days(trees: Iterable[Tree]) -> list[Day]:
    """Events by day, newest first."""
    events = [found for tree in trees if (found := event(tree))]
    events.sort(key=lambda e: (e.when[:10], e.kind == "Visit", e.when), reverse=True)
    return [
        Day(say_date(date), tuple(group)) for date, group in groupby(events, lambda e: e.when[:10])
    ]
