"""Orders: several at once in one step, cancelled with a reason, completed when they are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.care.orders import referral
from careplane.care.orders import request as making
from careplane.care.orders.catalogue import Catalogue, Item, catalogue
from careplane.care.orders.request import Wanted
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Conflict, Incorrect, NotFound, Precondition
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door

MOST: Final = 40
_LONGEST: Final = 500


class Repeated(Conflict):
    """Some of it is ordered already and not done; `titles` say what."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__("Some of this is ordered already and not done yet.")
        self.titles = tuple(titles)


@dataclass(frozen=True, slots=True)
class Orders:
    """Over the door of an installation."""

    door: Door
    clock: Clock
    new_id: NewId

    async def catalogue(self, caller: Caller) -> Catalogue:
        """What can be ordered here."""
        return await catalogue(self.door, caller)

    async def place(
        self, caller: Caller, wanted: Wanted, items: Sequence[Item], *, again: bool = False
    ) -> tuple[str, ...]:
        """Order some items, all or none; their ids. A referral to somebody is also a Task for them.
        Raises Incorrect with every problem, and Repeated unless `again` where the same is ordered
        already."""
        chosen = tuple(items)[:MOST]
        making.check(wanted, chosen)
        now, author = format_instant(self.clock()), asking.author(caller)
        requisition = self.new_id()
        ids = [self.new_id() for _ in chosen]
        writes = []
        for id, item in zip(ids, chosen, strict=True):
            tree = making.request(wanted, item, author, now, requisition)
            writes.append(c.Write("ServiceRequest", id, tree))
            if item.kind == "referral" and wanted.performer:
                task = referral.task({**tree, "id": id}, author, now)
                writes.append(c.Write("Task", self.new_id(), task))
        criteria = f"patient={wanted.patient}&status=active,on-hold"
        look = c.Look("open", "ServiceRequest", criteria)

        def decide(seen: c.Seen) -> c.Decided:
            there = {_name(tree.get("code", {})) for tree in seen.found["open"]}
            repeated = [item.title for item in chosen if _name(item.concept) in there]
            if repeated and not again:
                raise Repeated(repeated)
            return c.Decided(tuple(writes), about=f"ServiceRequest/{ids[0]}")

        needs = (("c", "ServiceRequest"),)
        act = c.Act("$order", (lambda seen: c.Asking(looks=(look,)),), decide, needs=needs)
        await self.door.act(caller, act)
        return tuple(ids)

    async def end(self, caller: Caller, id: str, status: str, reason: str, version: int) -> None:
        """Revoke an order, or say that it is done (`completed`). Raises Incorrect without a reason
        to revoke, NotFound, Conflict where it has ended, Precondition where it has changed."""
        reason = reason.strip()
        if status not in ("revoked", "completed"):
            raise Incorrect("An order is cancelled, or done.")
        if len(reason) > _LONGEST or (status == "revoked" and not reason):
            raise Incorrect("Say why it is cancelled, in 500 characters at most.")
        criteria = f"focus=ServiceRequest/{id}"

        def decide(seen: c.Seen) -> c.Decided:
            tree = _changeable(seen, id, version)
            writes = [c.Write("ServiceRequest", id, making.ended(tree, status, reason))]
            for task in seen.found["tasks"]:
                if ended := referral.withdrawn(task, reason, format_instant(self.clock())):
                    writes.append(c.Write("Task", task["id"], ended, own=False))
            return c.Decided(tuple(writes), about=f"ServiceRequest/{id}")

        asked = c.Asking(
            changes=(("ServiceRequest", id),), looks=(c.Look("tasks", "Task", criteria),)
        )
        await self.door.act(caller, c.Act("$end-order", (lambda seen: asked,), decide))


def _changeable(seen: c.Seen, id: str, version: int) -> Tree:
    tree = seen.records.get(("ServiceRequest", id))
    if tree is None:
        raise NotFound("There is no such order, or none that you may change.")
    if int(tree["meta"]["versionId"]) != version:
        raise Precondition("Somebody changed this order; look at it as it is now.")
    if tree.get("status") not in making.OPEN:
        raise Conflict("This order has ended already.")
    return tree


def _name(concept: Tree) -> str:
    codes = (f"{c.get('system')}|{c['code']}" for c in concept.get("coding", ()) if "code" in c)
    return next(codes, str(concept.get("text", "")).casefold())
