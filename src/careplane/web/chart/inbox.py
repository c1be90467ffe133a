"""Rows of the home: what somebody asks of me, and a day of appointments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.care import tasks
from careplane.care.documents import given
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date

PAGES = {"refill": "/refills/{id}", "referral": "/referrals/{id}", "consult": "/consults/{id}"}
"""Code of a Task → the page that handles it; others have the page of tasks."""
NOTES = ("co-sign", "sent-back")
"""Codes of Tasks that are done on the page of a note."""
TITLES = {
    "todo": mark("To do"),
    "administrative": mark("Office work"),
    "refill": mark("Refill asked for"),
    "referral": mark("Referral"),
    "co-sign": mark("Co-signature asked for"),
    "sent-back": mark("Note sent back"),
    "look-through": mark("Document from the patient"),
}
_URGENT = ("urgent", "asap", "stat")


@dataclass(frozen=True, slots=True)
class Asked:
    """A Task: what is asked, of which patient, by whom. `mine`: not one of a pool's."""

    id: str
    href: str
    title: str
    detail: str
    patient: str
    by: str
    when: str
    urgent: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Visiting:
    """An Appointment of a day: `state` as FHIR has it; `who` is the practitioner, `said` how the
    appointment calls them."""

    id: str
    start: str
    clock: str
    title: str
    patient: str
    who: str
    said: str
    state: str


STATES = {
    "booked": mark("Booked"),
    "pending": mark("Not yet confirmed"),
    "arrived": mark("Arrived"),
    "checked-in": mark("Checked in"),
    "fulfilled": mark("Seen"),
    "noshow": mark("Did not come"),
    "cancelled": mark("Cancelled"),
}


def asked(task: Tree, me: str) -> Asked:
    """A row of the inbox."""
    code = tasks.code_of(task)
    words = types.concept(task.get("code", {})) or str(task.get("description", ""))
    focus = task.get("focus", {})
    detail = str(task.get("description", "")) or str(focus.get("display", ""))
    notes = (str(note.get("text", "")) for note in task.get("note", ()))
    title = TITLES.get(code, words) or mark("Task")
    return Asked(
        id=task["id"],
        href=note_of(code, task) or _page(code, task),
        title=title,
        detail=" · ".join(filter(None, (detail if detail != title else "", *notes)))[:200],
        patient=str(task.get("for", {}).get("reference", "")),
        by=str(task.get("requester", {}).get("display", "")),
        when=say_date(str(task.get("authoredOn", ""))),
        urgent=task.get("priority") in _URGENT,
        mine=task.get("owner", {}).get("reference") == me,
    )


def note_of(code: str, task: Tree) -> str:
    """The page of the note that a Task is about; empty for other Tasks."""
    note = str(task.get("focus", {}).get("reference", "")).removeprefix("Composition/")
    patient = str(task.get("for", {}).get("reference", "")).removeprefix("Patient/")
    return f"/patients/{patient}/notes/{note}" if code in NOTES and note and patient else ""


def _page(code: str, task: Tree) -> str:
    """Where it is handled: a document that a patient gave, on its own page."""
    patient = str(task.get("for", {}).get("reference", "")).partition("/")[2]
    document = str(task.get("focus", {}).get("reference", "")).partition("/")[2]
    if code == given.CODE and patient and document:
        return f"/patients/{patient}/documents/{document}"
    return PAGES.get(code, "/tasks/{id}").format(id=task["id"])


def by_urgency(rows: Iterable[Asked]) -> list[Asked]:
    """What is urgent first; else in the order they have."""
    return sorted(rows, key=lambda row: not row.urgent)


def visiting(tree: Tree) -> Visiting:
    """A row of a day."""
    actors = [p.get("actor", {}) for p in tree.get("participant", ())]
    places = [str(actor.get("reference", "")) for actor in actors]
    start = str(tree.get("start", ""))
    what = str(tree.get("description", "")) or types.concept(tree.get("appointmentType", {}))
    who: Tree = next((actor for actor, place in zip(actors, places, strict=True)
                if place.startswith("Practitioner/")), {})  # fmt: skip
    return Visiting(
        id=tree["id"],
        start=start,
        clock=start[11:16],
        title=what,
        patient=next((place for place in places if place.startswith("Patient/")), ""),
        who=str(who.get("reference", "")),
        said=str(who.get("display", "")),
        state=str(tree.get("status", "")),
    )
