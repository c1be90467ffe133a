"""One job, as it is kept."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from careplane.storage.ports.records import Tenant


class State(StrEnum):
    """`open`: waiting or under way."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Struct, frozen=True, array_like=True):
    """What is known of one. Moments are in microseconds since 1970.

    To everybody but `owner` there is no such job; the empty owner is the tenant. `place` is where
    the work goes on, in the form of its kind, and `told` says to people how far it is. `term` is
    that of the runner that has it (see `runner`); whoever carries it out lives until `until` at
    least. `starts`: how often it was begun without having come further. `problem` says why it
    failed; from `expires` on it is gone.
    """

    id: str
    tenant: Tenant
    kind: str
    owner: str
    begun: int
    state: State = State.OPEN
    place: bytes = b""
    told: str = ""
    term: int = 0
    until: int = 0
    starts: int = 0
    ended: int = 0
    expires: int = 0
    problem: str = ""

    def is_lost(self, now: int) -> bool:
        """Whether nobody carries it out any more, if only its own process can."""
        return self.state is State.OPEN and self.until <= now


class Waiting(Struct, frozen=True):
    """An entry of the queue: a job that is to be looked at."""

    tenant: Tenant
    id: str
    begun: int
    lane: str


class Overtaken(Exception):
    """Somebody else has this job now, or nobody is to do it any more."""
