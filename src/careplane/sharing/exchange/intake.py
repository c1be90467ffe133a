"""What other institutions refer, where it comes in: it waits until a person takes it in or refuses
it. Only who may see Tasks of the code `referral-in` does (role `intake`, decision 0092)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.access.fresh import is_person
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.sharing.exchange import package, steps
from careplane.sharing.exchange.package import Package
from careplane.storage.ports.records import Tenant

_MOST: Final = 100
_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one that was taken in: ids of the Patient and of the Task that goes on."""

    patient: str
    task: str


@dataclass(frozen=True, slots=True)
class Intake:
    """Over the door of an installation; `follow` says at the other side what has happened here."""

    door: Door
    clock: Clock
    new_id: NewId
    follow: Callable[[Tenant, Tree], Awaitable[None]]

    async def waiting(self, caller: Caller) -> list[Tree]:
        """What came from others and nobody has taken in or refused."""
        pairs = (("code", f"{steps.CODES}|{steps.INCOMING}"), ("status", ",".join(steps.OPEN)),
                 ("_sort", "-authored-on"), ("_count", str(_MOST)))  # fmt: skip
        if not self.door.may(caller, "s", "Task"):
            return []
        found = await self.door.search(caller, c.Search("Task", pairs))
        return [json.parse(whole(one)) for one in found.matches]

    async def opened(self, caller: Caller, id: str) -> tuple[Tree, Package]:
        """One of these, and what was sent with it. Raises NotFound."""
        task = await self._read(caller, "Task", id)
        found = package.opened(task) if steps.code(task) == steps.INCOMING else None
        if found is None:
            raise NotFound("This is no referral from another institution that waits here.")
        return task, found

    async def take(self, caller: Caller, id: str, patient: str, to: str = "") -> Taken:
        """Somebody takes it in, for a patient of here who was chosen, or (empty) a new one, and
        goes on with it or hands it `to` a Practitioner. Who may change what came in may do this:
        what becomes of it is written by the rule. Raises Forbidden, NotFound, Conflict where it
        has been done."""
        if acts_as_patient(caller) or not is_person(caller):
            raise Forbidden("Referrals are taken in by people who work here.")
        task, found = await self.opened(caller, id)
        if patient:
            await self.door.read(caller, c.Read("Patient", patient))
        who, request, referral = patient or self.new_id(), self.new_id(), self.new_id()
        filed = [self.new_id() for _ in found.documents]
        owner = await self._owner(caller, to)
        sender = str(task.get("requester", {}).get("display", ""))
        now, key = format_instant(self.clock()), ("Task", id)

        def decide(seen: c.Seen) -> c.Decided:
            held = seen.records.get(key, {})
            if steps.code(held) != steps.INCOMING or held.get("status") not in steps.OPEN:
                raise Conflict("This referral was taken in or refused meanwhile.")
            order = package.request(found, who, owner)
            made = steps.taken(held, who, request, owner, now)
            writes = [] if patient else [c.Write("Patient", who, package.newcomer(found))]
            writes.append(c.Write("ServiceRequest", request, order, own=False))
            for new, tree in zip(filed, found.documents, strict=True):
                document = package.filed(tree, who, sender, request)
                writes.append(c.Write("DocumentReference", new, document, own=False))
            writes.append(c.Write("Task", referral, made, own=False))
            writes.append(c.Write("Task", id, steps.closed(held, who, now)))
            return c.Decided(tuple(writes), about=f"Task/{id}")

        asks = (lambda seen: c.Asking(changes=(key,)),)
        await self.door.act(caller, c.Act("$take-referral", asks, decide))
        await self.follow(caller.tenant, task)
        return Taken(who, referral)

    async def _owner(self, caller: Caller, to: str) -> Tree:
        """Who goes on with it."""
        id, name = caller.id, caller.name
        if to:
            names = (await self._read(caller, "Practitioner", to)).get("name") or [{}]
            id, parts = f"Practitioner/{to}", [*names[0].get("given", ()), names[0].get("family")]
            name = str(names[0].get("text") or " ".join(map(str, filter(None, parts))))
        return {"reference": id, **({"display": name} if name else {})}

    async def refuse(self, caller: Caller, id: str, reason: str) -> None:
        """Not taken in, and why; what was sent with it goes. Raises Incorrect without a reason,
        Forbidden, NotFound, Conflict."""
        reason = " ".join(reason.split())
        if not reason or len(reason) > _REASON:
            raise Incorrect(f"Say why, in {_REASON} characters at most.")
        task, _ = await self.opened(caller, id)
        now, key = format_instant(self.clock()), ("Task", id)

        def decide(seen: c.Seen) -> c.Decided:
            held = seen.records.get(key, {})
            if steps.code(held) != steps.INCOMING or held.get("status") not in steps.OPEN:
                raise Conflict("This referral was taken in or refused meanwhile.")
            return c.Decided((c.Write("Task", id, steps.refused(held, reason, now)),),
                             about=f"Task/{id}")  # fmt: skip

        asks = (lambda seen: c.Asking(changes=(key,)),)
        await self.door.act(caller, c.Act("$refuse-referral", asks, decide))
        await self.follow(caller.tenant, task)

    async def _read(self, caller: Caller, type: str, id: str) -> Tree:
        return json.parse(whole(await self.door.read(caller, c.Read(type, id))))
