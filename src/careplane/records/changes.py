"""What was committed, in its order, for services of this house; and what of it may be shown.

A service matches all changes against what its subscribers wait for. Nothing that it reads here may
leave the house by itself: whether somebody may know of a change is asked with `visible`, and what
is sent to them is read again with `disclose`, under their rights and with an audit record.
"""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.bodies import rows_of
from careplane.records.parts import Parts
from careplane.records.read import current
from careplane.records.results import Version
from careplane.search.match import Subject
from careplane.search.plan import Everything, Nothing
from careplane.storage.ports.records import HistoryQuery, Tenant


async def newest(parts: Parts, tenant: Tenant) -> int:
    """The sequence number of the last version there is; 0 where there is none."""
    page = await parts.store.history(tenant, HistoryQuery(frozenset(), count=1))
    return page.versions[0].t if page.versions else 0


async def before(parts: Parts, tenant: Tenant, version: Version) -> Version | None:
    """The version that this one replaced, a deletion included."""
    if version.version <= 1:
        return None
    return await parts.store.vread(tenant, version.type, version.id, version.version - 1)


async def visible(parts: Parts, caller: Caller, subject: Subject) -> bool:
    """Whether this caller may read a record as its rows show it."""
    await parts.decider.fresh(caller.tenant)
    limit = parts.decider.restriction(caller, Permission.READ, subject.type)
    return not isinstance(limit, Nothing) and await rights.allows(parts, caller, limit, subject)


async def disclose(
    parts: Parts, account: Account, command: c.Disclose
) -> tuple[Version | None, ...]:
    """The versions that are asked for, with None for each that this caller may not read now."""
    account.query = command.reason
    found = [await _shown(parts, account.caller, *asked) for asked in command.versions]
    account.saw([version for version in found if version])
    return tuple(found)


async def _shown(parts: Parts, caller: Caller, type: str, id: str, number: int) -> Version | None:
    parts = parts.plain
    limit = parts.decider.restriction(caller, Permission.READ, rights.known(type))
    if isinstance(limit, Nothing):
        return None
    found = await parts.store.vread(caller.tenant, type, id, number)
    if found is None or isinstance(limit, Everything):
        return found
    if not found.deleted and await current(parts, caller, Permission.READ, type, id) is None:
        return None
    # What was deleted has no rows of its own: it is judged as it was.
    judged = await before(parts, caller.tenant, found) if found.deleted else found
    rows = rows_of(parts.extract, judged)
    subject = Subject(type, id, found.last_updated, rows)
    return found if await rights.allows(parts, caller, limit, subject) else None
