"""What a token could have read, and what it did read: for the day on which one was stolen.

What it could read is the decision itself: the patients within the restriction of its caller. What
it did read is the trail of its id."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from careplane.access.caller import Caller
from careplane.access.smart.tokens import Token
from careplane.ledger.audit import shortened
from careplane.ledger.trail import Entry, Kind, Question, Trail, term
from careplane.records.commands import Reach
from careplane.records.door import Door


@dataclass
class Exposure:
    """`reach`: ids of the patients that could be read, None where the token itself is not known
    any more; `types`: how many resources of each type could be searched. `patients` are those whose
    records were concerned by its requests, with how many of these."""

    token: str
    agent: str = ""
    reach: list[str] | None = None
    types: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    refused: int = 0
    first: int | None = None
    last: int | None = None
    addresses: Counter[str] = field(default_factory=Counter)
    patients: Counter[str] = field(default_factory=Counter)
    resources: set[tuple[str, str]] = field(default_factory=set)

    def used(self, entry: Entry) -> None:
        """One of its requests."""
        record = entry.record
        self.agent = self.agent or record.agent
        self.requests += 1
        self.refused += record.outcome != "0"
        self.first = record.recorded if self.first is None else min(self.first, record.recorded)
        self.last = record.recorded if self.last is None else max(self.last, record.recorded)
        self.addresses[record.address] += 1
        self.patients.update(record.patients)
        self.resources.update((type, id) for type, id, _ in record.versions)


async def exposure(
    trail: Trail, door: Door, operator: Caller, id: str, token: Token | None
) -> Exposure:
    """Of a token by its id, and itself where it is at hand."""
    found = Exposure(shortened(id), token.caller.id if token else "")
    asked = Question((frozenset({term(Kind.TOKEN, shortened(id))}),), newest_first=False)
    async for entry in trail.walk(operator.tenant, asked):
        found.used(entry)
    if token is not None:
        reached = await door.reach(operator, Reach(token.caller))
        found.reach, found.types = list(reached.patients), dict(reached.types)
    return found
