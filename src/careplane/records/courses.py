"""How Tasks go their way, by whatever way they are written: state machines as tables (R4 Task,
12.18.7).

A feature that gives a Task a code of `urn:careplane:task` declares its `Course`: in which statuses
it comes, which steps there are, who takes them, and what a step must say. Operations of the feature
take the same steps and more: they change what goes with a Task in one unit of work, and are not
asked here. Programs act for the institution: they may bring a Task in any status, from elsewhere,
and take the steps of everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.access.fresh import is_person
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Forbidden, Issue, Unprocessable
from careplane.records.admission import Keep, said
from careplane.records.bodies import Content
from careplane.storage.ports.records import Version

CODES: Final = "urn:careplane:task"
OPEN: Final = ("requested", "received", "accepted", "ready", "in-progress", "on-hold")
"""Statuses of a Task that still waits for somebody."""
_FIXED: Final = ("code", "focus", "for", "requester", "authoredOn", "intent", "identifier")
_ALWAYS: Final = ("meta", "text", "lastModified", "note")
_PEOPLE: Final = ("Practitioner/", "Patient/", "RelatedPerson/")

May = Callable[[Caller, str, str], bool]
"""Whether a caller has any right to do this (a letter of SMART) with records of a type."""


class Side(Enum):
    """Who takes a step."""

    ASKER = "who has asked"
    """The `requester`; of a patient also who acts for them."""
    OWNER = "who is asked"
    """The `owner`; where that is no person, anybody of staff but the requester."""
    STAFF = "staff"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Step:
    """From one of some statuses to another; `reason`: it must say why (`statusReason`); `output`:
    a type of which it must name a record in `output`; `right`: what who takes it must be allowed,
    as `("u", "MedicationRequest")`."""

    before: tuple[str, ...]
    after: str
    by: Side
    reason: bool = False
    output: str = ""
    right: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """The way of the Tasks of a code. `born`: the statuses in which people may make one; none where
    an operation does. `mine`: who makes one is its owner. `operations` names what changes it, where
    nothing else does."""

    steps: tuple[Step, ...]
    born: tuple[str, ...] = ("requested",)
    mine: bool = False
    operations: str = ""


def moves(by: Side, among: tuple[str, ...] = OPEN) -> tuple[Step, ...]:
    """Steps from any of these statuses to any other of them."""
    return tuple(Step(among, after, by) for after in among)


def keep(courses: Mapping[str, Course], may: May) -> Keep:
    """What guards Tasks whose codes have a course."""

    def kept(caller: Caller, current: Version | None, content: Content | None) -> None:
        before = None if current is None or current.deleted else said(current)
        after = None if content is None else said(content)
        code = _code(before or {}, courses) or _code(after or {}, courses)
        if not code:
            return
        course = courses[code]
        if after is None:
            raise Conflict("This task stays on record: give it the status that it has come to.")
        if before is None:
            _may_come(caller, course, after)
        else:
            _may_change(caller, course, before, after, may)

    return kept


def _code(task: Tree, courses: Mapping[str, Course]) -> str:
    """Raises Unprocessable where there are two: it would be found as one and go as the other."""
    found = {
        str(coding.get("code"))
        for coding in task.get("code", {}).get("coding", ())
        if coding.get("system") == CODES
    }
    known = sorted(found & courses.keys())
    if known and len(found) > 1:
        raise _invalid(f"A Task has one code of {CODES}.", "code")
    return known[0] if known else ""


def _may_come(caller: Caller, course: Course, after: Tree) -> None:
    if not is_person(caller) and not acts_as_patient(caller):
        return
    if not course.born:
        raise Conflict(f"Tasks of this code are made by {course.operations}.")
    status = str(after.get("status"))
    if status not in course.born:
        raise _invalid(f"A Task of this code begins as {' or '.join(course.born)}.", "status")
    who = "owner" if course.mine else "requester"
    named = _reference(after, who)
    if course.mine and acts_as_patient(caller):
        raise Forbidden("This is for those who treat the patient.")
    if (course.mine or named.startswith(_PEOPLE)) and not _is(caller, named):
        raise Forbidden(f"Task.{who} is who makes it.")


def _may_change(caller: Caller, course: Course, before: Tree, after: Tree, may: May) -> None:
    if course.operations and _bare(before) != _bare(after):
        raise Conflict(f"Tasks of this code change by {course.operations}.")
    if any(before.get(name) != after.get(name) for name in _FIXED):
        raise Conflict(f"What was asked stays as it is: {', '.join(_FIXED)} of a Task.")
    notes = before.get("note", [])
    if after.get("note", [])[: len(notes)] != notes:
        raise Conflict("Notes of a Task are added to, and stay.")
    was, is_now = str(before.get("status")), str(after.get("status"))
    if was != is_now:
        _require_step(caller, course, before, after, may)
    elif was not in OPEN and _bare(before) != _bare(after):
        raise Conflict("This task has ended: notes are added to it, and nothing else.")
    if was in OPEN and before.get("owner") != after.get("owner"):
        _require_handing_over(caller, course, before, after)


def _require_step(caller: Caller, course: Course, before: Tree, after: Tree, may: May) -> None:
    """Raises Conflict for no step, Forbidden for one of others, Unprocessable for half of one."""
    was, is_now = str(before.get("status")), str(after.get("status"))
    steps = [one for one in course.steps if was in one.before and one.after == is_now]
    if not steps:
        raise Conflict(f"A Task of this code does not go from {was} to {is_now}.")
    theirs = [one for one in steps if is_on(one.by, caller, before)]
    if not theirs:
        raise Forbidden(f"This step is taken by {' or '.join(one.by.value for one in steps)}.")
    allowed = [one for one in theirs if one.right is None or may(caller, *one.right)]
    if not allowed:
        raise Forbidden("This step is taken by those who may write what it is about.")
    problems = [_unsaid(one, after) for one in allowed]
    if all(problems):
        raise next(one for one in problems if one is not None)


def _unsaid(step: Step, after: Tree) -> Unprocessable | None:
    reason = after.get("statusReason", {})
    if step.reason and not (reason.get("text") or reason.get("coding")):
        return _invalid(f"Say why it is {step.after}.", "statusReason")
    outputs = (_reference(one, "valueReference") for one in after.get("output", ()))
    if step.output and not any(one.startswith(f"{step.output}/") for one in outputs):
        return _invalid(f"Name the {step.output} that it came to.", "output")
    return None


def _require_handing_over(caller: Caller, course: Course, before: Tree, after: Tree) -> None:
    """Who owns it is changed by its owner where the owner alone goes on with it; where staff do, by
    them, who else could take it for somebody's answer."""
    sides = {step.by for step in course.steps} - {Side.ASKER}
    if not any(is_on(side, caller, before) for side in sides):
        raise Forbidden("Whose task it is changes who has it.")


def is_on(side: Side, caller: Caller, task: Tree) -> bool:
    """Whether a caller is on this side of a Task."""
    patient = acts_as_patient(caller)
    if side is Side.ANYBODY or (not patient and not is_person(caller)):
        return True
    if side is Side.STAFF:
        return not patient
    asker, owner = _reference(task, "requester"), _reference(task, "owner")
    if side is Side.ASKER:
        return _is(caller, asker)
    if owner.startswith(_PEOPLE):
        return _is(caller, owner)
    return not patient and not _is(caller, asker)


def _is(caller: Caller, reference: str) -> bool:
    if reference == caller.id:
        return True
    return acts_as_patient(caller) and reference == f"Patient/{caller.patient}"


def _bare(task: Tree) -> Tree:
    return {name: value for name, value in task.items() if name not in _ALWAYS}


def _reference(tree: Tree, name: str) -> str:
    return str(tree.get(name, {}).get("reference", ""))


def _invalid(text: str, where: str) -> Unprocessable:
    return Unprocessable(text, issues=(Issue("error", "business-rule", text, f"Task.{where}"),))
