"""Refills: a patient asks for a medicine again, and who prescribed it answers.

A Task with the code `refill` asks (focus: the MedicationRequest). A prescription that names it in
its output answers yes; `rejected` with a `statusReason` is no, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.care import asking, tasks
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.courses import Course, Side, Step, moves
from careplane.records.door import Door

CODE: Final = "refill"
COURSE: Final = Course(
    (
        *moves(Side.STAFF),
        Step(tasks.OPEN, "completed", Side.STAFF, output="MedicationRequest",
             right=("c", "MedicationRequest")),
        Step(tasks.OPEN, "rejected", Side.STAFF, reason=True, right=("u", "MedicationRequest")),
        Step(tasks.OPEN, "cancelled", Side.ASKER),
    )
)  # fmt: skip
_LONGEST: Final = 1_000
_ENDED: Final = ("entered-in-error", "draft", "cancelled")


@dataclass(frozen=True, slots=True)
class Refills:
    """Over the door of an installation."""

    door: Door
    clock: Clock
    new_id: NewId

    async def ask(self, caller: Caller, request: str, words: str = "") -> str:
        """Ask for a MedicationRequest again, as its patient or for them; the id of the Task. It
        goes to who prescribed it, or to all who prescribe where that was nobody of this house.
        Raises NotFound, Incorrect, Conflict where it is asked for already."""
        if len(words) > _LONGEST:
            raise Incorrect(f"Write {_LONGEST} characters at most.")
        tree = await asking.read(self.door, caller, "MedicationRequest", request)
        if tree.get("status") in _ENDED:
            raise Conflict("This medicine cannot be asked for again; write to the practice.")
        new, now = self.new_id(), format_instant(self.clock())
        task = _task(tree, asking.author(caller), words.strip(), now)
        # A patient has no right to write Tasks: this one is vouched for here.
        write = c.Write("Task", new, task, own=not acts_as_patient(caller))
        criteria = f"focus=MedicationRequest/{request}&code={tasks.CODES}|{CODE}"
        look = c.Look("asked", "Task", f"{criteria}&status={','.join(tasks.OPEN)}")

        def decide(seen: c.Seen) -> c.Decided:
            if seen.found["asked"]:
                raise Conflict("This has been asked for already; the answer will come.")
            return c.Decided((write,), about=f"Task/{new}")

        act = c.Act("$refill", (lambda seen: c.Asking(looks=(look,)),), decide)
        await self.door.act(caller, act)
        return new

    async def decline(self, caller: Caller, task: str, words: str) -> None:
        """Say no, and why, in words that the patient reads. Raises Incorrect, NotFound, Conflict
        where it is answered."""
        if not words.strip() or len(words) > _LONGEST:
            raise Incorrect(f"Say why, in {_LONGEST} characters at most; the patient reads it.")
        if acts_as_patient(caller):
            raise Forbidden("Refills are answered by those who prescribe.")
        now, author = format_instant(self.clock()), asking.author(caller)

        def decide(seen: c.Seen) -> c.Decided:
            said = {"status": "rejected", "statusReason": {"text": words.strip()}, "owner": author,
                    "lastModified": now}  # fmt: skip
            tree = {**_open(seen, task), **said}
            return c.Decided((c.Write("Task", task, tree),), about=f"Task/{task}")

        act = c.Act(
            "$decline",
            (lambda seen: c.Asking(changes=(("Task", task),)),),
            decide,
            needs=(("u", "MedicationRequest"),),
        )
        await self.door.act(caller, act)

    async def of(self, caller: Caller, patient: str) -> dict[str, Tree]:
        """The newest request for a refill of each medicine of a patient, by `MedicationRequest/17`,
        as far as the caller sees them."""
        pairs = [("patient", patient), ("code", f"{tasks.CODES}|{CODE}"),
                 ("_sort", "-authored-on"), ("_count", "100")]  # fmt: skip
        (found,) = await asking.several(self.door, caller, ("Task", pairs))
        return newest(found)


def newest(found: Sequence[Tree]) -> dict[str, Tree]:
    """The first of each focus, of Tasks in their order."""
    by_focus: dict[str, Tree] = {}
    for task in found:
        by_focus.setdefault(str(task.get("focus", {}).get("reference", "")), task)
    return by_focus


def approved(seen: c.Seen, task: str, request: str, now: str, author: Tree) -> c.Write:
    """The answer yes: this new MedicationRequest."""
    output = {
        "type": {"text": "prescription"},
        "valueReference": {"reference": f"MedicationRequest/{request}"},
    }
    said = {"status": "completed", "lastModified": now, "owner": author, "output": [output]}
    return c.Write("Task", task, {**_open(seen, task), **said})


def _open(seen: c.Seen, task: str) -> Tree:
    tree = seen.records.get(("Task", task))
    if tree is None or tasks.code_of(tree) != CODE:
        raise NotFound("There is no such request, or none that you may answer.")
    if tree.get("status") not in tasks.OPEN:
        raise Conflict("Somebody has answered this request already.")
    return tree


def _task(request: Tree, author: Tree, words: str, now: str) -> Tree:
    prescriber = request.get("requester", {})
    is_ours = str(prescriber.get("reference", "")).startswith("Practitioner")
    made: Tree = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": tasks.concept(CODE),
        "focus": {"reference": f"MedicationRequest/{request['id']}"},
        "for": {"reference": request["subject"]["reference"]},
        "authoredOn": now,
        "lastModified": now,
        "requester": author,
        "owner": prescriber if is_ours else {},
    }
    return tasks.with_note({k: v for k, v in made.items() if v}, words, author, now)
