"""Documents that patients give to the practice: sent, looked through, filed or refused.

One is in the record at once, as a DocumentReference of the category `patient-provided` and
`docStatus` preliminary, whose author is the patient. A Task with the code `look-through` tells the
general practitioner, or all who file documents; its answer is the document, filed under a type and
with who vouches for it (`authenticator`), or why it is not taken, which the patient reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.care import asking, tasks
from careplane.care.documents import document
from careplane.care.documents.document import Author, Said
from careplane.care.documents.documents import Documents
from careplane.care.documents.types import Type
from careplane.care.provenance import nullified
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound, TooMany
from careplane.records import commands as c
from careplane.records.courses import Course, Side, Step, moves

CODE: Final = "look-through"
CATEGORIES: Final = "urn:careplane:document"
PROVIDED: Final = "patient-provided"
MOST: Final = 20
"""Documents of one patient that wait to be looked through."""
_REASON: Final = 500
_TITLE: Final = 100
_TYPE: Final = "DocumentReference"
COURSE: Final = Course(
    (
        *moves(Side.STAFF),
        Step(tasks.OPEN, "completed", Side.STAFF, output=_TYPE, right=("u", _TYPE)),
        Step(tasks.OPEN, "rejected", Side.STAFF, reason=True, right=("u", _TYPE)),
        Step(tasks.OPEN, "cancelled", Side.ASKER),
    )
)


def is_given(tree: Tree) -> bool:
    """Whether a DocumentReference was given by a patient."""
    codings: Sequence[Tree] = [
        coding for one in tree.get("category", ()) for coding in one.get("coding", ())
    ]
    return any((x.get("system"), x.get("code")) == (CATEGORIES, PROVIDED) for x in codings)


def waits(tree: Tree) -> bool:
    """Whether nobody has looked through it yet."""
    return is_given(tree) and tree.get("docStatus") == "preliminary"


async def send(
    documents: Documents, caller: Caller, name: str, claim: str, data: bytes, said: Said
) -> str:
    """Give a file to the practice, as a patient or for one; the id of its DocumentReference. Raises
    FileRefused, Invalid for malware, Forbidden, TooMany."""
    patient = caller.patient
    if patient is None or not acts_as_patient(caller):
        raise Forbidden("Patients, and who acts for one, send documents to the practice.")
    if len(said.title) > _TITLE:
        raise Incorrect(f"A title has {_TITLE} characters at most.")
    kind, data = await documents.at_once(documents.taken, name, claim, data)
    bytes_id, id, task = (documents.new_id() for _ in range(3))
    now, by = format_instant(documents.clock()), Author(caller.id, caller.name)
    held = await documents.at_once(document.binary, bytes_id, patient, kind, data, said.level)
    made = document.reference(id, bytes_id, patient, kind, name, data, said, by, now)
    coding = {"system": CATEGORIES, "code": PROVIDED, "display": "Provided by the patient"}
    category = [{"coding": [coding]}, *made.get("category", ())]
    tree = {**made, "docStatus": "preliminary", "category": category}
    key = ("Patient", patient)
    where = f"patient=Patient/{patient}&code={tasks.CODES}|{CODE}&status={','.join(tasks.OPEN)}"

    def decide(seen: c.Seen) -> c.Decided:
        if len(seen.found["open"]) >= MOST:
            raise TooMany("Wait until some of your documents have been looked through.")
        asks = _task(task, tree, seen.records.get(key, {}), by, now)
        # A patient has no right to write these: they are vouched for here.
        writes = (("Binary", bytes_id, held), (_TYPE, id, tree), ("Task", task, asks))
        return c.Decided(tuple(c.Write(*one, own=False) for one in writes), about=f"{_TYPE}/{id}")

    asked = c.Asking(reads=(key,), looks=(c.Look("open", "Task", where, MOST),))
    act = c.Act("give-document", (lambda seen: asked,), decide, _NEEDS, about=f"Patient/{patient}")
    await documents.door.act(caller, act)
    return id


_NEEDS = (("c", "Communication"),)
"""Who may write to the practice may send it a document."""


async def file(
    documents: Documents, caller: Caller, id: str, version: int, type: Type, title: str
) -> None:
    """Take it into the record under a type and a title. Raises Incorrect, NotFound, Conflict where
    somebody has decided, Precondition where it has changed."""
    title = " ".join(title.split())
    if not title or len(title) > _TITLE:
        raise Incorrect(f"Give it a title, of {_TITLE} characters at most.")
    who, now = Author(caller.id, caller.name).reference(), format_instant(documents.clock())

    def decide(seen: c.Seen) -> c.Decided:
        before = _waiting(seen, id, version)
        given = [one for one in before["category"] if is_given({"category": [one]})]
        after = {
            **before,
            "docStatus": "final",
            "type": type.concept(),
            "category": [*given, *type.category()],
            "description": title,
        }
        if "reference" in who:
            after["authenticator"] = who
        output = {"type": {"text": "document"}, "valueReference": {"reference": f"{_TYPE}/{id}"}}
        done = {"status": "completed", "output": [output]}
        return c.Decided((c.Write(_TYPE, id, after), *_answered(seen, done, who, now)))

    await _decide(documents, caller, "file-document", id, decide)


async def refuse(documents: Documents, caller: Caller, id: str, version: int, reason: str) -> None:
    """Not take it, for a reason that the patient reads. Raises as `file`."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > _REASON:
        raise Incorrect(f"Say why, in {_REASON} characters at most; the patient reads it.")
    who, now = Author(caller.id, caller.name).reference(), format_instant(documents.clock())
    new = documents.new_id()

    def decide(seen: c.Seen) -> c.Decided:
        before = _waiting(seen, id, version)
        patient = str(before["subject"]["reference"])
        target = f"{_TYPE}/{id}/_history/{version + 1}"
        said = nullified(target, patient, who, reason, now)
        done = {"status": "rejected", "statusReason": {"text": reason}}
        return c.Decided(
            (
                c.Write(_TYPE, id, document.withdrawn(before, version)),
                c.Write("Provenance", new, said, own=False),
                *_answered(seen, done, who, now),
            )
        )

    await _decide(documents, caller, "refuse-document", id, decide)


async def told(documents: Documents, caller: Caller, patient: str) -> dict[str, Tree]:
    """The Tasks by which documents were given, by `DocumentReference/17`, as the caller sees
    them."""
    pairs = [("patient", patient), ("code", f"{tasks.CODES}|{CODE}"),
             ("_sort", "-authored-on"), ("_count", "200")]  # fmt: skip
    (found,) = await asking.several(documents.door, caller, ("Task", pairs))
    return {str(one.get("focus", {}).get("reference", "")): one for one in found}


async def _decide(
    documents: Documents, caller: Caller, name: str, id: str, decide: Callable[[c.Seen], c.Decided]
) -> None:
    if acts_as_patient(caller):
        raise Forbidden("Documents are looked through by the practice.")
    where = f"focus={_TYPE}/{id}&code={tasks.CODES}|{CODE}"
    asked = c.Asking(changes=((_TYPE, id),), looks=(c.Look("tasks", "Task", where),))
    act = c.Act(name, (lambda seen: asked,), decide, (("u", _TYPE),), about=f"{_TYPE}/{id}")
    await documents.door.act(caller, act)


def _waiting(seen: c.Seen, id: str, version: int) -> Tree:
    tree = seen.records.get((_TYPE, id))
    if tree is None or not is_given(tree):
        raise NotFound("There is no such document that you may decide about.")
    if not waits(tree):
        raise Conflict("Somebody has decided about this document already.")
    document.require_version(tree, version)
    return tree


def _answered(seen: c.Seen, said: Tree, who: Tree, now: str) -> list[c.Write]:
    owner = {"owner": who} if "reference" in who else {}
    return [
        c.Write("Task", str(one["id"]), {**one, **said, **owner, "lastModified": now}, own=False)
        for one in seen.found["tasks"]
        if one.get("status") in tasks.OPEN
    ]


def _task(id: str, document: Tree, patient: Tree, by: Author, now: str) -> Tree:
    """For the general practitioner where the patient has one of this house."""
    doctors = [one for one in patient.get("generalPractitioner", ())
               if str(one.get("reference", "")).startswith("Practitioner")]  # fmt: skip
    made: Tree = {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "code": tasks.concept(CODE),
        "description": document["description"],
        "focus": {"reference": f"{_TYPE}/{document['id']}", "display": document["description"]},
        "for": document["subject"],
        "authoredOn": now,
        "lastModified": now,
        "requester": by.reference(),
        "owner": doctors[0] if doctors else {},
    }
    return {name: value for name, value in made.items() if value}
