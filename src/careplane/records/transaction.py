"""A transaction: all entries or none (FHIR R4, 3.1.0.11.2).

First every address is settled (ids for what is new, matches for what is conditional), then
references are rewritten, contents validated and indexed, and all of it is one unit of work. Reads
come last and see what was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from careplane.access.scopes import Permission
from careplane.kernel.errors import (
    CareplaneError,
    Conflict,
    Incorrect,
    Invalid,
    Issue,
    Malformed,
    NotFound,
    Precondition,
)
from careplane.records import commands as c
from careplane.records import references, rights
from careplane.records.account import Account
from careplane.records.bodies import Content, accept, check_id, check_same_id, whole
from careplane.records.bundle import Entry
from careplane.records.commit import Draft, commit, persist
from careplane.records.conditional import Match, find_one, query_of
from careplane.records.drafts import Drafter
from careplane.records.parts import Parts
from careplane.records.requests import Command, carry_out, command_of
from careplane.records.results import Answer, Effect, Processed, Result, Version, Written
from careplane.records.write import patched
from careplane.search.match import NoWorld, Subject, matches
from careplane.storage.ports.records import Guard, Key

_MOST_ISSUES = 100
Write = c.Create | c.Update | c.ConditionalUpdate | c.Patch | c.Delete | c.ConditionalDelete


async def transaction(
    parts: Parts, account: Account, entries: Sequence[Entry], handling: c.Handling
) -> Processed:
    """The answers, in the order of the entries; or the error of an entry, with its place."""
    commands: dict[int, Command] = {}
    for entry in entries:
        with _placed(entry):
            commands[entry.index] = command_of(entry, handling)
    writes = [(e, w) for e in entries if isinstance(w := commands[e.index], Write)]
    written = await persist(lambda: _Run(parts, account, writes).commit())
    answers = {entry.index: result for (entry, _), result in zip(writes, written, strict=True)}
    return Processed(
        True,
        tuple(
            [
                Answer(entry.method, entry.url, result=answers[entry.index])
                if entry.index in answers
                else await _read(parts, account, entry, commands[entry.index])
                for entry in entries
            ]
        ),
    )


async def _read(parts: Parts, account: Account, entry: Entry, command: Command) -> Answer:
    # The writes are durable: a read that fails is its own answer and undoes nothing.
    inner = Account(account.caller, account.interaction)
    try:
        result: Result = await carry_out(parts, inner, command)
        return Answer(entry.method, entry.url, result=result)
    except CareplaneError as error:
        return Answer(entry.method, entry.url, error=error)
    finally:
        await parts.audit.append(account.caller.tenant, inner.success(parts.clock))


@contextmanager
def _placed(entry: Entry) -> Iterator[None]:
    """Errors inside say which entry they are about."""
    try:
        yield
    except (Malformed, Invalid) as error:
        issues = tuple(i.under(f"Bundle.entry[{entry.index}].resource") for i in error.issues)
        raise type(error)(error.text, issues=issues) from error
    except CareplaneError as error:
        issues = tuple(i.under(f"Bundle.entry[{entry.index}]") for i in error.issues)
        raise type(error)(error.text, issues=issues) from error


@dataclass(slots=True)
class _Run:
    """One attempt. What it settles on is by index of entry."""

    parts: Parts
    account: Account
    writes: Sequence[tuple[Entry, Write]]
    keys: dict[int, Key] = field(default_factory=dict)
    matches: dict[int, Match] = field(default_factory=dict)
    same: dict[tuple[str, str], int] = field(default_factory=dict)
    contents: dict[int, Content] = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    deleted: set[Key] = field(default_factory=set)

    async def commit(self) -> tuple[Written, ...]:
        await self._settle()
        self._refuse_twice()
        await self._accept()
        currents = await self._currents()
        drafts: list[Draft] = []
        for entry, command in self.writes:
            with _placed(entry):
                drafts.append(self._draft(entry, command, currents.get(self.keys.get(entry.index))))
        if drafts:
            first = drafts[0]
            guards = (*self.guards, *(m.guard for m in self.matches.values()))
            drafts[0] = Draft(first.effect, first.put, first.current, guards)
        return await self._fold(await commit(self.parts, self.account, drafts))
