"""Referrals between practitioners, services and organizations: sent, answered, completed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.care import asking, pools, tasks
from careplane.care.orders import referral
from careplane.care.orders import request as making
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door

MOST: Final = 100
_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Referrals:
    """Over the door of an installation."""

    door: Door
    clock: Clock
    new_id: NewId

    async def listed(self, caller: Caller, *, incoming: bool) -> list[Tree]:
        """Tasks of referrals, the newest first: to me and what I belong to, or from me."""
        code = ("code", f"{tasks.CODES}|{referral.CODE}")
        newest = [code, ("_sort", "-authored-on"), ("_count", str(MOST))]
        if incoming:
            owners = await pools.owners(self.door, caller)
            where = ("owner", ",".join(owners))
        else:
            owners, where = [caller.id], ("requester", caller.id)
        if not owners or "/" not in owners[0]:
            return []
        (found,) = await asking.several(self.door, caller, ("Task", [where, *newest]))
        return found

    async def steps(self, caller: Caller, task: Tree) -> list[str]:
        """What this caller can do now."""
        possible = referral.possible(str(task.get("status", "")))
        if acts_as_patient(caller):
            return []
        receives, sent = await self._sides(caller, task)
        allowed = (*(referral.RECEIVER if receives else ()), *(referral.SENDER if sent else ()))
        return [step for step in possible if step in allowed]

    async def step(self, caller: Caller, id: str, step: str, words: str) -> None:
        """Take a step of `referral`. Raises Incorrect, NotFound, Forbidden for who is not on that
        side of it, Conflict where somebody else has taken one."""
        words = words.strip()
        if step not in (*referral.RECEIVER, *referral.SENDER):
            raise Incorrect("This is nothing that can be done with a referral.")
        if len(words) > _LONGEST or (step in referral.NEEDS_WORDS and not words):
            raise Incorrect("Write something, in 20000 characters at most.")
        task = await asking.read(self.door, caller, "Task", id)
        if tasks.code_of(task) != referral.CODE:
            raise NotFound("This is no referral.")
        receives, sent = await self._sides(caller, task)
        if not (receives if step in referral.RECEIVER else sent):
            raise Forbidden("This is for the other side of the referral.")
        request = str(task.get("focus", {}).get("reference", "")).rpartition("/")[2]
        now, author, document = format_instant(self.clock()), asking.author(caller), self.new_id()

        def decide(seen: c.Seen) -> c.Decided:
            tree = seen.records.get(("Task", id))
            if tree is None:
                raise NotFound("There is no such referral, or none that you may change.")
            moved = referral.stepped(tree, step, words, author, now)
            if step != "complete":
                return c.Decided((c.Write("Task", id, moved),), about=f"Task/{id}")
            report = referral.report(tree, request, words, author, now)
            writes = [
                c.Write("Task", id, referral.with_output(moved, document)),
                c.Write("DocumentReference", document, report),
            ]
            order = seen.records.get(("ServiceRequest", request))
            if order is not None and order.get("status") in making.OPEN:
                done = making.ended(order, "completed", "")
                writes.append(c.Write("ServiceRequest", request, done, own=False))
            return c.Decided(tuple(writes), about=f"Task/{id}")

        asked = c.Asking(changes=(("Task", id),), reads=(("ServiceRequest", request),))
        await self.door.act(caller, c.Act("$referral", (lambda seen: asked,), decide))

    async def _sides(self, caller: Caller, task: Tree) -> tuple[bool, bool]:
        """Whether the caller receives it, and whether they sent it."""
        owners = await pools.owners(self.door, caller)
        owner = str(task.get("owner", {}).get("reference", ""))
        sender = str(task.get("requester", {}).get("reference", ""))
        return owner in owners, sender == caller.id or sender in owners[1:]
