"""Rows of orders and referrals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from careplane.care.orders import request as making
from careplane.care.orders.catalogue import spoken
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date, say_time

KINDS = {
    "laboratory": mark("Laboratory"),
    "imaging": mark("Imaging"),
    "procedure": mark("Procedures"),
    "referral": mark("Referral"),
}
PRIORITIES = {
    "routine": mark("Routine"),
    "urgent": mark("Urgent"),
    "asap": mark("As soon as possible"),
    "stat": mark("At once"),
}
STATES = {
    "draft": mark("Draft"),
    "active": mark("Ordered"),
    "on-hold": mark("On hold"),
    "revoked": mark("Cancelled"),
    "completed": mark("Done"),
    "entered-in-error": mark("Entered in error"),
}
REFERRED = {
    "requested": mark("Sent"),
    "received": mark("Received"),
    "accepted": mark("Accepted"),
    "on-hold": mark("A question waits for the sender"),
    "in-progress": mark("Under way"),
    "rejected": mark("Declined"),
    "cancelled": mark("Taken back"),
    "completed": mark("Answered"),
}
STEPS = {
    "accept": mark("Accept"),
    "ask": mark("Ask the sender"),
    "decline": mark("Decline"),
    "complete": mark("Send the report"),
    "reply": mark("Answer the question"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A ServiceRequest. `results` are reports and observations based on it: reference and title;
    `task` is the id of the referral."""

    id: str
    title: str
    kind: str
    when: str
    priority: str
    urgent: bool
    by: str
    to: str
    state: str
    word: str
    open: bool
    results: tuple[tuple[str, str], ...]
    task: str
    sort: str


def order(tree: Tree, results: Sequence[Tree] = (), task: str = "") -> Order:
    """A row of the list of orders."""
    status = str(tree.get("status", ""))
    priority = str(tree.get("priority", "routine"))
    found = tuple((f"{one['resourceType']}/{one['id']}", types.concept(one.get("code", {})))
                  for one in results)  # fmt: skip
    is_open = status in making.OPEN
    word = STATES.get(status, status)
    if is_open and found:
        word = mark("Results are there")
    return Order(
        id=tree["id"],
        title=spoken(types.concept(tree.get("code", {}))),
        kind=making.kind_of(tree),
        when=say_date(str(tree.get("authoredOn") or tree.get("occurrenceDateTime", ""))),
        priority=PRIORITIES.get(priority, priority),
        urgent=priority != "routine",
        by=str(tree.get("requester", {}).get("display", "")),
        to=", ".join(map(types.reference, tree.get("performer", ()))),
        state=status,
        word=word,
        open=is_open,
        results=found,
        task=task,
        sort=str(tree.get("authoredOn", "")),
    )


def by_order(results: Iterable[Tree]) -> dict[str, list[Tree]]:
    """Results by the id of the order that they are based on."""
    found: dict[str, list[Tree]] = {}
    for one in results:
        for reference in one.get("basedOn", ()):
            place = str(reference.get("reference", ""))
            if place.startswith("ServiceRequest/"):
                found.setdefault(place[15:], []).append(one)
    return found


@dataclass(frozen=True, slots=True)
class Referral:
    """A Task of a referral."""

    id: str
    title: str
    patient: str
    by: str
    to: str
    when: str
    word: str
    state: str
    urgent: bool
    why: str


def referral(task: Tree) -> Referral:
    """A row of a list of referrals."""
    status = str(task.get("status", ""))
    return Referral(
        id=task["id"],
        title=spoken(str(task.get("description", ""))),
        patient=str(task.get("for", {}).get("reference", "")),
        by=types.reference(task.get("requester", {})),
        to=types.reference(task.get("owner", {})),
        when=say_time(str(task.get("lastModified") or task.get("authoredOn", ""))),
        word=REFERRED.get(status, status),
        state=status,
        urgent=task.get("priority", "routine") != "routine",
        why=types.concept(task.get("statusReason", {})),
    )
