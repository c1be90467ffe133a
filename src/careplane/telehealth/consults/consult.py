"""A consult as a value, and what becomes of it. Pure.

Its Task (`urn:careplane:task|consult`) says how it stands and until when an answer was promised,
its ServiceRequest what is wanted, its Encounter (class VR) that it is care, its thread what was
said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict, Forbidden
from careplane.records.courses import Course
from careplane.telehealth.messages import names, thread
from careplane.telehealth.messages.parties import Asker, Party, party
from careplane.telehealth.messages.thread import Draft, Thread
from careplane.telehealth.tasks.task import CODES, Task

CODE = "consult"
COURSE = Course((), born=(), operations="Task/$consult and Task/[id]/$consult-take and the like")
"""Its thread, its encounter and its request go with it, so nothing else changes it."""
PARTS = "urn:careplane:consult"
"""Codes of `Task.input.type` and `Task.output.type`: thread, answers, answer, visit."""
_SNOMED = "http://snomed.info/sct"
_CLASSES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_HOUR = 3600 * 1_000_000

QUESTIONS: dict[str, str] = {
    "since": "Since when do you have it?",
    "course": "Is it getting better, worse, or staying the same?",
    "strength": "How strong is it, from 0 (not at all) to 10?",
    "fever": "Do you have a fever? How high?",
    "tried": "What have you taken or done against it?",
    "allergies": "Are you allergic to anything?",
}
"""What a patient is asked, by the linkId of the answer."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Within how many hours a consult is answered, by how urgent it is."""

    routine: int = 48
    urgent: int = 8

    def until(self, now: int, *, urgent: bool) -> str:
        """The instant that is promised now."""
        return format_instant(now + (self.urgent if urgent else self.routine) * _HOUR)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `draft` is the reason, the words and the pictures; `answers` are by linkId of
    QUESTIONS."""

    draft: Draft
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Consult:
    """The Task of a consult, read."""

    task: Task

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def thread(self) -> str:
        return self._part("thread").rpartition("/")[2]

    @property
    def answers(self) -> str:
        """The id of the QuestionnaireResponse; empty where nothing was asked."""
        return self._part("answers").rpartition("/")[2]

    @property
    def encounter(self) -> str:
        reference = str(self.task.tree.get("encounter", {}).get("reference", ""))
        return reference.rpartition("/")[2]

    @property
    def request(self) -> str:
        return self.task.focus.rpartition("/")[2]

    @property
    def is_open(self) -> bool:
        return self.task.is_open

    @property
    def is_asked_back(self) -> bool:
        """Whether whoever asked is to say something."""
        return self.task.status == "on-hold"

    @property
    def is_internal(self) -> bool:
        """Whether patients do not see it."""
        return any(
            label.get("code") == names.not_for_patients()["code"]
            for label in self.task.tree.get("meta", {}).get("security", ())
        )

    @property
    def wants_visit(self) -> bool:
        """Whether the answer is to come."""
        return bool(self._part("visit", "output"))

    def is_late(self, now: int) -> bool:
        """Whether it should have been answered."""
        return self.is_open and not self.is_asked_back and interval(self.task.due)[1] <= now

    def is_asked_by(self, asker: Asker) -> bool:
        """Whether it is their question, or their patient's."""
        mine = self.task.requester.reference == asker.me.reference
        return mine or (asker.is_patient and self.task.patient in asker.names)

    def _part(self, code: str, kind: str = "input") -> str:
        for one in self.task.tree.get(kind, ()):
            if names.has([one.get("type", {})], PARTS, code):
                return str(one.get("valueReference", {}).get("reference", ""))
        return ""


@dataclass(frozen=True, slots=True)
class Ids:
    """Of what a new consult is made of."""

    task: str
    request: str
    encounter: str
    answers: str
    head: str
    first: str


def begun(ids: Ids, question: Question, asker: Asker, now: int, until: str) -> tuple[Tree, ...]:
    """A new consult; its message is the last of the trees."""
    draft = replace(question.draft, about=(f"Task/{ids.task}",))
    head = thread.begin(ids.head, draft, asker, now)
    first = thread.message(ids.first, Thread(head), asker, draft.text, draft.files, now)
    made = [_task(ids, draft, asker, now, until, bool(question.answers))]
    made += [_request(ids, draft, asker, now, question), _encounter(ids, draft, now)]
    if question.answers:
        made.append(_response(ids, question, asker, now))
    hidden = [thread.labelled(tree, draft.internal) for tree in made]
    return (*hidden, head, first)


@dataclass(frozen=True, slots=True)
class Case:
    """A consult with all that changes with it."""

    consult: Consult
    head: Thread
    encounter: Tree
    request: Tree

    def trees(self) -> tuple[Tree, ...]:
        return (self.consult.task.tree, self.head.tree, self.encounter, self.request)


def taken(case: Case, asker: Asker, now: int) -> Case:
    """Somebody answers it from now on. Raises Conflict where somebody else does."""
    _require_answering(case, asker)
    head = thread.taken(case.head, asker)
    task = {**case.consult.task.tree, "status": "in-progress", "owner": asker.me.tree()}
    return _with(case, task, now, head, _attended(case.encounter, asker, "in-progress", now))


def asked_back(case: Case, asker: Asker, now: int) -> Case:
    """Whoever asked is to say more; until then no answer is late."""
    _require_answering(case, asker)
    task = {**case.consult.task.tree, "status": "on-hold", "owner": asker.me.tree()}
    encounter = _attended(case.encounter, asker, "in-progress", now)
    return _with(case, task, now, thread.answered(case.head, asker, now), encounter)


def added(case: Case, asker: Asker, now: int, until: str) -> Case:
    """Whoever asked has said more: an answer is promised anew."""
    _require_open(case)
    if not case.consult.is_asked_by(asker):
        raise Forbidden("More is said by who has asked; whoever answers asks back, or answers.")
    task = case.consult.task.tree
    if case.consult.is_asked_back:
        task = {**_due(task, until), "status": "in-progress"}
    return _with(case, task, now, thread.answered(case.head, asker, now))


def answered(case: Case, asker: Asker, message: str, now: int, *, visit: bool = False) -> Case:
    """It is answered, perhaps by asking the patient to come."""
    _require_answering(case, asker)
    outputs = [{"type": names.concept(PARTS, "answer"), "valueReference": _to(message)}]
    if visit:
        outputs.append({"type": names.concept(PARTS, "visit"), "valueReference": _to(message)})
    task = {
        **case.consult.task.tree,
        "status": "completed",
        "owner": asker.me.tree(),
        "output": outputs,
    }
    return _ended(case, task, asker, "finished", "completed", now)


def refused(case: Case, asker: Asker, reason: str, now: int) -> Case:
    """It is not answered here; the reason was said."""
    _require_answering(case, asker)
    task = {**case.consult.task.tree, "status": "rejected", "statusReason": {"text": reason}}
    return _ended(case, task, asker, "cancelled", "revoked", now)


def withdrawn(case: Case, asker: Asker, now: int) -> Case:
    """Whoever asked needs no answer any more."""
    _require_open(case)
    if not case.consult.is_asked_by(asker):
        raise Forbidden("A question is withdrawn by who has asked it.")
    task = {**case.consult.task.tree, "status": "cancelled"}
    return _ended(case, task, asker, "cancelled", "revoked", now)


def handed_over(case: Case, asker: Asker, to: Party, now: int) -> Case:
    """Somebody else, or another pool, answers it. The promise stays."""
    _require_answering(case, asker)
    topics = frozenset({case.head.topic} if case.head.topic else ())
    head = thread.handed_over(case.head, asker, to, topics)
    task = {**case.consult.task.tree, "owner": to.tree(), "status": "requested"}
    return _with(case, task, now, head)


def noted(case: Case, asker: Asker, now: int) -> Case:
    """A note of those who answer."""
    _require_answering(case, asker)
    return _with(
        case, case.consult.task.tree, now, thread.answered(case.head, asker, now, note=True)
    )


def _require_open(case: Case) -> None:
    if not case.consult.is_open:
        raise Conflict("This consult has ended.")


def _require_answering(case: Case, asker: Asker) -> None:
    _require_open(case)
    if asker.is_patient or case.consult.task.requester.reference == asker.me.reference:
        raise Forbidden("A consult is answered by others than who has asked.")
    if not case.head.concerns(asker):
        raise Forbidden("A consult is answered by those whom it was sent to.")


def _with(case: Case, task: Tree, now: int, head: Tree, encounter: Tree | None = None) -> Case:
    changed = {**task, "lastModified": format_instant(now)}
    return replace(
        case,
        consult=Consult(Task(changed)),
        head=Thread(head),
        encounter=encounter or case.encounter,
    )


def _ended(
    case: Case,
    task: Tree,
    asker: Asker,
    encounter: Literal["finished", "cancelled"],
    request: Literal["completed", "revoked"],
    now: int,
) -> Case:
    attended = _attended(case.encounter, asker, encounter, now)
    period = {**attended.get("period", {}), "end": format_instant(now)}
    head = thread.ended(case.head, asker)
    ended = _with(case, task, now, head, {**attended, "period": period})
    return replace(ended, request={**case.request, "status": request})


def _attended(encounter: Tree, asker: Asker, status: str, now: int) -> Tree:
    me = asker.me.tree()
    people = list(encounter.get("participant", ()))
    known = [party(one.get("individual")).reference for one in people]
    if not asker.is_patient and "reference" in me and me["reference"] not in known:
        people.append({"individual": me, "period": {"start": format_instant(now)}})
    return {**encounter, "status": status, **({"participant": people} if people else {})}


def _due(task: Tree, until: str) -> Tree:
    return {**task, "restriction": {**task.get("restriction", {}), "period": {"end": until}}}


def _to(message: str) -> Tree:
    return {"reference": f"Communication/{message}"}


def _task(ids: Ids, draft: Draft, asker: Asker, now: int, until: str, with_answers: bool) -> Tree:
    at = format_instant(now)
    inputs = [
        {
            "type": names.concept(PARTS, "thread"),
            "valueReference": {"reference": f"Communication/{ids.head}"},
        }
    ]
    if with_answers:
        answers = {"reference": f"QuestionnaireResponse/{ids.answers}"}
        inputs.append({"type": names.concept(PARTS, "answers"), "valueReference": answers})
    code = names.concept(CODES, CODE)
    code["coding"][0]["display"] = "Consult"
    return {
        "resourceType": "Task",
        "id": ids.task,
        "status": "requested",
        "intent": "order",
        "priority": draft.priority,
        "code": code,
        "description": draft.title,
        "focus": {"reference": f"ServiceRequest/{ids.request}"},
        "for": draft.patient.tree(),
        "encounter": {"reference": f"Encounter/{ids.encounter}"},
        "authoredOn": at,
        "lastModified": at,
        "requester": asker.me.tree(),
        "owner": next(one for one in draft.to if not one.is_patient).tree(),
        "restriction": {"period": {"end": until}},
        "input": inputs,
    }


def _request(ids: Ids, draft: Draft, asker: Asker, now: int, question: Question) -> Tree:
    concept = {
        "coding": [{"system": _SNOMED, "code": "11429006", "display": "Consultation"}],
        "text": "Consult without a meeting",
    }
    support = [{"reference": file.party.reference} for file in draft.files]
    if question.answers:
        support.append({"reference": f"QuestionnaireResponse/{ids.answers}"})
    tree: Tree = {
        "resourceType": "ServiceRequest",
        "id": ids.request,
        "status": "active",
        "intent": "order",
        "category": [concept],
        "code": concept,
        "priority": draft.priority,
        "subject": draft.patient.tree(),
        "encounter": {"reference": f"Encounter/{ids.encounter}"},
        "authoredOn": format_instant(now),
        "requester": asker.me.tree(),
        "performer": [one.tree() for one in draft.to if not one.is_patient],
        "reasonCode": [{"text": draft.title}],
    }
    return {**tree, "supportingInfo": support} if support else tree


def _encounter(ids: Ids, draft: Draft, now: int) -> Tree:
    return {
        "resourceType": "Encounter",
        "id": ids.encounter,
        "status": "planned",
        "class": {"system": _CLASSES, "code": "VR", "display": "virtual"},
        "type": [{"text": "Consult without a meeting"}],
        "subject": draft.patient.tree(),
        "basedOn": [{"reference": f"ServiceRequest/{ids.request}"}],
        "reasonCode": [{"text": draft.title}],
        "period": {"start": format_instant(now)},
    }


def _response(ids: Ids, question: Question, asker: Asker, now: int) -> Tree:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": ids.answers,
        "status": "completed",
        "basedOn": [{"reference": f"ServiceRequest/{ids.request}"}],
        "subject": question.draft.patient.tree(),
        "encounter": {"reference": f"Encounter/{ids.encounter}"},
        "authored": format_instant(now),
        "author": asker.me.tree(),
        "item": [
            {"linkId": id, "text": QUESTIONS[id], "answer": [{"valueString": text}]}
            for id, text in question.answers
        ],
    }


def consult_of(head: Tree) -> str:
    """The id of the Task of the consult that a thread belongs to; empty for other threads."""
    about = (str(one.get("reference", "")) for one in head.get("about", ()))
    return next((one.partition("/")[2] for one in about if one.startswith("Task/")), "")
