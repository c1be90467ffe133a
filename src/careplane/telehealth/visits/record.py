"""The record of visits: every read and write of this room, through the door.

What a participant may do decides the caller's own right to read the Appointment; what the house
then writes down, that a patient arrived and who was there, is written by the service, since
patients write no Encounters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant
from careplane.telehealth.visits import charges, documents, encounter, identity
from careplane.telehealth.visits.appointment import Booked, booked, micros
from careplane.telehealth.visits.charges import Proposal
from careplane.telehealth.visits.documents import Person
from careplane.telehealth.visits.messages import Chatted
from careplane.telehealth.visits.presence import Presence
from careplane.telehealth.visits.queue import Turn, wait
from careplane.telehealth.visits.tokens import Pass

_SCOPES = parse_scopes(
    "system/Appointment.rus system/Encounter.crus system/Consent.crus system/Communication.c "
    "system/DocumentReference.c system/PractitionerRole.r system/Media.c"
)
_MOST = "100"


@dataclass(frozen=True, slots=True)
class Record:
    """Over one door. Photographs of which it `keeps_places` tell where they were taken."""

    door: Door
    clock: Clock
    keeps_places: bool = False

    async def appointment(self, caller: Caller, id: str) -> Booked:
        """As the caller may read it. Raises NotFound, Forbidden, Conflict."""
        version = await self.door.read(caller, c.Read("Appointment", id))
        return booked(json.parse(whole(version)))

    async def practitioner(self, tenant: Tenant, role: str) -> str:
        """Whose role a PractitionerRole is; empty where that is not told."""
        command = c.Read("PractitionerRole", role.partition("/")[2])
        try:
            tree = json.parse(whole(await self.door.read(service(tenant), command)))
        except NotFound:
            return ""
        who = tree.get("practitioner")
        return str(who.get("reference", "")) if isinstance(who, dict) else ""

    async def consented(self, tenant: Tenant, visit: Booked) -> Tree | None:
        """The consent to this visit, where there is one that was not withdrawn."""
        return await self._consent(tenant, visit, documents.CONSENTS)

    async def _consent(self, tenant: Tenant, visit: Booked, system: str) -> Tree | None:
        pairs = (
            ("patient", visit.patient),
            ("identifier", f"{system}|{visit.id}"),
            ("status", "active"),
            ("_count", "1"),
        )
        found = await self.door.search(service(tenant), c.Search("Consent", pairs))
        return json.parse(whole(found.matches[0])) if found.matches else None

    async def consent(self, caller: Caller, visit: Booked) -> None:
        """Record it, once."""
        if await self.consented(caller.tenant, visit):
            return
        tree = documents.consent(visit, Person(caller.id, caller.name), self.clock())
        await self._create(caller.tenant, tree)

    async def identified(self, caller: Caller, visit: Booked, how: str) -> None:
        """Write down that the identity of the patient was checked. Raises Incorrect, Conflict
        before there is a consent to the visit."""
        held = await self.consented(caller.tenant, visit)
        if held is None:
            raise Conflict("The patient has not agreed to the visit yet.")
        by, now = Person(caller.id, caller.name), self.clock()

        def change(tree: Tree) -> Tree:
            return identity.checked(tree, visit, how, by, now)

        await self._patch(caller.tenant, "Consent", str(held["id"]), change)

    async def arrived(self, tenant: Tenant, visit: str) -> str:
        """The patient is here; the visit's Encounter."""
        held = await self._booked(tenant, visit)
        tree = encounter.arrived(held, self.clock())
        found = await self._create(tenant, tree, f"appointment=Appointment/{visit}")
        await self._status(tenant, held, "arrived")
        return found

    async def moved(
        self,
        tenant: Tenant,
        visit: str,
        status: Literal["in-progress", "finished"],
        presences: Sequence[Presence],
    ) -> str:
        """At another status, with who was there; the visit's Encounter."""
        now = self.clock()
        id = await self._encounter(tenant, visit)

        def change(tree: Tree) -> Tree:
            return encounter.moved(tree, status, presences, now)

        await self._patch(tenant, "Encounter", id, change)
        if status == "finished":
            await self._status(tenant, await self._booked(tenant, visit), "fulfilled")
        return f"Encounter/{id}"

    async def keep(self, caller: Caller, visit: str, lines: Sequence[Chatted]) -> str:
        """Put lines of the chat into the record; the Communication."""
        held = await self._booked(caller.tenant, visit)
        found = f"Encounter/{await self._encounter(caller.tenant, visit)}"
        by = Person(caller.id, caller.name)
        tree = documents.kept_chat(held, found, by, lines, self.clock())
        return await self._create(caller.tenant, tree)

    async def summarize(self, caller: Caller, visit: Booked, text: str) -> str:
        """The after-visit summary; the DocumentReference."""
        found = f"Encounter/{await self._encounter(caller.tenant, visit.id)}"
        by = Person(caller.id, caller.name)
        tree = documents.summary(visit, found, by, text, self.clock())
        return await self._create(caller.tenant, tree)

    async def share(self, caller: Caller, visit: Booked, title: str, kind: str, data: bytes) -> str:
        """A file of the visit; the DocumentReference."""
        found = f"Encounter/{await self._encounter(caller.tenant, visit.id)}"
        by = Person(caller.id, caller.name)
        tree = await asyncio.to_thread(
            documents.shared_file, visit, found, by, title, kind, data, self.clock(),
            keeps_places=self.keeps_places,
        )  # fmt: skip
        return await self._create(caller.tenant, tree)

    async def agreed_to_recording(
        self, tenant: Tenant, visit: str, by: Pass, presences: Sequence[Presence]
    ) -> None:
        """Record, once, that all who are there agree to be recorded."""
        held = await self._booked(tenant, visit)
        if await self._may_record(tenant, held):
            return
        there = [Person(one.who, one.name) for one in presences if not one.end]
        people = there or [Person(by.who, by.name)]
        await self._create(tenant, documents.consent_to_recording(held, people, self.clock()))

    async def recorded(self, caller: Caller, visit: Booked, number: int, data: bytes) -> str:
        """A piece of the recording; the Media. Raises Forbidden without consent to it."""
        if not await self._may_record(caller.tenant, visit):
            raise Forbidden("Not everybody has agreed that this visit is recorded.")
        found = f"Encounter/{await self._encounter(caller.tenant, visit.id)}"
        by = Person(caller.id, caller.name)
        tree = documents.recording(visit, found, by, number, data, self.clock())
        return await self._create(caller.tenant, tree)

    async def _may_record(self, tenant: Tenant, visit: Booked) -> bool:
        return await self._consent(tenant, visit, documents.RECORDINGS) is not None

    async def proposals(self, caller: Caller, visit: Booked) -> tuple[Tree, list[Proposal]]:
        """The visit's Encounter, and what it may be charged as. What the caller may not read of the
        rules, or of what is charged, is not there."""
        id = await self._encounter(caller.tenant, visit.id)
        found = await self.door.read(caller, c.Read("Encounter", id))
        encounter = json.parse(whole(found))
        rules = await self._all(caller, "ChargeItemDefinition", ("status", "active"))
        charged = await self._all(caller, "ChargeItem", ("context", f"Encounter/{id}"))
        return encounter, charges.proposals(rules, encounter, visit, charged, self.clock())

    async def charge(self, caller: Caller, visit: Booked, rule: str) -> str:
        """Charge what was proposed, once; the ChargeItem. Raises Incorrect for a rule that does not
        apply, Forbidden where the caller may not charge."""
        encounter, found = await self.proposals(caller, visit)
        proposal = next((one for one in found if one.rule == rule), None)
        if proposal is None:
            raise Incorrect("This rule does not apply to the visit.")
        by = Person(caller.id, caller.name)
        tree = charges.charge(proposal, encounter, visit, by, self.clock())
        unless = f"identifier={charges.CHARGES}|{visit.id}/{rule}"
        command = c.Create("ChargeItem", json.dump(tree), unless)
        written = await self.door.create(caller, command)
        assert written.version is not None
        return f"ChargeItem/{written.version.id}"

    async def _all(self, caller: Caller, type: str, *pairs: tuple[str, str]) -> list[Tree]:
        found = await self.door.search(caller, c.Search(type, (*pairs, ("_count", _MOST))))
        return [json.parse(whole(version)) for version in found.matches]

    async def wait(self, tenant: Tenant, visit: str) -> tuple[int, int]:
        """How many are before this visit's patient, and how many seconds that may take."""
        mine = await self._booked(tenant, visit)
        day = 24 * 3600 * 1_000_000
        turns: dict[str, Turn] = {}
        for giver in mine.givers:
            pairs = (("actor", giver), ("status", "arrived,checked-in"), ("_count", _MOST))
            found = await self.door.search(service(tenant), c.Search("Appointment", pairs))
            for version in found.matches:
                try:
                    one = booked(json.parse(whole(version)))
                except Conflict:
                    continue
                if one.end > self.clock() - day:
                    turns[one.id] = Turn(one.id, one.start, one.end)
        begun = await self._begun(tenant, tuple(turns))
        others = [Turn(one.id, one.start, one.end, begun.get(one.id, 0)) for one in turns.values()]
        return wait(Turn(mine.id, mine.start, mine.end), others, self.clock())

    async def _begun(self, tenant: Tenant, visits: tuple[str, ...]) -> dict[str, int]:
        if not visits:
            return {}
        named = ",".join(f"Appointment/{id}" for id in visits)
        pairs = (("appointment", named), ("status", "in-progress"), ("_count", _MOST))
        found = await self.door.search(service(tenant), c.Search("Encounter", pairs))
        begun: dict[str, int] = {}
        for version in found.matches:
            tree = json.parse(whole(version))
            id = tree["appointment"][0]["reference"].rpartition("/")[2]
            begun[id] = micros(tree["statusHistory"][-1]["period"]["start"])
        return begun

    async def _booked(self, tenant: Tenant, visit: str) -> Booked:
        return await self.appointment(service(tenant), visit)

    async def _encounter(self, tenant: Tenant, visit: str) -> str:
        """Raises Conflict before the patient has come."""
        pairs = (("appointment", f"Appointment/{visit}"), ("_count", "1"))
        found = await self.door.search(service(tenant), c.Search("Encounter", pairs))
        if not found.matches:
            raise Conflict("The visit has not begun: there is no Encounter yet.")
        return found.matches[0].id

    async def _status(self, tenant: Tenant, visit: Booked, status: str) -> None:
        if visit.status == status or visit.status == "fulfilled":
            return

        def change(tree: Tree) -> Tree:
            return {**tree, "status": status}

        await self._patch(tenant, "Appointment", visit.id, change)

    async def _create(self, tenant: Tenant, tree: Tree, unless: str | None = None) -> str:
        type = str(tree["resourceType"])
        command = c.Create(type, json.dump(tree), unless)
        written = await self.door.create(service(tenant), command)
        assert written.version is not None
        return f"{type}/{written.version.id}"

    async def _patch(
        self, tenant: Tenant, type: str, id: str, change: Callable[[Tree], Tree]
    ) -> None:
        await self.door.patch(service(tenant), c.Patch(type, change, id=id))


def service(tenant: Tenant) -> Caller:
    """As whom the house writes down what happened."""
    return Caller(tenant, "service/visits", "Video visits", _SCOPES)
