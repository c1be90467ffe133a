"""What the page of a note says of a co-signature that was asked for, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careplane.care import pools, tasks
from careplane.care.notes import cosignature
from careplane.care.notes.note import is_by, is_draft, is_ours
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError, Conflict
from careplane.web.i18n import mark
from careplane.web.pages import writing
from careplane.web.say import types
from careplane.web.say.dates import say_time
from careplane.web.say.problems import Problem
from careplane.web.visit import Visit

_MANY = "20"


@dataclass(frozen=True, slots=True)
class Ask:
    """A Task that asked: whom, when, and how it stands (`pending`, `given`, `refused` with the
    reason, `over`)."""

    id: str
    whom: str
    by: str
    when: str
    state: str
    reason: str
    words: str


async def of_note(visit: Visit, tree: Tree, cosigns: bool) -> dict[str, Any]:
    """Who was asked, and what the caller may do: co-sign or send back, ask somebody."""
    assert visit.caller is not None
    nothing: dict[str, Any] = {"asked": [], "to_me": None, "colleagues": []}
    if not is_ours(tree) or is_draft(tree) or visit.caller.patient or not visit.offers("Task"):
        return nothing
    code = f"{tasks.CODES}|{cosignature.CODE}"
    page = await visit.reader.glance(
        "Task", [("focus", f"Composition/{tree['id']}"), ("code", code),
                 ("_sort", "authored-on"), ("_count", _MANY)]
    )  # fmt: skip
    mine = await pools.owners(visit.web.door, visit.caller)
    asks = [(_ask(one), one.get("owner", {}).get("reference") in mine) for one in page.trees]
    to_me = next((ask for ask, me in asks if me and ask.state == "pending"), None)
    author = is_by(tree, visit.caller.id) and tree.get("status") in ("final", "amended")
    return {
        "asked": [ask for ask, _ in asks if ask.state != "given"],
        "to_me": to_me if cosigns else None,
        "colleagues": await writing.colleagues(visit) if author else [],
    }


def _ask(task: Tree) -> Ask:
    status = str(task.get("status", ""))
    state = {"completed": "given", "rejected": "refused"}.get(
        status, "pending" if status in tasks.OPEN else "over"
    )
    notes = [str(note.get("text", "")) for note in task.get("note", ())]
    return Ask(
        str(task["id"]), types.reference(task.get("owner", {})),
        types.reference(task.get("requester", {})), say_time(str(task.get("authoredOn", ""))),
        state, str(task.get("statusReason", {}).get("text", "")), notes[0] if notes else "",
    )  # fmt: skip


async def done(visit: Visit, id: str, sent: dict[str, str]) -> None:
    """What was chosen on the page. Raises as the services do."""
    assert visit.caller is not None
    cosigning = writing.cosigning_of(visit)
    match sent.get("do"):
        case "refuse":
            await cosigning.refuse(visit.caller, id, sent.get("reason", ""))
        case "ask":
            words = sent.get("words", "")
            await cosigning.ask(visit.caller, id, sent.get("cosigner", ""), words)
        case _:
            await cosigning.cosign(visit.caller, id)


def field(sent: dict[str, str]) -> str:
    """Where on the page a problem is told."""
    return {"refuse": "cosign-reason", "ask": "cosigner"}.get(sent.get("do", ""), "cosign")


def problem(error: CareplaneError, sent: dict[str, str]) -> Problem:
    """What to say of a refusal."""
    if isinstance(error, Conflict):
        return Problem(mark("Not done: the note has gone on since, or this was asked already."))
    if sent.get("do") == "refuse":
        return Problem(mark("Say why you do not co-sign, in 500 characters at most."))
    return Problem(mark("Choose a colleague to co-sign, and write 500 characters at most."))
