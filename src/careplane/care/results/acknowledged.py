"""What it takes for a result to be acknowledged, on values (docs/decisions/0075).

Somebody has acknowledged a result when there is a completed Task with the code `acknowledge` whose
focus it is and whose `businessStatus` is the status that the result had. What a result asks for is
not stored: whatever has no such Task, asks. So nothing that brings results can forget to ask, and
a result whose status moves on, from preliminary to final, asks again; one that is corrected asks
again for each correction, told by a digest of what it says.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from careplane.care import tasks
from careplane.fhir.tree import Tree
from careplane.records.courses import Course, Side, Step

CODE: Final = "acknowledge"
COURSE: Final = Course(
    (Step(("completed",), "entered-in-error", Side.OWNER),), born=("completed",), mine=True
)
"""Who has seen a result says so themselves, and takes back nothing but a mistake."""
STATUSES: Final = "urn:careplane:acknowledged"
"""Of `businessStatus`: the status of the result that was seen."""
DIGEST: Final = "urn:careplane:result-digest"
"""Of an identifier of the Task: which content was seen."""
TYPES: Final = ("DiagnosticReport", "Observation")
_EARLY: Final = ("preliminary", "partial")
_CORRECTED: Final = ("amended", "corrected", "appended")
_ASKING: Final = ("final", *_EARLY, *_CORRECTED)
_NAMES: Final = uuid.UUID("8e0c3dd6-0d63-5c0f-9f0b-3b54c4a2c7d1")
_BY_TYPE: Final = {
    "DiagnosticReport": ("performer", "results-interpreter"),
    "Observation": ("performer",),
}


def digest(result: Tree) -> str:
    """What a result says, without what stores it."""
    said = {k: v for k, v in result.items() if k not in ("id", "meta", "text")}
    written = json.dumps(said, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def task_id(result: Tree) -> str:
    """Where its acknowledgement is: two who acknowledge the same meet there."""
    place = f"{result['resourceType']}/{result['id']} {digest(result)}"
    return str(uuid.uuid5(_NAMES, place))


def asks(result: Tree) -> bool:
    """Whether a result of this status is to be seen by somebody."""
    return result.get("status") in _ASKING


def task(result: Tree, author: Tree, comment: str, now: str) -> Tree:
    """The acknowledgement."""
    type, id, status = result["resourceType"], result["id"], str(result["status"])
    made: Tree = {
        "resourceType": "Task",
        "identifier": [{"system": DIGEST, "value": digest(result)}],
        "status": "completed",
        "businessStatus": {"coding": [{"system": STATUSES, "code": status}]},
        "intent": "order",
        "code": tasks.concept(CODE),
        "focus": {"reference": f"{type}/{id}"},
        "for": result.get("subject", {}),
        "authoredOn": now,
        "lastModified": now,
        "requester": result.get("performer", [{}])[0],
        "owner": author,
    }
    made = {key: value for key, value in made.items() if value}
    return tasks.with_note(made, comment, author, now)


def has_seen(result: Tree, found: Sequence[Tree]) -> Tree | None:
    """The Task, of those about this result, that acknowledges it as it is; None where none does."""
    wanted = digest(result)
    for one in found:
        if _status_of(one) != result.get("status"):
            continue
        digests = [i.get("value") for i in one.get("identifier", ()) if i.get("system") == DIGEST]
        if not digests or wanted in digests or result["status"] not in _CORRECTED:
            return one
    return None


def by_focus(found: Sequence[Tree]) -> Mapping[str, list[Tree]]:
    """Acknowledgements by the reference of what they are about."""
    groups: dict[str, list[Tree]] = {}
    for one in found:
        groups.setdefault(str(one.get("focus", {}).get("reference", "")), []).append(one)
    return groups


def _status_of(one: Tree) -> str:
    codings = one.get("businessStatus", {}).get("coding", ())
    return next((str(c.get("code")) for c in codings if c.get("system") == STATUSES), "")


def unseen() -> str:
    """The `_filter` of results that nobody has acknowledged at their status; those that were
    corrected are among them, since only their content tells."""
    each = " or ".join(
        f'(status eq {status} and not (_has:Task:focus:business-status eq "{STATUSES}|{status}"))'
        for status in ("final", *_EARLY)
    )
    return f"({each} or {' or '.join(f'status eq {status}' for status in _CORRECTED)})"


def asked(type: str, who: str) -> str:
    """The `_filter` of results that ask this practitioner: who requested it, who made or read it,
    who attended the encounter, the general practitioner, and the care team of the patient."""
    own = [f"{name} eq {who}" for name in _BY_TYPE[type]]
    chained = ("based-on.requester", "encounter.participant", "patient.general-practitioner",
               "patient._has:CareTeam:patient:participant")  # fmt: skip
    return f"({' or '.join([*own, *(f'{chain} eq {who}' for chain in chained)])})"
