"""A transaction: all entries or none (FHIR R4, 3.1.0.11.2).

First every address is settled (`settle`), then references are rewritten, contents validated and
indexed (`contents`), then all of it is one unit of work. Reads come last and see what was written;
operations are among them, if they change nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from careplane.kernel.errors import CareplaneError, NotFound
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.audited import audited
from careplane.records.bodies import Content, check_id, check_same_id
from careplane.records.bundle import Entry
from careplane.records.commit import Draft, commit, persist
from careplane.records.contents import contents
from careplane.records.drafts import Drafter
from careplane.records.parts import Parts
from careplane.records.requests import Command, carry_out, command_of, interaction
from careplane.records.results import Answer, Effect, Processed, Version, Written
from careplane.records.settle import Placed, Settled, Write, settle
from careplane.records.write import IF_NONE_MATCH, draft_match, patched
from careplane.storage.ports.records import Guard, Key


async def transaction(
    parts: Parts, account: Account, entries: Sequence[Entry], asked: c.Process
) -> Processed:
    """The answers, in the order of the entries; or the error of an entry, with its place."""
    commands: dict[int, Command] = {}
    for entry in entries:
        with Placed(entry):
            commands[entry.index] = command_of(entry, asked, only_reading=True)
    writes = [(e, w) for e in entries if isinstance(w := commands[e.index], Write)]
    written = await persist(lambda: _attempt(parts.plain, account, writes))
    answers: list[Answer] = []
    for entry in entries:
        done = written.get(entry.index)
        if done is None:
            answers.append(await _read(parts, account, entry, commands[entry.index]))
        else:
            answers.append(Answer(entry.method, entry.url, result=done))
    return Processed(True, tuple(answers))


async def _read(parts: Parts, account: Account, entry: Entry, command: Command) -> Answer:
    # The writes are durable: a read that fails is its own answer and undoes nothing.
    inner = Account(account.caller, interaction(command))
    try:
        result = await audited(parts, inner, carry_out, command)
        return Answer(entry.method, entry.url, result=result)
    except CareplaneError as error:
        return Answer(entry.method, entry.url, error=error)


async def _attempt(
    parts: Parts, account: Account, writes: Sequence[tuple[Entry, Write]]
) -> dict[int, Written]:
    settled = await settle(parts, account.caller, writes)
    accepted, guards = await contents(parts, account.caller, writes, settled)
    currents = await _currents(parts, account, writes, settled)
    drafter = Drafter(parts, account.caller)
    drafts: dict[int, Draft] = {}
    for entry, command in writes:
        if entry.index in settled.same:
            continue
        with Placed(entry):
            key = settled.keys.get(entry.index)
            current = currents.get(key) if key else None
            drafts[entry.index] = await _DRAFT[type(command)](
                _Making(drafter, entry, command, settled, accepted.get(entry.index), current)
            )
    written = await _commit(parts, account, drafts, (*settled.guards(), *guards))
    for index, first in settled.same.items():
        written[index] = Written(Effect.FOUND, written[first].version)
    return written


async def _currents(
    parts: Parts, account: Account, writes: Sequence[tuple[Entry, Write]], settled: Settled
) -> dict[Key, Version | None]:
    keys = [
        settled.keys[entry.index]
        for entry, command in writes
        if not isinstance(command, c.Create) and entry.index in settled.keys
    ]
    if not keys:
        return {}
    found = await parts.store.read_many(account.caller.tenant, keys)
    return dict(zip(keys, found, strict=True))


async def _commit(
    parts: Parts, account: Account, drafts: dict[int, Draft], guards: Iterable[Guard]
) -> dict[int, Written]:
    if not drafts:
        return {}
    (first, draft), *others = drafts.items()
    guarded = replace(draft, guards=tuple(guards))
    written = await commit(parts, account, (guarded, *(other for _, other in others)))
    return dict(zip([first, *(index for index, _ in others)], written, strict=True))


@dataclass(frozen=True, slots=True)
class _Making:
    """What a draft is made of."""

    drafter: Drafter
    entry: Entry
    command: Any
    settled: Settled
    content: Content | None
    current: Version | None

    @property
    def id(self) -> str:
        return self.settled.keys[self.entry.index][1]

    @property
    def match(self) -> Version | None:
        found = self.settled.matches.get(self.entry.index)
        return found.version if found else None


async def _create(m: _Making) -> Draft:
    if m.match:
        return Draft(Effect.FOUND, current=m.match)
    assert m.content is not None
    return await m.drafter.create(m.content, m.id)


async def _update(m: _Making) -> Draft:
    assert m.content is not None
    check_same_id(m.content, check_id(m.id))
    new = IF_NONE_MATCH if m.command.if_none_match else ""
    return await m.drafter.update(m.content, m.id, m.current, m.command.if_match, new=new)


async def _update_match(m: _Making) -> Draft:
    assert m.content is not None
    return await draft_match(m.drafter, m.content, m.match, m.command.if_match, m.id, m.current)


async def _patch(m: _Making) -> Draft:
    found = await m.drafter.changeable(m.command.type, m.current)
    if found is None:
        raise NotFound(f"There is no such {m.command.type} to patch.")
    content = await patched(m.drafter.parts, m.command, found)
    return await m.drafter.update(content, found.id, found, m.command.if_match, "PATCH")


async def _delete(m: _Making) -> Draft:
    if m.entry.index not in m.settled.keys:
        return Draft(Effect.ABSENT)
    if_match = m.command.if_match if isinstance(m.command, c.Delete) else None
    return await m.drafter.delete(m.command.type, m.id, m.current, if_match)


_DRAFT: dict[type[Write], Callable[[_Making], Awaitable[Draft]]] = {
    c.Create: _create,
    c.Update: _update,
    c.ConditionalUpdate: _update_match,
    c.Patch: _patch,
    c.Delete: _delete,
    c.ConditionalDelete: _delete,
}
