"""Results that nobody has acknowledged yet, and acknowledging them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from careplane.access.caller import Caller, acts_as_patient
from careplane.care import asking, tasks
from careplane.care.results import acknowledged
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door

DAYS: Final = 90
"""How far back results ask, unless somebody looks further: older ones came with a record that was
taken over, and would drown those of today."""
MOST: Final = 100
"""Results that are acknowledged at once, and that are shown of each kind."""
_LONGEST: Final = 2_000
_NAMED: Final = re.compile(r"(DiagnosticReport|Observation)/[A-Za-z0-9.-]{1,64}")
_CATEGORIES: Final = "laboratory,imaging,procedure,exam"
"""Of observations that ask; vital signs are read where they are taken, and raise Flags."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Results that ask: reports, and observations that stand in no report. `more` where there are
    more of a kind than `MOST`."""

    reports: tuple[Tree, ...]
    observations: tuple[Tree, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: results, and those that somebody else had acknowledged before, each with
    who and when."""

    now: tuple[str, ...]
    before: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Over the door of an installation."""

    door: Door
    clock: Clock
    new_id: NewId

    async def waiting(
        self, caller: Caller, since: date, *, mine: bool = True, patient: str = "", most: int = MOST
    ) -> Waiting:
        """What asks the caller, or anybody where not `mine`; of one patient where one is named."""
        asked = (
            (type, self._of(type, caller, since, mine, patient, most))
            for type in acknowledged.TYPES
        )
        reports, alone = await asking.several(self.door, caller, *asked)
        more = max(len(reports), len(alone)) > most
        reports, alone = await self._asking(caller, reports[:most], alone[:most])
        return Waiting(tuple(reports), tuple(alone), more)

    def _of(
        self, type: str, caller: Caller, since: date, mine: bool, patient: str, most: int
    ) -> asking.Pairs:
        where = acknowledged.unseen()
        if type == "Observation":
            where = f"{where} and not (_has:DiagnosticReport:result:_id pr true)"
        if mine:
            where = f"{where} and {acknowledged.asked(type, caller.id)}"
        pairs = [("_filter", where), ("date", f"ge{since}"), ("_sort", "-date"),
                 ("_count", str(most + 1))]  # fmt: skip
        kinds = [("category", _CATEGORIES)] if type == "Observation" else []
        return [*([("patient", patient)] if patient else []), *kinds, *pairs]

    async def _asking(
        self, caller: Caller, *found: Sequence[Tree]
    ) -> tuple[list[Tree], list[Tree]]:
        """Without those that were acknowledged after they were corrected."""
        seen = await self.acknowledgements(caller, [tree for trees in found for tree in trees])
        reports, observations = (
            [t for t in trees if f"{t['resourceType']}/{t['id']}" not in seen] for trees in found
        )
        return reports, observations

    async def acknowledgements(self, caller: Caller, results: Sequence[Tree]) -> dict[str, Tree]:
        """The Task that acknowledges a result as it is, by `Observation/17`."""
        names = [f"{tree['resourceType']}/{tree['id']}" for tree in results]
        asked = [
            ("Task", [("code", f"{tasks.CODES}|{acknowledged.CODE}"), ("status", "completed"),
                      ("focus", ",".join(names[at : at + 50])), ("_count", "500")])
            for at in range(0, len(names), 50)
        ]  # fmt: skip
        pages = await asking.several(self.door, caller, *asked)
        by_focus = acknowledged.by_focus([task for page in pages for task in page])
        found = (
            (name, acknowledged.has_seen(tree, by_focus.get(name, ())))
            for name, tree in zip(names, results, strict=True)
        )
        return {name: task for name, task in found if task is not None}

    async def acknowledge(
        self, caller: Caller, names: Sequence[str], comment: str = "", to_patient: str = ""
    ) -> Done:
        """Acknowledge results, such as `Observation/17`, all in one step. A comment is kept with
        each, also where somebody else was first; `to_patient` is sent to the patient of them, who
        must then be one. Raises NotFound for one that the caller does not see, Incorrect."""
        keys = _keys(names)
        if acts_as_patient(caller):
            raise Forbidden("Results are acknowledged by those who treat the patient.")
        if max(len(comment), len(to_patient)) > _LONGEST:
            raise Incorrect(f"A comment has {_LONGEST} characters at most.")
        trees = await self._read(caller, keys)
        patients = {str(tree.get("subject", {}).get("reference", "")) for tree in trees}
        if to_patient and len(patients) != 1:
            raise Incorrect("Words to the patient go with results of one patient alone.")
        now, author = format_instant(self.clock()), asking.author(caller)
        ids = {acknowledged.task_id(tree): tree for tree in trees}
        letter = _letter(trees, to_patient, author, now) if to_patient else None
        message = (self.new_id(), letter)

        def decide(seen: c.Seen) -> c.Decided:
            return _decide(seen, ids, author, comment, now, message)

        act = c.Act(
            "$acknowledge",
            (lambda seen: c.Asking(reads=(*keys, *(("Task", id) for id in ids))),),
            decide,
            needs=(("c", "Task"), *(("r", type) for type in sorted({key[0] for key in keys}))),
        )
        return cast(Done, (await self.door.act(caller, act)).answer)

    async def _read(self, caller: Caller, keys: Sequence[tuple[str, str]]) -> list[Tree]:
        """All of them, as the caller sees them."""
        versions = await self.door.read_many(caller, c.ReadMany(tuple(keys)))
        if len(versions) < len(keys):
            raise NotFound("One of these results is not there, or not open to you.")
        trees = [json.parse(whole(version)) for version in versions]
        if not all(map(acknowledged.asks, trees)):
            raise Incorrect("Only what has been reported is acknowledged.")
        return trees


def _keys(names: Sequence[str]) -> list[tuple[str, str]]:
    wanted = list(dict.fromkeys(names))
    if not wanted or len(wanted) > MOST or not all(map(_NAMED.fullmatch, wanted)):
        raise Incorrect(f"Choose 1 to {MOST} results.")
    return [(type, id) for type, _, id in (name.partition("/") for name in wanted)]


def _decide(
    seen: c.Seen,
    ids: dict[str, Tree],
    author: Tree,
    comment: str,
    now: str,
    message: tuple[str, Tree | None],
) -> c.Decided:
    writes, fresh, before = [], [], []
    for id, result in ids.items():
        name = f"{result['resourceType']}/{result['id']}"
        there = seen.records.get(("Task", id))
        if there is None:
            task = acknowledged.task(result, author, comment, now)
            writes.append(c.Write("Task", id, task))
            fresh.append(name)
            continue
        owner = there.get("owner", {})
        before.append((name, str(owner.get("display", "")), str(there.get("lastModified", ""))))
        if comment:  # of who came second nothing is lost
            added = tasks.with_note(there, comment, author, now)
            writes.append(c.Write("Task", id, added, own=False))
    if message[1] is not None:
        writes.append(c.Write("Communication", message[0], message[1]))
    return c.Decided(tuple(writes), Done(tuple(fresh), tuple(before)))


def _letter(results: Sequence[Tree], text: str, author: Tree, now: str) -> Tree:
    patient = results[0]["subject"]
    return {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/communication-category",
            "code": "notification",
        }]}],
        "subject": patient,
        "about": [{"reference": f"{t['resourceType']}/{t['id']}"} for t in results],
        "sent": now,
        "recipient": [patient],
        "sender": author,
        "payload": [{"contentString": text}],
    }  # fmt: skip
