"""What all pages of tasks share: words for what they show, and where a task is done."""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.kernel.errors import CareplaneError
from careplane.telehealth.tasks.task import Task
from careplane.telehealth.tasks.tasks import Tasks
from careplane.web.chart.inbox import note_of
from careplane.web.i18n import mark
from careplane.web.pages.messages.shared import WRONG as WRONG_MESSAGES
from careplane.web.pages.messages.shared import wrong as wrong_message
from careplane.web.visit import Visit

STATUSES: dict[str, str] = {
    "draft": mark("Draft"),
    "requested": mark("Asked for"),
    "received": mark("Received"),
    "accepted": mark("Accepted"),
    "ready": mark("Ready"),
    "in-progress": mark("Being done"),
    "on-hold": mark("On hold"),
    "completed": mark("Done"),
    "rejected": mark("Refused"),
    "cancelled": mark("Given up"),
    "failed": mark("Failed"),
    "entered-in-error": mark("Entered in error"),
}
PRIORITIES: dict[str, str] = {
    "routine": mark("Routine"),
    "urgent": mark("Urgent"),
    "asap": mark("As soon as possible"),
    "stat": mark("At once"),
}
CODES: dict[str, str] = {
    "todo": mark("To do"),
    "administrative": mark("Office work"),
    "refill": mark("Refill request"),
    "fill-form": mark("Form to fill in"),
    "acknowledge": mark("Result to acknowledge"),
    "referral": mark("Referral"),
    "consult": mark("Consult"),
    "co-sign": mark("Co-signature asked for"),
    "sent-back": mark("Note sent back"),
    "look-through": mark("Document from the patient"),
}
WRONG: dict[str, str] = {
    **WRONG_MESSAGES,
    "title": mark("Say what shall be done, in 200 characters at most."),
    "owner": mark("Choose who shall do it."),
    "due": mark("Write the day as 2030-12-31."),
    "priority": mark("Choose one of the priorities."),
    "reason": mark("Say why, in 200 characters at most."),
    "patient": mark("There is no such patient, or none that you may see."),
}


def tasks_of(visit: Visit) -> tuple[Tasks, Caller]:
    """Behind `signed_in`, where there are tasks."""
    assert visit.web.talk is not None
    assert visit.caller is not None
    return visit.web.talk.tasks, visit.caller


def address(task: Task) -> str:
    """Where a task is done: on the page of what it is about; else on its own."""
    if task.code == "consult":
        return f"/consults/{task.id}"
    if task.code == "look-through" and task.patient:
        return (
            f"/patients/{task.patient.rpartition('/')[2]}/documents/{task.focus.rpartition('/')[2]}"
        )
    return note_of(task.code, task.tree) or f"/tasks/{task.id}"


def wrong(error: CareplaneError) -> dict[str, str]:
    """What went wrong, by field."""
    found = {i.where: WRONG[i.where] for i in error.issues if i.where in WRONG}
    return found or wrong_message(error)
