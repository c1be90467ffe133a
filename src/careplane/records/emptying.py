"""All records of a tenant taken away for good, with every version: for an institution that leaves.

Each step is audited in the same unit of work; one that was interrupted can be done again. The audit
trail stays, and so does what the engine keeps of ids (see `RecordStore.erase`).
"""

from __future__ import annotations

from functools import partial

from careplane.access.scopes import Permission
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.commit import persist
from careplane.records.parts import Parts
from careplane.storage.ports.records import Erased, Erasure, Version

_STEP = 200


async def empty(parts: Parts, account: Account, command: c.Empty) -> int:
    """How many records there were."""
    if not any(Permission.PURGE in scope.permissions for scope in account.caller.scopes):
        raise Forbidden("No scope of this caller allows to purge.")
    gone = 0
    while some := await parts.store.changes(account.caller.tenant, 0, _STEP):
        keys = tuple(dict.fromkeys((version.type, version.id) for version in some))
        await persist(partial(_erase, parts, account, keys))
        gone += len(keys)
    account.kept = True
    return gone


async def _erase(parts: Parts, account: Account, keys: tuple[tuple[str, str], ...]) -> None:
    tenant = account.caller.tenant
    found = [v for v in await parts.store.read_many(tenant, keys) if v is not None]
    told = Account(account.caller, account.interaction)
    told.versions += [(v.type, v.id, v.version) for v in found]
    records = tuple(_erased(parts, v) for v in found)
    await parts.store.erase(tenant, Erasure(records, (), told.success(parts.clock)))


def _erased(parts: Parts, version: Version) -> Erased:
    return Erased(version.type, version.id, version.version, parts.rows_stored(version))
