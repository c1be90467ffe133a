"""What all pages of consults share."""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.kernel.errors import CareplaneError
from careplane.telehealth.consults.consults import Consults
from careplane.web.i18n import mark
from careplane.web.pages.messages.shared import WRONG as WRONG_MESSAGES
from careplane.web.pages.messages.shared import wrong as wrong_message
from careplane.web.visit import Visit

QUESTIONS: dict[str, str] = {
    "since": mark("Since when do you have it?"),
    "course": mark("Is it getting better, worse, or staying the same?"),
    "strength": mark("How strong is it, from 0 (not at all) to 10?"),
    "fever": mark("Do you have a fever? How high?"),
    "tried": mark("What have you taken or done against it?"),
    "allergies": mark("Are you allergic to anything?"),
}
"""As `consult.QUESTIONS`, to be translated."""
STATUSES: dict[str, str] = {
    "requested": mark("Waiting for somebody"),
    "in-progress": mark("Being answered"),
    "on-hold": mark("More was asked"),
    "completed": mark("Answered"),
    "rejected": mark("Not answered here"),
    "cancelled": mark("Withdrawn"),
}
WRONG: dict[str, str] = {
    **WRONG_MESSAGES,
    "subject": mark("Say in a few words what it is about, in 200 characters at most."),
    "text": mark("Write something, in 10,000 characters at most."),
    "reason": mark("Say why, in 200 characters at most."),
    "patient": mark("A consult is about a patient; begin in the chart."),
    **dict.fromkeys(QUESTIONS, mark("Write 1,000 characters at most.")),
}


def consults_of(visit: Visit) -> tuple[Consults, Caller]:
    """Behind `signed_in`, where there are consults."""
    assert visit.web.talk is not None
    assert visit.caller is not None
    return visit.web.talk.consults, visit.caller


def wrong(error: CareplaneError) -> dict[str, str]:
    """What went wrong, by field."""
    found = {i.where: WRONG[i.where] for i in error.issues if i.where in WRONG}
    return found or wrong_message(error)
