"""A patient's request to correct the record (45 CFR 164.526): a Task for the practice, due in 60
days.

The Task says what is wrong and what it should be, and names what it is about if that is one record.
It is owned by who manages the patient's record, where the Patient says who that is. Patients ask by
this service alone, which vouches for the Task; staff answer it like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Forbidden, Incorrect, TooMany
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.courses import CODES as SYSTEM
from careplane.records.courses import OPEN as _OPEN
from careplane.records.courses import Course, Side, Step, moves
from careplane.records.door import Door

CODE = "correction"
COURSE = Course(
    (
        *moves(Side.STAFF),
        Step(_OPEN, "completed", Side.STAFF),
        Step(_OPEN, "rejected", Side.STAFF, reason=True),
        Step(_OPEN, "cancelled", Side.ASKER),
    )
)
"""What is not corrected is so for a reason (45 CFR 164.526(d))."""
LONGEST = 4000
DAYS = 60
"""Within which a request is to be answered (45 CFR 164.526(b)(2))."""
MOST = 20
"""Open requests of one patient."""
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{2,40}/[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Corrections:
    """Over one door."""

    door: Door
    clock: Clock
    new_id: NewId

    async def ask(self, caller: Caller, text: str, about: str = "") -> str:
        """Ask for a correction; the id of its Task. `about` is a reference to what is wrong, or
        empty. Raises Incorrect for a text that is empty or too long, Forbidden for who acts as no
        patient, NotFound for a record that the caller does not see, TooMany."""
        if caller.patient is None:
            raise Forbidden("Patients, and who acts for one, ask for corrections.")
        text = text.strip()
        if not text or len(text) > LONGEST:
            raise Incorrect(f"Say what is wrong, in {LONGEST} characters at most.")
        if about:
            if not _REFERENCE.fullmatch(about):
                raise Incorrect("What it is about is named as Observation/17.")
            type, _, id = about.partition("/")
            await self.door.read(caller, c.Read(type, id))
        key, new, now = ("Patient", caller.patient), self.new_id(), self.clock()
        where = f"patient=Patient/{caller.patient}&code={SYSTEM}|{CODE}&status={','.join(_OPEN)}"
        asking = c.Asking(reads=(key,), looks=(c.Look("open", "Task", where, MOST),))

        def decide(seen: c.Seen) -> c.Decided:
            if len(seen.found["open"]) >= MOST:
                raise TooMany("Wait until some of your requests have been answered.")
            tree = task(new, seen.records.get(key, {}), caller, text, about, now)
            return c.Decided((c.Write("Task", new, tree, own=False),), about=f"Task/{new}")

        await self.door.act(caller, c.Act("correction", (lambda seen: asking,), decide, _NEEDS))
        return new


_NEEDS = (("c", "Communication"),)
"""Who may write to the practice may say that something is wrong."""


def task(id: str, patient: Tree, caller: Caller, text: str, about: str, now: int) -> Tree:
    """The Task; `now` is in microseconds since 1970."""
    due = datetime.fromtimestamp(now // 1_000_000, UTC) + timedelta(days=DAYS)
    owner = patient.get("managingOrganization")
    return {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": SYSTEM, "code": CODE, "display": "Correction of the record"}]
        },
        "description": text,
        **({"focus": {"reference": about}} if about else {}),
        "for": {"reference": f"Patient/{caller.patient}"},
        **({"owner": owner} if owner else {}),
        "authoredOn": format_instant(now),
        "lastModified": format_instant(now),
        "requester": {"reference": caller.id, **({"display": caller.name} if caller.name else {})},
        "restriction": {"period": {"end": due.date().isoformat()}},
    }
