"""What became of a finding: seen, explained, or passed on; kept beside the records."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Incorrect
from careplane.records.audits.rendering import cleaned
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_SPACE = "audit-review"
_LONGEST = 500
_MANY = 10_000


class Verdict(StrEnum):
    """SEEN: somebody is at it. EXPLAINED: there was a good reason. ESCALATED: passed on."""

    SEEN = "seen"
    EXPLAINED = "explained"
    ESCALATED = "escalated"


class Review(msgspec.Struct, frozen=True, array_like=True):
    """Who said what of a finding, and when (microseconds since 1970)."""

    verdict: Verdict
    by: str
    at: int
    note: str = ""


class Reviews:
    """Those of one tenant."""

    def __init__(self, state: StateStore, tenant: Tenant, clock: Clock) -> None:
        self._state = state
        self._tenant = tenant
        self._clock = clock

    async def all(self) -> dict[str, Review]:
        """By the key of the finding."""
        found: dict[str, Review] = {}
        after = ""
        while True:
            page = await self._state.scan(self._tenant, _SPACE, after, _MANY)
            for _, entry in page:
                found[entry.key] = msgspec.msgpack.decode(entry.value, type=Review)
                after = entry.key
            if len(page) < _MANY:
                return found

    async def give(self, key: str, verdict: str, by: str, note: str = "") -> Review:
        """Say what becomes of a finding. An explanation needs a note. Raises Incorrect, and
        Conflict where somebody else said something at the same moment."""
        if len(key) != 18 or not key.isalnum():
            raise Incorrect("There is no such finding.")
        if verdict not in set(Verdict):
            raise Incorrect(f"A finding is {', '.join(Verdict)}.")
        written = cleaned(note.strip())[:_LONGEST]
        if verdict == Verdict.EXPLAINED and not written:
            raise Incorrect("Write down what explains it.")
        review = Review(Verdict(verdict), by, self._clock(), written)
        now = await self._state.get(self._tenant, _SPACE, key)
        value = msgspec.msgpack.encode(review)
        expect = now.revision if now else 0
        if await self._state.put(self._tenant, _SPACE, key, value, expect) is None:
            raise Conflict("Somebody else has just reviewed this; look at it again.")
        return review
