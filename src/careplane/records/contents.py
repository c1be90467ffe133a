"""The contents of a transaction: references rewritten, then validated and indexed.

Every problem of every entry is reported at once, up to a number that one can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from careplane.access.caller import Caller
from careplane.kernel.errors import (
    Ambiguous,
    CareplaneError,
    Invalid,
    Issue,
    Malformed,
    Precondition,
)
from careplane.records import commands as c
from careplane.records import references, rights
from careplane.records.bodies import Content
from careplane.records.bundle import Entry
from careplane.records.conditional import find_one, query_of
from careplane.records.parts import Parts
from careplane.records.settle import Placed, Settled, Writes
from careplane.search.match import NoWorld, Subject, matches
from careplane.storage.ports.records import Guard

_MOST_ISSUES = 100
Accepted = dict[int, Content]
_Body: TypeAlias = tuple[Entry, c.Create | c.Update | c.ConditionalUpdate, bytes]


async def contents(
    parts: Parts, caller: Caller, writes: Writes, settled: Settled
) -> tuple[Accepted, list[Guard]]:
    """By index of entry; and what conditional references took for granted."""
    moved = settled.moved(writes)
    urns_only = all(name.startswith(b"urn:") for name in moved)
    work = _Work(parts, caller, settled)
    now: list[_Body] = []
    later: list[_Body] = []
    for entry, command in writes:
        if not isinstance(command, c.Create | c.Update | c.ConditionalUpdate):
            continue
        raw = references.rewrite(command.raw, moved, urns_only) if moved else command.raw
        (later if references.has_conditional(raw) else now).append((entry, command, raw))
    await work.accept(now)
    resolved: list[_Body] = []
    for entry, command, raw in later:
        with Placed(entry):
            await work.resolve(raw)
        known = references.resolve_conditional(raw, work.resolved.__getitem__)
        resolved.append((entry, command, known))
    await work.accept(resolved)
    work.refuse()
    return work.accepted, work.guards


@dataclass(slots=True)
class _Work:
    parts: Parts
    caller: Caller
    settled: Settled
    accepted: Accepted = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    async def accept(self, bodies: Sequence[_Body]) -> None:
        """Validate and index; what is wrong is gathered."""
        jobs = [(rights.known(command.type), raw) for _, command, raw in bodies]
        with self.parts.step("validate and extract"):
            accepted = await self.parts.accepts(jobs)
        for (entry, _, _), found in zip(bodies, accepted, strict=True):
            if isinstance(found, CareplaneError):
                self._gather(entry, found)
            else:
                self.accepted[entry.index] = found

    def _gather(self, entry: Entry, found: CareplaneError) -> None:
        try:
            with Placed(entry):
                raise found
        except (Malformed, Invalid) as error:
            self.issues.extend(error.issues[: _MOST_ISSUES - len(self.issues)])
            if len(self.issues) >= _MOST_ISSUES:
                self.refuse()

    def refuse(self) -> None:
        """Raise what was gathered."""
        if self.issues:
            raise Invalid("Entries of the Bundle are not valid.", issues=tuple(self.issues))

    async def resolve(self, raw: bytes) -> None:
        """Find what each conditional reference means, once a transaction."""
        for reference in references.conditional(raw):
            if reference not in self.resolved:
                self.resolved[reference] = await self._target(reference)

    async def _target(self, reference: str) -> str:
        type, _, criteria = reference.partition("?")
        match = await find_one(self.parts, self.caller, rights.known(type), criteria)
        self.guards.append(match.guard)
        if match.version:
            return f"{type}/{match.version.id}"
        return self._among_new(type, criteria)

    def _among_new(self, type: str, criteria: str) -> str:
        """Nothing is stored that matches: it may be a resource of this very transaction."""
        where = query_of(self.parts, self.caller, type, criteria).where
        ids = {
            self.settled.keys[index][1]
            for index, content in self.accepted.items()
            if content.type == type and matches(where, self._subject(index, content), NoWorld())
        }
        if len(ids) > 1:
            raise Ambiguous(f"A conditional reference to {type} matches several resources.")
        if not ids:
            raise Precondition(f"A conditional reference to {type} matches no resource.")
        return f"{type}/{ids.pop()}"

    def _subject(self, index: int, content: Content) -> Subject:
        return Subject(content.type, self.settled.keys[index][1], self.parts.clock(), content.rows)
