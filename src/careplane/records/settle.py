"""The addresses of a transaction, settled before anything is written: ids for what is new, matches
for what is conditional, and which fullUrl names which of them (FHIR R4, 3.1.0.11.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from careplane.access.caller import Caller
from careplane.kernel.errors import CareplaneError, Invalid, Issue, Malformed
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.bundle import Entry
from careplane.records.conditional import Match, find_one
from careplane.records.parts import Parts
from careplane.storage.ports.records import Guard, Key

Write = c.Create | c.Update | c.ConditionalUpdate | c.Patch | c.Delete | c.ConditionalDelete
Writes = Sequence[tuple[Entry, Write]]


@dataclass(slots=True)
class Settled:
    """By index of entry: the key that it is about, and what its criteria matched. `same` are
    conditional creates with the criteria of an earlier one, whose resource they share."""

    keys: dict[int, Key] = field(default_factory=dict)
    matches: dict[int, Match] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)

    def guards(self) -> Iterator[Guard]:
        """What the criteria took for granted."""
        return (match.guard for match in self.matches.values())

    def moved(self, writes: Writes) -> dict[bytes, bytes]:
        """What the fullUrls name, and their relative forms where an id changes -> address."""
        found: dict[bytes, bytes] = {}
        for entry, _ in writes:
            key = self.keys.get(entry.index)
            if entry.full_url and key:
                address = f"{key[0]}/{key[1]}".encode()
                found[entry.full_url.encode()] = address
                tail = "/".join(entry.full_url.split("/")[-2:])
                if tail.startswith(f"{key[0]}/"):
                    found[tail.encode()] = address
        return found


class _Identity(msgspec.Struct):
    id: str | None = None


_identity = msgspec.json.Decoder(_Identity)


class Placed:
    """Errors inside say which entry they are about."""

    __slots__ = ("_place",)

    def __init__(self, entry: Entry) -> None:
        self._place = entry.index

    def __enter__(self) -> None:
        """A class, not a generator: an import goes through here three times for each resource."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CareplaneError):
            raise type(error)(error.text, issues=self._issues(error)) from error

    def _issues(self, error: CareplaneError) -> tuple[Issue, ...]:
        place = f"Bundle.entry[{self._place}]"
        if not isinstance(error, Malformed | Invalid):
            return tuple(issue.under(place) for issue in error.issues)
        if any(issue.where.startswith("Bundle.") for issue in error.issues):
            return error.issues
        return tuple(issue.under(f"{place}.resource") for issue in error.issues)


async def settle(parts: Parts, caller: Caller, writes: Writes) -> Settled:
    """Deletions first, since what they delete matches nothing any more."""
    settled = Settled()
    for entry, command in writes:
        if isinstance(command, c.Delete | c.ConditionalDelete):
            with Placed(entry):
                await _settle_delete(parts, caller, settled, entry, command)
    deleted = frozenset(settled.keys.values())
    created: dict[tuple[str, str], int] = {}
    for entry, command in writes:
        with Placed(entry):
            if isinstance(command, c.Create):
                await _settle_create(parts, caller, settled, entry, command, deleted, created)
            elif not isinstance(command, c.Delete | c.ConditionalDelete):
                await _settle_change(parts, caller, settled, entry, command, deleted)
    _refuse_twice(settled)
    return settled


async def _settle_delete(
    parts: Parts,
    caller: Caller,
    settled: Settled,
    entry: Entry,
    command: c.Delete | c.ConditionalDelete,
) -> None:
    if isinstance(command, c.Delete):
        settled.keys[entry.index] = (command.type, command.id)
        return
    match = await find_one(parts, caller, rights.known(command.type), command.criteria)
    settled.matches[entry.index] = match
    if match.version:
        settled.keys[entry.index] = (command.type, match.version.id)


async def _settle_create(
    parts: Parts,
    caller: Caller,
    settled: Settled,
    entry: Entry,
    command: c.Create,
    deleted: frozenset[Key],
    created: dict[tuple[str, str], int],
) -> None:
    type = rights.known(command.type)
    if command.if_none_exist is not None:
        first = created.setdefault((type, command.if_none_exist), entry.index)
        if first != entry.index:
            settled.same[entry.index] = first
            settled.keys[entry.index] = settled.keys[first]
            return
        match = await find_one(parts, caller, type, command.if_none_exist, deleted.__contains__)
        settled.matches[entry.index] = match
        if match.version:
            settled.keys[entry.index] = (type, match.version.id)
            return
    settled.keys[entry.index] = (type, parts.new_id())


async def _settle_change(
    parts: Parts,
    caller: Caller,
    settled: Settled,
    entry: Entry,
    command: c.Update | c.ConditionalUpdate | c.Patch,
    deleted: frozenset[Key],
) -> None:
    type = rights.known(command.type)
    if isinstance(command, c.Update) or (isinstance(command, c.Patch) and command.id is not None):
        assert command.id is not None
        settled.keys[entry.index] = (type, command.id)
        return
    criteria = command.criteria or ""
    match = await find_one(parts, caller, type, criteria, deleted.__contains__)
    settled.matches[entry.index] = match
    if match.version:
        settled.keys[entry.index] = (type, match.version.id)
    elif isinstance(command, c.ConditionalUpdate):
        settled.keys[entry.index] = (type, _id_in(command.raw) or parts.new_id())


def _id_in(raw: bytes) -> str | None:
    try:
        return _identity.decode(raw).id
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Malformed("The resource could not be read.") from error


def _refuse_twice(settled: Settled) -> None:
    seen: dict[Key, int] = {}
    for index, key in sorted(settled.keys.items()):
        first = seen.setdefault(key, index)
        if first != index and index not in settled.same:
            text = f"The entry is about the same resource as entry {first}."
            raise Invalid(
                text, issues=(Issue("error", "duplicate", text, f"Bundle.entry[{index}]"),)
            )
