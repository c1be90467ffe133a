"""`$purge`: a patient's record taken away for good, with every version of all in its compartment.

Not of R4. It needs a scope that names it. The whole log of versions is gone through, for what was
deleted, or was this patient's once, holds the patient's data too. What belongs to other patients
as well stays, and so does what refers to what is gone: both are reported. Each step is audited in
the same unit of work, and a purge that was interrupted can be done again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from functools import partial

from careplane.access.scopes import Permission
from careplane.kernel.errors import NotFound
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import rows_of
from careplane.records.commit import persist
from careplane.records.parts import Parts
from careplane.records.results import Purged, Version
from careplane.records.rights import allows
from careplane.search.compartments import compartment_node, compartment_types
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.plan import Everything, Node
from careplane.storage.ports.records import Erased, Erasure, Key, Superseded, Tenant

_PATIENT = "Patient"
_PAGE = 500
_STEP = 400
_REFERENCE = re.compile(rb'"((?:[^"\\]{1,200}/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64}))(?:"|/_)')
_ESCAPED = re.compile(rb"\\u00(?:2[d-f]|3[0-9]|[46][1-9a-f]|[57][0-9a])", re.IGNORECASE)
"""A letter, digit or mark that may stand in a reference, written as an escape of JSON."""
_ALONE = NoWorld()
_Version = tuple[str, str, int]


async def purge(parts: Parts, account: Account, command: c.Purge) -> Purged:
    """What was removed, and what is left that refers to it."""
    account.query = f"{_PATIENT}/{command.id}/$purge"
    account.patients[command.id] = None
    limit = parts.decider.require(account.caller, Permission.PURGE, _PATIENT)
    parts.fresh(account.caller)
    parts = parts.beneath or parts  # what is of a patient is so by what a caller may not see, too
    patient = await parts.store.read(account.caller.tenant, _PATIENT, command.id)
    if patient is None or not await within(parts, account, limit, patient):
        raise NotFound("There is no such Patient.")
    purged = await remove(parts, account, command.id)
    account.kept = True
    return purged


async def remove(parts: Parts, account: Account, id: str) -> Purged:
    """All of a patient's record, in steps, each with its audit record."""
    record = await _gather(parts, account.caller.tenant, id)
    forgotten = frozenset(record.all)
    await parts.forget(account.caller.tenant, record.all)
    for some in _steps(record):
        await persist(partial(_erase, parts, account, some, forgotten))
    parts.decider.erased(account.caller.tenant)
    left = await _left(parts, account.caller.tenant, {*record.whole}, record.binaries)
    return Purged(len(record.whole), len(record.all), tuple(sorted(left)))


async def within(parts: Parts, account: Account, limit: Node, patient: Version) -> bool:
    if isinstance(limit, Everything):
        return True
    if patient.deleted:
        return False
    rows = rows_of(parts.extract, patient)
    subject = Subject(patient.type, patient.id, patient.last_updated, rows)
    return await allows(parts, account.caller, limit, subject)


@dataclass(slots=True)
class _Record:
    """What is a patient's: records as a whole, and old versions of records that are others' now;
    `all` versions of both."""

    id: str
    whole: dict[Key, None] = field(default_factory=dict)
    old: dict[_Version, None] = field(default_factory=dict)
    binaries: set[Key] = field(default_factory=set)
    all: list[_Version] = field(default_factory=list)


async def _gather(parts: Parts, tenant: Tenant, id: str) -> _Record:
    """From the log: all that was in the compartment at some time."""
    record = _Record(id)
    seen: dict[Key, list[tuple[_Version, bool]]] = {}
    async for version in log(parts, tenant):
        key = (version.type, version.id)
        if version.deleted:
            is_mine = key in seen and seen[key][-1][1]  # a deletion is of what there was
        else:
            is_mine = may_name(version, id) and _is_member(parts, id, version)
        if is_mine or key in seen:
            seen.setdefault(key, []).append(((*key, version.version), is_mine))
        if is_mine:
            record.binaries.update(k for k in _targets(version) if k[0] == "Binary")
    for key, versions in seen.items():
        if versions[-1][1]:  # it is the patient's now, or was when it was deleted
            record.whole[key] = None
            record.all += [version for version, _ in versions]
        else:
            mine = [version for version, is_mine in versions if is_mine]
            record.old.update(dict.fromkeys(mine))
            record.all += mine
    record.whole[_PATIENT, id] = None
    return record


def may_name(version: Version, patient: str) -> bool:
    """Whether it may be, or refer to, this patient: told by the bytes alone, unless some of them
    that could stand in a reference are written as escapes."""
    if (version.type, version.id) == (_PATIENT, patient):
        return True
    return patient.encode() in version.rest or _ESCAPED.search(version.rest) is not None


def _is_member(parts: Parts, id: str, version: Version) -> bool:
    """In this patient's compartment, and in that of no other."""
    if version.type == _PATIENT:
        return version.id == id
    if version.type not in compartment_types(_PATIENT):
        return False
    rows = rows_of(parts.extract, version)
    subject = Subject(version.type, version.id, version.last_updated, rows)
    if not matches(_node(parts, id, version.type), subject, _ALONE):
        return False
    others = {row.id for row in rows.references if row.type == _PATIENT} - {id}
    return not any(matches(_node(parts, o, version.type), subject, _ALONE) for o in others)


def _node(parts: Parts, id: str, type: str) -> Node:
    return compartment_node(parts.registry, _PATIENT, id, [type])


async def log(parts: Parts, tenant: Tenant) -> AsyncIterator[Version]:
    """All versions, in the order of commit."""
    after = 0
    while page := await parts.store.changes(tenant, after, _PAGE):
        for version in page:
            yield version
        after = page[-1].t
        await asyncio.sleep(0)  # others have their turn


_Step = tuple[tuple[Key, ...], tuple[Superseded, ...]]


def _steps(record: _Record) -> Iterable[_Step]:
    """Some at a time, the patient last."""
    old = [Superseded(*version) for version in record.old]
    for at in range(0, len(old), _STEP):
        yield (), tuple(old[at : at + _STEP])
    patient = (_PATIENT, record.id)
    keys = [key for key in record.whole if key != patient]
    for at in range(0, len(keys), _STEP):
        yield tuple(keys[at : at + _STEP]), ()
    yield (patient,), ()


async def _erase(
    parts: Parts, account: Account, step: _Step, forgotten: frozenset[_Version]
) -> None:
    """`forgotten`: whose leaves nobody can open any more. Those of newer versions go here."""
    keys, old = step
    tenant = account.caller.tenant
    found = await parts.store.read_many(tenant, keys)
    records = tuple(
        Erased(v.type, v.id, v.version, parts.rows_stored(v)) for v in found if v is not None
    )
    told = Account(account.caller, account.interaction, account.query, [], {**account.patients})
    told.versions += [(one.type, one.id, one.expect) for one in records]
    told.versions += [(one.type, one.id, one.version) for one in old]
    every = [(one.type, one.id, n) for one in records for n in range(1, one.expect + 1)]
    if since := [version for version in every if version not in forgotten]:
        await parts.forget(tenant, since)
    await parts.store.erase(tenant, Erasure(records, old, told.success(parts.clock)))


async def _left(
    parts: Parts, tenant: Tenant, gone: set[Key], binaries: set[Key]
) -> set[tuple[str, str]]:
    """Current records that refer to what is gone, and attachments that nothing refers to now."""
    candidates: set[Key] = set()
    async for version in log(parts, tenant):
        if any(key in gone for key in _targets(version)):
            candidates.add((version.type, version.id))
    keys = sorted(candidates | binaries)
    left: set[Key] = set()
    for at in range(0, len(keys), _PAGE):
        for now in await parts.store.read_many(tenant, keys[at : at + _PAGE]):
            if now is None or now.deleted:
                continue
            key = (now.type, now.id)
            if key in binaries or any(aim in gone for aim in _targets(now)):
                left.add(key)
    return left


def _targets(version: Version) -> Iterable[Key]:
    for match in _REFERENCE.finditer(version.rest):
        yield match[2].decode(), match[3].decode()
