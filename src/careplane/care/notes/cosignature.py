"""A co-signature that is asked for, as a Task (R4) with the code `co-sign` whose focus is the note.

It ends `completed` with the signature (a Provenance) in its output, or `rejected` with a reason;
then a Task `sent-back` brings the note to whoever asked. Whether a note has been co-signed the
signatures say, not these. All functions are pure and give new trees.
"""

from __future__ import annotations

from typing import Final

from careplane.access.caller import Caller
from careplane.access.consent.terms import ACT_CODE, NOT_FOR_PATIENTS
from careplane.care import tasks
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Forbidden, Incorrect
from careplane.records import commands as c
from careplane.records.courses import Course

CODE: Final = "co-sign"
COURSE: Final = Course(
    (), born=(), operations="asking for it, signing and refusing on the note's page"
)
SENT_BACK: Final = "sent-back"
REASON: Final = 500
_MOST: Final = 50


class Unnamed(Incorrect):
    """Who signs needs a co-signature, and named nobody for it."""


def look(note: str) -> c.Look:
    """The Tasks of both kinds that are open about a note, by its id."""
    codes = ",".join(f"{tasks.CODES}|{code}" for code in (CODE, SENT_BACK))
    criteria = f"focus=Composition/{note}&code={codes}&status={','.join(tasks.OPEN)}"
    return c.Look("cosign", "Task", criteria, _MOST)


def asked_for(seen: c.Seen) -> list[Tree]:
    """Open Tasks that ask for a co-signature, of what `look` found."""
    return [task for task in seen.found["cosign"] if tasks.code_of(task) == CODE]


def sent_back(seen: c.Seen) -> list[Tree]:
    """Open Tasks with which a note came back, of what `look` found."""
    return [task for task in seen.found["cosign"] if tasks.code_of(task) == SENT_BACK]


def require_named(caller: Caller, needing: frozenset[str], cosigner: str) -> None:
    """Raises Unnamed where a role of the caller needs a co-signature and none is asked for,
    Incorrect where it is asked of who cannot give it."""
    if not cosigner and caller.roles & needing:
        raise Unnamed("What you sign needs a co-signature: say whose.")
    if cosigner and (not cosigner.startswith("Practitioner/") or cosigner == caller.id):
        raise Incorrect("A co-signature is asked of another practitioner.")


def require_own_right(caller: Caller, needing: frozenset[str]) -> None:
    """Raises Forbidden for who needs co-signatures: such a person gives none."""
    if caller.roles & needing:
        raise Forbidden("Who needs co-signatures does not give them.")


def task(note: Tree, of: Tree, words: str, author: Tree, now: str) -> Tree:
    """What asks somebody to co-sign."""
    made = _task(CODE, note, of, author, now)
    return tasks.with_note(made, words, author, now)


def given(task: Tree, signature: str, now: str) -> Tree:
    """The Task once the co-signature is there: `signature` is the id of its Provenance."""
    output = {"type": {"text": "signature"},
              "valueReference": {"reference": f"Provenance/{signature}"}}  # fmt: skip
    done = {**task, "status": "completed", "lastModified": now}
    return {**done, "output": [*task.get("output", ()), output]}


def refused(task: Tree, reason: str, author: Tree, now: str) -> Tree:
    """The Task of who does not co-sign, and why."""
    moved = {**task, "status": "rejected", "statusReason": {"text": reason}, "lastModified": now}
    return tasks.with_note(moved, reason, author, now)


def returned(task: Tree, note: Tree, reason: str, author: Tree, now: str) -> Tree:
    """What brings the note back to whoever asked."""
    made = _task(SENT_BACK, note, task["requester"], author, now)
    return tasks.with_note(made, reason, author, now)


def closed(task: Tree, status: str, now: str) -> Tree:
    """The Task as it is needed no longer."""
    return {**task, "status": status, "lastModified": now}


def require_unasked(open: list[Tree], of: str) -> None:
    """Raises Conflict where the same person is asked already."""
    if any(task.get("owner", {}).get("reference") == of for task in open):
        raise Conflict("This person is asked already.")


def _task(code: str, note: Tree, owner: Tree, author: Tree, now: str) -> Tree:
    title = str(note.get("title", ""))
    return {
        "resourceType": "Task",
        "meta": {"security": [{"system": ACT_CODE, "code": NOT_FOR_PATIENTS}]},
        "status": "requested",
        "intent": "order",
        "code": tasks.concept(code),
        "description": title,
        "focus": {"reference": f"Composition/{note['id']}", "display": title},
        "for": {"reference": str(note["subject"]["reference"])},
        "authoredOn": now,
        "lastModified": now,
        "requester": author,
        "owner": owner,
    }
