"""A referral: a ServiceRequest, and a Task with the code `referral` that asks its performer.

The Task goes from `requested` to `accepted`, `rejected` (with a reason) or `on-hold` (a question,
which the sender answers), and ends `completed` with a report in its output. All of it is by rule:
who receives answers, who sent replies.
"""

from __future__ import annotations

import base64
from typing import Final

from careplane.care import tasks
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict
from careplane.records.courses import Course, Side, Step, moves

CODE: Final = "referral"
_STEPS: Final = {
    "accept": Step(("requested", "received", "on-hold"), "accepted", Side.OWNER),
    "decline": Step(
        ("requested", "received", "on-hold", "accepted", "in-progress"),
        "rejected",
        Side.OWNER,
        reason=True,
    ),
    "ask": Step(
        ("requested", "received", "accepted", "in-progress"), "on-hold", Side.OWNER, reason=True
    ),
    "reply": Step(("on-hold",), "requested", Side.ASKER),
    "complete": Step(
        ("requested", "received", "accepted", "in-progress"),
        "completed",
        Side.OWNER,
        output="DocumentReference",
    ),
}
"""What can be done, and by which side."""
COURSE: Final = Course(
    (
        *_STEPS.values(),
        *moves(Side.OWNER, ("requested", "received", "accepted", "in-progress")),
        Step(tasks.OPEN, "cancelled", Side.ASKER),
    )
)
RECEIVER: Final = tuple(name for name, step in _STEPS.items() if step.by is Side.OWNER)
SENDER: Final = tuple(name for name, step in _STEPS.items() if step.by is Side.ASKER)
NEEDS_WORDS: Final = ("decline", "ask", "reply", "complete")


def task(request: Tree, author: Tree, now: str) -> Tree:
    """The Task that asks the performer."""
    title = _title(request)
    made: Tree = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": request.get("priority", "routine"),
        "code": tasks.concept(CODE),
        "description": title,
        "focus": {"reference": f"ServiceRequest/{request['id']}", "display": title},
        "for": {"reference": request["subject"]["reference"]},
        "authoredOn": now,
        "lastModified": now,
        "requester": author,
        "owner": request["performer"][0],
    }
    words = " · ".join(
        [*(str(r.get("text", "")) for r in request.get("reasonCode", ())),
         *(str(n.get("text", "")) for n in request.get("note", ()))]
    )  # fmt: skip
    return tasks.with_note({k: v for k, v in made.items() if v}, words, author, now)


def stepped(tree: Tree, step: str, words: str, author: Tree, now: str) -> Tree:
    """The Task after a step. Raises Conflict where its status does not allow that."""
    taken = _STEPS[step]
    if tree.get("status") not in taken.before:
        raise Conflict("The referral has gone on since; look at it as it is now.")
    moved = {**tree, "status": taken.after, "lastModified": now}
    moved.pop("statusReason", None)
    if taken.reason:
        moved["statusReason"] = {"text": words}
    return tasks.with_note(moved, words if step != "complete" else "", author, now)


def possible(status: str) -> list[str]:
    """Steps that a Task of this status can take."""
    return [name for name, step in _STEPS.items() if status in step.before]


def withdrawn(task: Tree, reason: str, now: str) -> Tree | None:
    """The Task of an order that ended; None where it has ended itself."""
    if tasks.code_of(task) != CODE or task.get("status") not in tasks.OPEN:
        return None
    said = {"statusReason": {"text": reason}} if reason else {}
    return {**task, "status": "cancelled", "lastModified": now, **said}


def report(tree: Tree, request: str, words: str, author: Tree, now: str) -> Tree:
    """What the receiver found, as a DocumentReference of plain text."""
    data = base64.b64encode(words.encode()).decode()
    loinc = {"system": "http://loinc.org", "code": "11488-4", "display": "Consult note"}
    made: Tree = {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [loinc], "text": "Report on a referral"},
        "subject": tree.get("for", {}),
        "date": now,
        "author": [author] if "reference" in author else [],
        "description": str(tree.get("description", "")),
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data,
                                    "title": str(tree.get("description", "")) or "Report"}}],
        "context": {"related": [{"reference": f"ServiceRequest/{request}"}]},
    }  # fmt: skip
    return {key: value for key, value in made.items() if value not in ({}, [], "")}


def with_output(tree: Tree, document: str) -> Tree:
    """The Task with its report."""
    output = {"type": {"text": "report"},
              "valueReference": {"reference": f"DocumentReference/{document}"}}  # fmt: skip
    return {**tree, "output": [*tree.get("output", ()), output]}


def _title(request: Tree) -> str:
    code = request.get("code", {})
    shown = (str(c.get("display") or c.get("code", "")) for c in code.get("coding", ()))
    return str(code.get("text") or next(shown, ""))
