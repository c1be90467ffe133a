"""A task as a value, and what becomes of it. Pure.

Codes are of `urn:careplane:task`. Those of OURS are done here, by saying so; the others ask for
what has a page of its own, where it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict
from careplane.records import courses
from careplane.records.courses import Course, Side, Step, moves
from careplane.telehealth.messages import names
from careplane.telehealth.messages.parties import Asker, Party, party

CODES = courses.CODES
TODO, ADMINISTRATIVE = "todo", "administrative"
OURS = frozenset({TODO, ADMINISTRATIVE, "sent-back"})
OPEN = courses.OPEN
ENDED = ("completed", "rejected", "cancelled", "failed", "entered-in-error")
Priority = Literal["routine", "urgent", "asap", "stat"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
COURSE = Course(
    (
        *moves(Side.ANYBODY),
        Step(OPEN, "completed", Side.ANYBODY),
        Step(OPEN, "rejected", Side.ANYBODY, reason=True),
        Step(OPEN, "cancelled", Side.ASKER, reason=True),
    )
)
"""Of TODO and ADMINISTRATIVE: whoever may write it does it, as on the page."""


@dataclass(frozen=True, slots=True)
class Task:
    """A Task, read."""

    tree: Tree

    @property
    def id(self) -> str:
        return str(self.tree["id"])

    @property
    def version(self) -> int:
        return int(self.tree["meta"]["versionId"])

    @property
    def code(self) -> str:
        """A code of CODES; empty where it has none."""
        return names.code_of([self.tree.get("code", {})], CODES)

    @property
    def title(self) -> str:
        concept = self.tree.get("code", {})
        shown = (str(one.get("display", "")) for one in concept.get("coding", ()))
        text = self.tree.get("description") or concept.get("text") or next(shown, "")
        return str(text or "")

    @property
    def status(self) -> str:
        return str(self.tree.get("status", ""))

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_ours(self) -> bool:
        """Whether it is done by saying so."""
        return self.code in OURS or not self.code

    @property
    def patient(self) -> str:
        return str(self.tree.get("for", {}).get("reference", ""))

    @property
    def owner(self) -> Party:
        return party(self.tree.get("owner"))

    @property
    def requester(self) -> Party:
        return party(self.tree.get("requester"))

    @property
    def focus(self) -> str:
        return str(self.tree.get("focus", {}).get("reference", ""))

    @property
    def due(self) -> str:
        """`restriction.period.end`: a date, or a moment."""
        return str(self.tree.get("restriction", {}).get("period", {}).get("end", ""))

    @property
    def priority(self) -> str:
        return str(self.tree.get("priority", "routine"))

    @property
    def reason(self) -> str:
        """Why it was refused, or given up."""
        return str(self.tree.get("statusReason", {}).get("text", ""))

    @property
    def made(self) -> str:
        return str(self.tree.get("authoredOn", ""))

    @property
    def notes(self) -> list[tuple[str, str, str]]:
        """Who said what when."""
        return [
            (
                party(one.get("authorReference")).name or str(one.get("authorString", "")),
                str(one.get("time", "")),
                str(one.get("text", "")),
            )
            for one in self.tree.get("note", ())
        ]

    def is_late(self, now: int) -> bool:
        """Whether it should have been done."""
        return self.is_open and bool(self.due) and interval(self.due)[1] <= now

    def rank(self, now: int) -> tuple[bool, int, str, str]:
        """What comes first: late ones, urgent ones, those that are due soon."""
        urgency = -PRIORITIES.index(self.priority) if self.priority in PRIORITIES else 0
        return not self.is_late(now), urgency, self.due or "9999", self.made


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be done, by whom, until when (a date; empty: no matter)."""

    title: str
    owner: Party
    patient: Party
    due: str = ""
    priority: Priority = "routine"
    note: str = ""
    administrative: bool = False
    focus: str = ""


def made(id: str, wanted: Wanted, asker: Asker, now: int) -> Tree:
    """A new Task. Patients see those that they are to do; what colleagues ask each other about
    them they do not."""
    at = format_instant(now)
    code = ADMINISTRATIVE if wanted.administrative else TODO
    tree: Tree = {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "priority": wanted.priority,
        "code": names.concept(CODES, code),
        "description": wanted.title,
        "authoredOn": at,
        "lastModified": at,
        "requester": asker.me.tree(),
        "owner": wanted.owner.tree(),
    }
    if wanted.patient.reference:
        tree["for"] = wanted.patient.tree()
    if wanted.due:
        tree["restriction"] = {"period": {"end": wanted.due}}
    if wanted.focus:
        tree["focus"] = {"reference": wanted.focus}
    if not wanted.owner.is_patient:
        tree["meta"] = {"security": [names.not_for_patients()]}
    return noted(tree, wanted.note, asker, now)


def noted(tree: Tree, text: str, asker: Asker, now: int) -> Tree:
    """With one more note; changed as of now."""
    at = format_instant(now)
    tree = {**tree, "lastModified": at}
    if not text:
        return tree
    me = asker.me.tree()
    by: Tree = {"authorReference": me} if "reference" in me else {"authorString": asker.me.name}
    return {**tree, "note": [*tree.get("note", ()), {**by, "time": at, "text": text}]}


def taken(task: Task, asker: Asker, now: int) -> Tree:
    """Somebody does it from now on. Raises Conflict where somebody else does."""
    _require_open(task)
    if task.owner.reference.startswith("Practitioner/") and task.status == "in-progress":
        if task.owner.reference == asker.me.reference:
            return task.tree
        raise Conflict(f"{task.owner.name or 'Somebody else'} has taken this meanwhile.")
    started = {**task.tree, "owner": asker.me.tree(), "status": "in-progress"}
    return noted(started, "", asker, now)


def handed_over(task: Task, asker: Asker, to: Party, text: str, now: int) -> Tree:
    """Somebody else, or a pool, is to do it."""
    _require_open(task)
    moved = {**task.tree, "owner": to.tree(), "status": "requested"}
    return noted(moved, text, asker, now)


def completed(task: Task, asker: Asker, text: str, now: int) -> Tree:
    """It is done. Raises Conflict for one that is done elsewhere."""
    _require_open(task)
    if not task.is_ours:
        raise Conflict("This task is done on the page of what it is about.")
    return noted({**task.tree, "status": "completed"}, text, asker, now)


def refused(task: Task, asker: Asker, reason: str, now: int) -> Tree:
    """Somebody does not do it, and says why; whoever asked for it gives it up."""
    _require_open(task)
    if not task.is_ours:
        raise Conflict("This task is refused on the page of what it is about.")
    mine = task.requester.reference == asker.me.reference
    status = "cancelled" if mine else "rejected"
    return noted({**task.tree, "status": status, "statusReason": {"text": reason}}, "", asker, now)


def changed(task: Task, asker: Asker, due: str, priority: Priority, now: int) -> Tree:
    """Until another day, at another priority."""
    _require_open(task)
    tree = {**task.tree, "priority": priority}
    restriction = {k: v for k, v in tree.get("restriction", {}).items() if k != "period"}
    if due:
        restriction["period"] = {"end": due}
    bare = {key: value for key, value in tree.items() if key != "restriction"}
    return noted({**bare, "restriction": restriction} if restriction else bare, "", asker, now)


def is_day(text: str) -> bool:
    """Whether it is a date, such as 2030-12-31."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _require_open(task: Task) -> None:
    if not task.is_open:
        raise Conflict("This task has ended.")
