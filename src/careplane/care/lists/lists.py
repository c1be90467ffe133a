"""Writing the lists of a chart: a new record, or one changed from the version that was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.care.lists import allergy, immunization, problem, team, vitals
from careplane.care.lists.fields import Sent
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door

Make = Callable[[Sent, Tree, str, Tree, str, date], Tree]
"""Form, record before, patient, author, now and today to the record as it shall be."""

MAKERS: Final[Mapping[str, Make]] = {
    "Condition": problem.make,
    "AllergyIntolerance": allergy.make,
    "Immunization": immunization.make,
}


@dataclass(frozen=True, slots=True)
class Lists:
    """Over the door of an installation."""

    door: Door
    clock: Clock
    new_id: NewId

    async def add(self, caller: Caller, type: str, patient: str, sent: Sent) -> None:
        """A new record of a type. Raises Incorrect with every problem of the form."""
        tree = self._made(type, sent, {}, patient, caller)
        await self.door.create(caller, c.Create(type, json.dump(tree)))

    async def change(
        self, caller: Caller, type: str, id: str, patient: str, sent: Sent, version: int
    ) -> None:
        """The record as the form has it; what the form does not show stays. Raises Incorrect,
        NotFound, and Precondition where somebody else has changed it."""
        of_whom = "patient" if type in ("AllergyIntolerance", "Immunization") else "subject"

        def change(tree: Tree) -> Tree:
            if tree.get(of_whom, {}).get("reference") != f"Patient/{patient}":
                raise NotFound("This patient has no such record.")
            return self._made(type, sent, tree, patient, caller)

        await self.door.patch(caller, c.Patch(type, change, id=id, if_match=version))

    async def measure(self, caller: Caller, patient: str, sent: Sent) -> int:
        """Vital signs, all or none; how many Observations they are. Raises Incorrect."""
        now = datetime.fromtimestamp(self.clock() / 1_000_000, UTC)
        trees = vitals.make(sent, patient, asking.author(caller), now)
        writes = tuple(c.Write("Observation", self.new_id(), tree) for tree in trees)
        decided = c.Decided(writes, about=f"Patient/{patient}")
        act = c.Act("$measure", (), lambda seen: decided, needs=(("c", "Observation"),))
        await self.door.act(caller, act)
        return len(trees)

    async def join(self, caller: Caller, patient: str, member: Tree, role: str) -> None:
        """Somebody comes into the care team, which is made where there is none. Raises Conflict
        where they are in it."""
        day, new = format_instant(self.clock())[:10], self.new_id()
        look = c.Look("teams", "CareTeam", f"patient={patient}&status=active", 50)

        def open_team(seen: c.Seen) -> c.Asking:
            return c.Asking(changes=tuple(("CareTeam", t["id"]) for t in seen.found["teams"][:1]))

        def decide(seen: c.Seen) -> c.Decided:
            ids = [t["id"] for t in seen.found["teams"][:1]]
            tree = seen.records.get(("CareTeam", ids[0])) if ids else team.new(patient)
            if tree is None:
                raise NotFound("There is a team, and none that you may change.")
            id = ids[0] if ids else new
            made = c.Write("CareTeam", id, team.added(tree, member, role, day))
            return c.Decided((made,), about=f"CareTeam/{id}")

        asks = (lambda seen: c.Asking(looks=(look,)), open_team)
        await self.door.act(caller, c.Act("$join-team", asks, decide, needs=(("c", "CareTeam"),)))

    async def leave(self, caller: Caller, patient: str, id: str, member: str) -> None:
        """Somebody leaves a care team. Raises Conflict where they are not in it any more."""
        day = format_instant(self.clock())[:10]

        def decide(seen: c.Seen) -> c.Decided:
            tree = seen.records.get(("CareTeam", id))
            if tree is None or tree.get("subject", {}).get("reference") != f"Patient/{patient}":
                raise NotFound("There is no such team, or none that you may change.")
            gone = team.removed(tree, member, day)
            return c.Decided((c.Write("CareTeam", id, gone),), about=f"CareTeam/{id}")

        asked = c.Asking(changes=(("CareTeam", id),))
        await self.door.act(caller, c.Act("$leave-team", (lambda seen: asked,), decide))

    def _made(self, type: str, sent: Sent, before: Tree, patient: str, caller: Caller) -> Tree:
        now = format_instant(self.clock())
        today = datetime.fromtimestamp(self.clock() / 1_000_000, UTC).date()
        return MAKERS[type](sent, before, patient, asking.author(caller), now, today)
