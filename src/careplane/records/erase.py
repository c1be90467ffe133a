"""`$erase`: a patient's record destroyed for good (crypto-shredding), in this order.

1. The patient's keys are superseded, and a moment is waited until every process seals under new
   ones.
2. All is removed as by `$purge`: versions, index rows, texts; each step audited. The ledger
   destroys the salts of their leaves, and has a leaf that tells of it. What stays, such as a
   message that is another patient's too, comes under the tenant's key, or it could not be read any
   more. Where something was sealed for the patient meanwhile, both steps come again.
3. What jobs have put out, which may hold something of it, is removed, and so are the patient's
   health links.
4. The erasure is noted in the list of erasures, and the superseded keys are destroyed: what is left
   in old pages, in the WAL or in copies is noise.

Whoever was interrupted asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.kernel.errors import NotFound, Unsupported
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import rows_of
from careplane.records.parts import Parts
from careplane.records.purge import log, may_name, remove, within
from careplane.records.results import Purged, Shredded
from careplane.storage.keys.bodies import patient_of
from careplane.storage.ports.keys import COMMON, KeyKeeper, Reseal
from careplane.storage.ports.records import Tenant, Version

_PATIENT = "Patient"
_PAGE = 1000
_STEP = 200
_SLACK_SECONDS = 0.2
_ROUNDS = 3


Discard: TypeAlias = Callable[[Tenant, str], Awaitable[int]]
"""Removes what may hold a part of a patient's record, or open it, outside of the store; how much
that was."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """What the door needs for it. `ledger` tells whether one hears of what goes
    (`Parts.forget`)."""

    keeper: KeyKeeper
    discard: Discard
    ledger: bool = False

    async def erase(self, parts: Parts, account: Account, command: c.Erase) -> Shredded:
        """Raises NotFound for a patient who is not there, and of whom no key is left either."""
        tenant, id = account.caller.tenant, command.id
        account.query = f"{_PATIENT}/{id}/$erase"
        account.patients[id] = None
        limit = parts.decider.require(account.caller, Permission.PURGE, _PATIENT)
        parts.fresh(account.caller)
        parts = parts.beneath or parts
        patient = await parts.store.read(tenant, _PATIENT, id)
        if patient is None:
            if not await self.keeper.lingers(tenant, id):
                raise NotFound("There is no such Patient.")
        elif not await within(parts, account, limit, patient):
            raise NotFound("There is no such Patient.")
        return await self.finish(parts, account, id)

    async def finish(self, parts: Parts, account: Account, id: str) -> Shredded:
        """Everything but the question whether."""
        tenant = account.caller.tenant
        purged = await self._remove(parts, account, id)
        for _ in range(_ROUNDS):
            if not await self.keeper.has_current(tenant, id):
                break
            await self._remove(parts, account, id)  # of what came meanwhile
        outputs = await self.discard(tenant, id)
        keys = await self.keeper.shred(tenant, id)
        return Shredded(purged, keys, outputs, self.ledger)

    async def _remove(self, parts: Parts, account: Account, id: str) -> Purged:
        await self.keeper.supersede(account.caller.tenant, id)
        await asyncio.sleep(self.keeper.fresh_seconds + _SLACK_SECONDS)
        purged = await remove(parts, account, id)
        await self._keep(parts, account.caller.tenant, id)
        return purged

    async def _keep(self, parts: Parts, tenant: Tenant, id: str) -> None:
        """What is left, and was sealed for this patient alone, comes under the tenant's key."""
        items: list[Reseal] = []
        async for version in log(parts, tenant):
            if not version.deleted and may_name(version, id) and _owner(parts, version) == id:
                place = (version.type, version.id, version.version, version.t)
                items.append(Reseal(*place, COMMON))
        for at in range(0, len(items), _STEP):
            await self.keeper.reseal(tenant, items[at : at + _STEP])


def _owner(parts: Parts, version: Version) -> str:
    """The patient under whose key it was sealed."""
    return patient_of(version.type, version.id, rows_of(parts.extract, version))


async def unsupported(parts: Parts, account: Account, command: c.Erase) -> Shredded:
    """Where bodies have no keys."""
    raise Unsupported("Records cannot be erased for good on this server.")


async def reapply(parts: Parts, erasing: Erasing, caller: Caller) -> int:
    """Erase again who was erased before, and is here in a copy from before that; how many. The
    store must have been opened so that it reads under their keys."""
    seen: set[str] = set()
    after = 0
    while page := await parts.store.changes(caller.tenant, after, _PAGE):
        seen.update(version.id for version in page if version.type == _PATIENT)
        after = page[-1].t
    found: Sequence[str] = await erasing.keeper.returned(caller.tenant, sorted(seen))
    for id in found:
        account = Account(caller, "$erase", f"{_PATIENT}/{id}/$erase", [], {id: None})
        await erasing.finish(parts, account, id)
        await parts.audit.append(caller.tenant, account.success(parts.clock))
    return len(found)
