"""Export: everything that a caller may search, as it was at one moment, page by page (Bulk Data
Access 3.0, `$export`).

The pages are slices of a snapshot, under the caller's rights like a search. What has been replaced
or deleted since has no index rows any more: these are made again from the bytes, so that the rights
and filters are asked of what is handed out, not of what came later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from careplane.access.scopes import Permission
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Forbidden, Incorrect
from careplane.records import commands as c
from careplane.records import fetch, read, rights
from careplane.records.account import Account
from careplane.records.bodies import rows_of, whole
from careplane.records.parts import Parts
from careplane.records.patients import patients_of_versions
from careplane.records.results import Exported, Prepared, Version
from careplane.search.compartments import compartment_params, compartment_types
from careplane.search.match import Subject, matches
from careplane.search.parse import criteria
from careplane.search.plan import (
    EVERYTHING,
    And,
    Chain,
    Keys,
    Node,
    Not,
    Nothing,
    Or,
    Reference,
    all_of,
    any_of,
)
from careplane.storage.ports.records import Key, SnapshotQuery

_PATIENT = frozenset({"Patient"})
_SLACK = 60_000_000
"""How far the time of a snapshot is behind the clock at most, in microseconds: longer than a unit
of work can be under way."""
_ROUNDS = 4
_SOME = 500


async def prepare(parts: Parts, account: Account, command: c.PrepareExport) -> Prepared:
    """Check an export before it begins, and fix the moment that it will show."""
    account.query = _described(command)
    parts.fresh(account.caller)
    patients = None if command.patients is None else await _known(parts, account, command.patients)
    if command.group is not None:
        members = await _members(parts, account, command.group)
        if patients is not None and not set(patients) <= set(members):
            raise Incorrect("Some of the patients named are no members of this Group.")
        patients = members if patients is None else patients
    types = _types(parts, account, command)
    for type, query in command.filters:
        criteria(parts.setting(), rights.known(type), query)
    now = parts.clock()
    at, instant = await parts.store.horizon(account.caller.tenant)
    return Prepared(at, max(instant, (now - _SLACK) // 1000 * 1000), types, patients)


def _described(command: c.PrepareExport) -> str:
    level = f"Group/{command.group}" if command.group else "Patient" if command.by_patient else ""
    filters = ",".join(f"{type}?{query}" for type, query in command.filters)
    return f"{level}?_type={','.join(command.types)}&_typeFilter={filters}"


def _types(parts: Parts, account: Account, command: c.PrepareExport) -> tuple[str, ...]:
    offered = compartment_types("Patient") if command.by_patient else frozenset(RESOURCE_TYPES)
    for type in command.types:
        if rights.known(type) not in offered:
            raise Incorrect(f"{type} is never in the record of a patient; leave it out of _type.")
        parts.decider.require(account.caller, Permission.SEARCH, type)
    if command.types:
        return tuple(dict.fromkeys(command.types))
    decide = parts.decider.restriction
    allowed = tuple(
        type
        for type in sorted(offered)
        if not isinstance(decide(account.caller, Permission.SEARCH, type), Nothing)
    )
    if not allowed:
        raise Forbidden("There is nothing to export that this caller may search.")
    return allowed


async def _known(parts: Parts, account: Account, ids: Sequence[str]) -> tuple[str, ...]:
    """The ids, each once, if all of them are patients that the caller may see."""
    ids = tuple(dict.fromkeys(ids))
    missing = len(ids)
    for at in range(0, len(ids), _SOME):
        keys = [("Patient", id) for id in ids[at : at + _SOME]]
        missing -= len(await fetch.by_keys(parts, account.caller, keys))
    if missing:
        raise Incorrect(f"{missing} of the patients named are not on this server.")
    return ids


async def _members(parts: Parts, account: Account, group: str) -> tuple[str, ...]:
    """The patients that are active members of a Group now."""
    version = await read.read(parts, account, c.Read("Group", group))
    members = msgspec.json.decode(whole(version), type=_Group).member
    ids: dict[str, None] = {}
    for member in members:
        reference = (member.entity.reference or "").removeprefix(f"{parts.base}/")
        type, _, id = reference.partition("/")
        if type == "Patient" and not member.inactive:
            ids[id.partition("/")[0]] = None
    return tuple(ids)


class _Entity(msgspec.Struct):
    reference: str | None = None


class _Member(msgspec.Struct):
    entity: _Entity
    inactive: bool = False


class _Group(msgspec.Struct):
    member: list[_Member] = []


async def export(parts: Parts, account: Account, command: c.Export) -> Exported:
    """One page."""
    caller, parts = account.caller, parts.plain
    limit = parts.decider.require(caller, Permission.SEARCH, rights.known(command.type))
    asked = rights.within(parts.decider, caller, _asked(parts, command))
    account.query = f"{command.type}@{command.at}"
    query = SnapshotQuery(
        command.type,
        command.at,
        all_of(_inside(parts, command), limit, asked),
        command.since,
        command.before,
        command.after,
        command.count,
        command.deletions,
    )
    page = await parts.store.snapshot(caller.tenant, query)
    versions = page.versions
    if page.unchecked:
        fitting = await _checked(parts, account, command, asked, page.unchecked)
        allowed = [
            version
            for version, subject in fitting
            if await rights.allows(parts, caller, limit, subject)
        ]
        versions = tuple(sorted((*versions, *allowed), key=lambda version: version.t))
    if command.passed is not None:
        versions = tuple(_not_passed(parts, command, command.passed, versions))
    account.saw(versions)
    return Exported(versions, page.next)


def _asked(parts: Parts, command: c.Export) -> Node:
    if not command.filters:
        return EVERYTHING
    setting = parts.setting()
    return any_of(*(criteria(setting, command.type, query) for query in command.filters))


def _inside(parts: Parts, command: c.Export) -> Node:
    """In the records of these patients, or of any."""
    if not command.by_patient:
        return EVERYTHING
    params = compartment_params(parts.registry, "Patient", command.type)
    if command.patients is None:
        if command.type == "Patient":
            return EVERYTHING
        return any_of(*(Chain(param, _PATIENT, EVERYTHING) for param in params))
    keys = frozenset(("Patient", id) for id in command.patients)
    itself = [Keys(keys)] if command.type == "Patient" else []
    return any_of(*itself, *(Reference(param, keys) for param in params))


def _not_passed(
    parts: Parts, command: c.Export, passed: Callable[[str], bool], versions: Sequence[Version]
) -> Iterator[Version]:
    """Those that are in no record that came before. The bytes tell for nearly all of them."""
    params = compartment_params(parts.registry, "Patient", command.type)
    for version in versions:
        named = filter(passed, patients_of_versions((version,)))
        if next(named, None) is None or not any(
            row.type == "Patient" and row.param in params and passed(row.id)
            for row in rows_of(parts.extract, version).references
        ):
            yield version


async def _checked(
    parts: Parts, account: Account, command: c.Export, asked: Node, versions: Sequence[Version]
) -> list[tuple[Version, Subject]]:
    """Those whose content matches; for a deletion, the content that was deleted."""
    found: list[tuple[Version, Subject]] = []
    for version in versions:
        shown: Version | None = version
        if version.deleted:
            key = (version.type, version.id, version.version - 1)
            shown = await parts.store.vread(account.caller.tenant, *key)
        if shown is not None and not shown.deleted:
            rows = rows_of(parts.extract, shown)
            found.append((version, Subject(shown.type, shown.id, shown.last_updated, rows)))
    world = await _world(parts, account, asked, [subject for _, subject in found])
    return [
        (version, subject)
        for version, subject in found
        if _is_inside(parts, command, subject) and matches(asked, subject, world)
    ]


def _is_inside(parts: Parts, command: c.Export, subject: Subject) -> bool:
    """As `_inside`, of a resource whose patient may be gone by now."""
    if not command.by_patient:
        return True
    if command.patients is not None:
        return matches(_inside(parts, command), subject, _World())
    params = compartment_params(parts.registry, "Patient", command.type)
    references = subject.rows.references
    return subject.type == "Patient" or any(
        row.type == "Patient" and row.param in params for row in references
    )


class _World:
    """What was fetched; nobody is known to refer to anything."""

    def __init__(self) -> None:
        self.known: dict[Key, Subject] = {}

    def resource(self, type: str, id: str) -> Subject | None:
        return self.known.get((type, id))

    def referring(self, source: str, type: str, id: str) -> Iterable[Subject]:
        return ()


async def _world(parts: Parts, account: Account, node: Node, subjects: Sequence[Subject]) -> _World:
    """As far as the chains of the node lead."""
    world = _World()
    edge = list(subjects)
    for _ in range(min(_depth(node), _ROUNDS)):
        keys = {(row.type, row.id) for one in edge for row in one.rows.references}
        wanted = sorted(keys - world.known.keys())
        edge = []
        for version in await parts.store.read_many(account.caller.tenant, wanted):
            if version is not None and not version.deleted:
                rows = rows_of(parts.extract, version)
                edge.append(Subject(version.type, version.id, version.last_updated, rows))
        world.known.update({(one.type, one.id): one for one in edge})
    return world


def _depth(node: Node) -> int:
    """How many references a node looks along, one behind the other."""
    if isinstance(node, Chain):
        return 1 + _depth(node.where)
    if isinstance(node, And | Or):
        return max(map(_depth, node.parts), default=0)
    return _depth(node.part) if isinstance(node, Not) else 0
