"""Tasks: found, made and changed, under the caller's own rights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Invalid, Issue, NotFound, Precondition
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.telehealth.messages import words
from careplane.telehealth.messages.messages import named
from careplane.telehealth.messages.parties import Asker, Party
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.tasks import task
from careplane.telehealth.tasks.task import OPEN, Task, Wanted

Box = Literal["mine", "pools", "asked", "ended"]
BOXES: tuple[Box, ...] = ("mine", "pools", "asked", "ended")
_TYPE = "Task"
_MOST = "200"
_OWNERS = ("Practitioner", "HealthcareService", "Organization", "CareTeam", "Patient")


@dataclass(frozen=True, slots=True)
class Tasks:
    """Over one door."""

    door: Door
    pools: Pools
    clock: Clock
    new_id: NewId

    async def box(
        self, caller: Caller, asker: Asker, box: Box, patient: str = "", priority: str = ""
    ) -> tuple[list[Task], bool]:
        """Tasks that a caller is to do, or a pool of theirs, or that they asked others for, or of
        these what has ended; and whether there are more. What is late comes first."""
        pools = sorted(one.reference for one in asker.pools)
        if not (pools if box == "pools" else asker.references):
            return [], False
        pairs = [("status", ",".join(OPEN if box != "ended" else task.ENDED))]
        if box == "asked":
            pairs.append(("requester", asker.me.reference))
        else:
            mine = [one for one in asker.references if box != "mine" or one not in pools]
            pairs.append(("owner", ",".join(pools if box == "pools" else mine)))
        return await self._found(caller, pairs, patient, priority)

    async def of_patient(self, caller: Caller, patient: str) -> tuple[list[Task], bool]:
        """All that is open about a patient, as far as the caller may see it."""
        return await self._found(caller, [("status", ",".join(OPEN))], patient, "")

    async def read(self, caller: Caller, id: str) -> Task:
        """Raises NotFound."""
        return Task(json.parse(whole(await self.door.read(caller, c.Read(_TYPE, id)))))

    async def make(self, caller: Caller, wanted: Wanted) -> str:
        """A new task; its id. Raises Invalid."""
        asker = await self.pools.asker(caller)
        owner = await self._owner(caller, wanted.owner.reference)
        if wanted.patient.reference:
            await self._known(caller, wanted.patient.reference, "patient")
        wanted = replace(
            wanted,
            title=words.title(wanted.title, "title"),
            owner=owner,
            due=_day(wanted.due),
            note=words.said(wanted.note, "note") if wanted.note.strip() else "",
        )
        tree = task.made(self.new_id(), wanted, asker, self.clock())
        writes = (c.Write(_TYPE, str(tree["id"]), tree),)
        act = c.Act("make-task", (), lambda seen: c.Decided(writes), needs=(("c", _TYPE),))
        await self.door.act(caller, act)
        return str(tree["id"])

    async def take(self, caller: Caller, id: str) -> None:
        """Raises Conflict where somebody else does it."""
        await self._change(caller, id, 0, lambda held, asker, now: task.taken(held, asker, now))

    async def hand_over(self, caller: Caller, id: str, version: int, to: str, note: str) -> None:
        """To somebody else, or a pool."""
        owner = await self._owner(caller, to)
        text = words.said(note, "note") if note.strip() else ""
        await self._change(
            caller,
            id,
            version,
            lambda held, asker, now: task.handed_over(held, asker, owner, text, now),
        )

    async def complete(self, caller: Caller, id: str, version: int, note: str = "") -> None:
        """It is done."""
        text = words.said(note, "note") if note.strip() else ""
        await self._change(
            caller, id, version, lambda held, asker, now: task.completed(held, asker, text, now)
        )

    async def refuse(self, caller: Caller, id: str, version: int, reason: str) -> None:
        """It is not done, for a reason."""
        text = words.said(reason, "reason", words.LONGEST_TITLE)
        await self._change(
            caller, id, version, lambda held, asker, now: task.refused(held, asker, text, now)
        )

    async def comment(self, caller: Caller, id: str, text: str) -> None:
        """One more note, also on one that has ended."""
        text = words.said(text, "note")
        await self._change(
            caller, id, 0, lambda held, asker, now: task.noted(held.tree, text, asker, now)
        )

    async def change(
        self, caller: Caller, id: str, version: int, due: str, priority: task.Priority
    ) -> None:
        """Another day, another priority."""
        day = _day(due)
        if priority not in task.PRIORITIES:
            raise _wrong(f"A priority is one of {', '.join(task.PRIORITIES)}.", "priority")
        await self._change(
            caller,
            id,
            version,
            lambda held, asker, now: task.changed(held, asker, day, priority, now),
        )

    async def _change(
        self,
        caller: Caller,
        id: str,
        version: int,
        change: Callable[[Task, Asker, int], Tree],
    ) -> None:
        """`version` is the one that was seen; 0 where it does not matter."""
        asker, key = await self.pools.asker(caller), (_TYPE, id)

        def decide(seen: c.Seen) -> c.Decided:
            if key not in seen.records:
                raise NotFound("There is no such task that you may change.")
            held = Task(seen.records[key])
            if version not in (0, held.version):
                raise Precondition("The task has changed since you opened it. Look at it again.")
            return c.Decided((c.Write(_TYPE, id, change(held, asker, self.clock())),))

        asks = (lambda seen: c.Asking(changes=(key,)),)
        act = c.Act("change-task", asks, decide, needs=(("u", _TYPE),), about=f"{_TYPE}/{id}")
        await self.door.act(caller, act)

    async def _found(
        self, caller: Caller, pairs: list[tuple[str, str]], patient: str, priority: str
    ) -> tuple[list[Task], bool]:
        if patient:
            pairs.append(("patient", f"Patient/{patient}"))
        if priority:
            pairs.append(("priority", priority))
        pairs += [("_sort", "-authored-on"), ("_count", _MOST)]
        found = await self.door.search(caller, c.Search(_TYPE, tuple(pairs)))
        tasks = [Task(json.parse(whole(version))) for version in found.matches]
        now = self.clock()
        return sorted(tasks, key=lambda one: one.rank(now)), found.next is not None

    async def _owner(self, caller: Caller, reference: str) -> Party:
        if reference.partition("/")[0] not in _OWNERS:
            raise _wrong("Choose who shall do it.", "owner")
        return Party(reference, named(await self._known(caller, reference, "owner")))

    async def _known(self, caller: Caller, reference: str, where: str) -> Tree:
        type, _, id = reference.partition("/")
        try:
            return json.parse(whole(await self.door.read(caller, c.Read(type, id))))
        except NotFound:
            raise _wrong("There is nobody under this reference.", where) from None


def _day(text: str) -> str:
    text = text.strip()
    if text and not task.is_day(text):
        raise _wrong("A day is written as 2030-12-31.", "due")
    return text


def _wrong(text: str, where: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "value", text, where),))
