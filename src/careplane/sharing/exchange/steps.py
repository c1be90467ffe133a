"""The two Tasks of one referral, at who sends it and at who receives it. Pure.

Both have one identifier (EXCHANGE). What is newer, by `lastModified`, is said at the other side:
its status, the reason for that, and what was written; people of the other side as names alone.
"""

from __future__ import annotations

from typing import Final

from careplane.fhir.tree import Tree
from careplane.records.courses import Course

CODES: Final = "urn:careplane:task"
"""System of codes of Tasks."""
SENT: Final = "referral"
INCOMING: Final = "referral-in"
EXCHANGE: Final = "urn:careplane:exchange"
COURSE: Final = Course((), born=(), operations="the exchange between institutions")
"""Of what comes in: nobody makes one, and nobody makes another Task of it."""
OPEN: Final = ("requested", "received", "accepted", "ready", "in-progress", "on-hold")


def code(tree: Tree) -> str:
    """Its code of ours; empty where it has none."""
    codings = tree.get("code", {}).get("coding", ())
    return next((str(c.get("code", "")) for c in codings if c.get("system") == CODES), "")


def is_waiting(tree: Tree) -> bool:
    """Whether it is what came in, rather than the referral that was made of it."""
    return code(tree) == INCOMING


def exchanged(tree: Tree) -> str:
    """The identifier of both sides: number of who sent it, and id of the Task there; empty."""
    found = (one for one in tree.get("identifier", ()) if one.get("system") == EXCHANGE)
    return next((str(one.get("value", "")) for one in found), "")


def sent(tree: Tree, identifier: str, to: Tree, now: str) -> Tree:
    """The sender's Task once it leaves."""
    kept = [one for one in tree.get("identifier", ()) if one.get("system") != EXCHANGE]
    mark = {"system": EXCHANGE, "value": identifier}
    return {**tree, "identifier": [*kept, mark], "owner": to, "lastModified": now}


def incoming(tree: Tree, identifier: str, by: Tree, package: str, now: str) -> Tree:
    """The receiver's Task as it comes in: of nobody, about nobody, with what was sent."""
    made: Tree = {
        "resourceType": "Task",
        "identifier": [{"system": EXCHANGE, "value": identifier}],
        "status": "requested",
        "intent": "order",
        "priority": tree.get("priority", "routine"),
        "code": {"coding": [{"system": CODES, "code": INCOMING,
                             "display": "Referral from another institution"}]},
        "description": str(tree.get("description", "")),
        "authoredOn": now,
        "lastModified": now,
        "requester": by,
        "input": [{"type": {"text": "referral"},
                   "valueAttachment": {"contentType": "application/fhir+json", "data": package}}],
    }  # fmt: skip
    return {key: value for key, value in made.items() if value != ""}


def taken(tree: Tree, patient: str, request: str, owner: Tree, now: str) -> Tree:
    """A referral of a patient here, made of what came in."""
    concept = {"coding": [{"system": CODES, "code": SENT, "display": "Referral"}]}
    kept = {name: value for name, value in tree.items() if name not in ("id", "meta", "input")}
    return {
        **kept,
        "basedOn": [{"reference": f"Task/{tree['id']}"}],
        "status": "received",
        "code": concept,
        "focus": {"reference": f"ServiceRequest/{request}"},
        "for": {"reference": f"Patient/{patient}"},
        "owner": owner,
        "lastModified": now,
    }


def closed(tree: Tree, patient: str, now: str) -> Tree:
    """What came in, once it is taken in. It keeps its code, which guards its earlier versions too;
    what was sent stands in the record of the patient now."""
    kept = {name: value for name, value in tree.items() if name != "input"}
    return {**kept, "status": "completed", "for": {"reference": f"Patient/{patient}"},
            "lastModified": now}  # fmt: skip


def refused(tree: Tree, reason: str, now: str) -> Tree:
    """Not taken, and why; what was sent goes."""
    kept = {name: value for name, value in tree.items() if name != "input"}
    return {**kept, "status": "rejected", "statusReason": {"text": reason}, "lastModified": now}


def is_newer(one: Tree, other: Tree) -> bool:
    """Whether the first has something to say to the second."""
    return str(one.get("lastModified", "")) > str(other.get("lastModified", ""))


def told(here: Tree, there: Tree) -> Tree:
    """The Task here after what has happened there."""
    made = {**here, "status": there["status"], "lastModified": there["lastModified"]}
    made.pop("statusReason", None)
    if code(here) == INCOMING and made["status"] not in OPEN:
        made.pop("input", None)
    if "statusReason" in there:
        made["statusReason"] = {"text": str(there["statusReason"].get("text", ""))}
    known = {(one.get("time"), one.get("text")) for one in here.get("note", ())}
    new = [_said(one) for one in there.get("note", ())
           if (one.get("time"), one.get("text")) not in known]  # fmt: skip
    return {**made, "note": [*here.get("note", ()), *new]} if new else made


def reports(tree: Tree) -> list[str]:
    """Ids of the DocumentReferences in the output."""
    found = (str(o.get("valueReference", {}).get("reference", "")) for o in tree.get("output", ()))
    kind = "DocumentReference/"
    return [one.removeprefix(kind) for one in found if one.startswith(kind)]


def reported(tree: Tree, document: str) -> Tree:
    """With a report in the output."""
    output = {"type": {"text": "report"},
              "valueReference": {"reference": f"DocumentReference/{document}"}}  # fmt: skip
    return {**tree, "output": [*tree.get("output", ()), output]}


def _said(note: Tree) -> Tree:
    author = note.get("authorReference", {})
    name = str(author.get("display", "") or note.get("authorString", ""))
    kept: Tree = {name: note[name] for name in ("time", "text") if name in note}
    return {"authorString": name, **kept} if name else kept
