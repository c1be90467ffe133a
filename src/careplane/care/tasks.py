"""What asks somebody to do something: Tasks whose codes are of `urn:careplane:task` (R4 Task)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from careplane.fhir.tree import Tree
from careplane.records import courses

CODES: Final = courses.CODES
OPEN: Final = courses.OPEN
DISPLAYS: Final = {
    "acknowledge": "Acknowledge a result",
    "refill": "Refill of a medicine",
    "referral": "Referral",
    "co-sign": "Co-signature of a note",
    "sent-back": "Note sent back without a co-signature",
    "look-through": "Look through a document of the patient",
}


def concept(code: str) -> Tree:
    """The code of a Task, with the words that other systems show."""
    return {"coding": [{"system": CODES, "code": code, "display": DISPLAYS[code]}]}


def code_of(task: Tree) -> str:
    """Its code of ours; empty where it has none."""
    codings: Sequence[Tree] = task.get("code", {}).get("coding", ())
    return next((str(c.get("code", "")) for c in codings if c.get("system") == CODES), "")


def with_note(task: Tree, text: str, author: Tree, now: str) -> Tree:
    """The Task with one more note; the same where there is nothing to say."""
    if not text:
        return task
    by = (
        {"authorReference": author} if "reference" in author
        else {"authorString": author.get("display", "")}
    )  # fmt: skip
    return {**task, "note": [*task.get("note", ()), {**by, "time": now, "text": text}]}
