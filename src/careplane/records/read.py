"""Read and vread of one resource, and read of several (FHIR R4, 3.1.0.2 and 3.1.0.3)."""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.kernel.errors import Gone, NotFound
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.records.patients import patients_of_versions
from careplane.records.results import Version
from careplane.search.plan import Everything, Keys, Node, Nothing, Query, all_of
from careplane.storage.ports.records import Key

_DESCRIBED = 1000
"""Characters of the names of several resources that an audit record keeps."""


async def read(parts: Parts, account: Account, command: c.Read) -> Version:
    """The current version."""
    caller = account.caller
    account.query = f"{command.type}/{command.id}"
    type = rights.known(command.type)
    found = await current(parts, caller, Permission.READ, type, command.id)
    return _present(account, found, command.type)


async def vread(parts: Parts, account: Account, command: c.Vread) -> Version:
    """One version of a record that the caller may see as it is now."""
    caller = account.caller
    account.query = f"{command.type}/{command.id}/_history/{command.version}"
    limit = parts.decider.require(caller, Permission.READ, rights.known(command.type))
    if not isinstance(limit, Everything):
        now = await current(parts, caller, Permission.READ, command.type, command.id)
        if now is None:
            raise _no_such(command.type)
    found = await parts.store.vread(caller.tenant, command.type, command.id, command.version)
    return _present(account, found, command.type)


async def read_many(parts: Parts, account: Account, command: c.ReadMany) -> tuple[Version, ...]:
    """Those that are there and that the caller may read, in no particular order."""
    caller = account.caller
    account.query = ",".join(f"{type}/{id}" for type, id in command.keys)[:_DESCRIBED]
    free: list[Key] = []
    bound: dict[str, set[Key]] = {}
    for type, id in dict.fromkeys(command.keys):
        limit = parts.decider.restriction(caller, Permission.READ, rights.known(type))
        if isinstance(limit, Everything):
            free.append((type, id))
        elif not isinstance(limit, Nothing):
            bound.setdefault(type, set()).add((type, id))
    found = await parts.store.read_many(caller.tenant, free) if free else []
    present = [version for version in found if version and not version.deleted]
    for type, keys in bound.items():
        limit = parts.decider.restriction(caller, Permission.READ, type)
        where = all_of(limit, Keys(frozenset(keys)))
        query = Query(frozenset({type}), where, count=len(keys))
        present += (await parts.store.search(caller.tenant, query)).versions
    account.saw(present)
    return tuple(present)


async def current(
    parts: Parts, caller: Caller, permission: Permission, type: str, id: str
) -> Version | None:
    """The current version, a deletion included, or None where the caller may not know of it: what
    was deleted matches no restriction. Raises Forbidden where nothing of the type may be known."""
    limit = parts.decider.require(caller, permission, type)
    if isinstance(limit, Everything):
        return await parts.store.read(caller.tenant, type, id)
    if isinstance(parts.decider.by_right(caller, permission, type), Everything):
        return await _consented(parts, caller, permission, type, id)
    return await matching(parts, caller, limit, type, id)


async def _consented(
    parts: Parts, caller: Caller, permission: Permission, type: str, id: str
) -> Version | None:
    """Where only Consents stand in the way, those of the patients whom it names."""
    found = await parts.store.read(caller.tenant, type, id)
    if found is None or found.deleted:
        limit = parts.decider.restriction(
            caller, permission, type, parts.decider.anybody(caller.tenant)
        )
        await matching(parts, caller, limit, type, id)  # as long as it takes where one is hidden
        return None
    patients = frozenset(patients_of_versions((found,)))
    limit = parts.decider.restriction(caller, permission, type, patients)
    if isinstance(limit, Everything):
        return found
    shown = await matching(parts, caller, limit, type, id)
    if shown is None or shown.t == found.t:
        return shown
    limit = parts.decider.restriction(caller, permission, type)  # it may be another's by now
    return await matching(parts, caller, limit, type, id)


async def matching(parts: Parts, caller: Caller, limit: Node, type: str, id: str) -> Version | None:
    """The current version, or None where it does not match."""
    where = all_of(limit, Keys(frozenset({(type, id)})))
    page = await parts.store.search(caller.tenant, Query(frozenset({type}), where, count=1))
    return page.versions[0] if page.versions else None


def _present(account: Account, found: Version | None, type: str) -> Version:
    if found is None:
        raise _no_such(type)
    account.saw((found,))
    if found.deleted:
        raise Gone(f"This {type} has been deleted.")
    return found


def _no_such(type: str) -> NotFound:
    return NotFound(f"There is no such {type}.")
