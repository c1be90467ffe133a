"""What this server seals and later believes: tickets, links of guests, seats to come back to.

A seal hides and binds; none of these is a credential for anything but a visit. Times are in
microseconds since 1970. A ticket and a link say for whom access decides when they are used.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from msgspec import Struct

from careplane.access.kept import KeptCaller
from careplane.telehealth.visits.messages import Role

T = TypeVar("T")
TICKET_SECONDS = 120
RESUME_SECONDS = 300


class Seals(Protocol):
    """Authenticated encryption of small values, such as `rest.links.Pages`."""

    def seal(self, state: object) -> str:
        """A text that says nothing to others."""

    def open(self, text: str, kind: type[T]) -> T:
        """The value back, or Incorrect."""


class Ticket(Struct, frozen=True, array_like=True):
    """Of `$visit-join`."""

    caller: KeptCaller
    visit: str
    until: int


class Invitation(Struct, frozen=True, array_like=True):
    """Of a guest's link. `caller` is who invites: as long as that one may read the appointment the
    link is good, once, between `since` and `until`. `number` names it where its use is noted."""

    caller: KeptCaller
    visit: str
    name: str
    number: str
    since: int
    until: int


class Pass(Struct, frozen=True, array_like=True):
    """A seat in the room of a visit, as access has decided: `who` is the person's resource, empty
    for a guest by link; `until` is when the room closes; `admitted` where a host has let it in,
    `fresh` where who comes back has no connections any more; `large` where the room is to be one
    that takes more than browsers among themselves do."""

    caller: KeptCaller
    visit: str
    seat: str
    name: str
    role: Role
    who: str
    until: int
    admitted: bool = False
    fresh: bool = False
    large: bool = False

    @property
    def tenant(self) -> int:
        """Whose visit it is."""
        return self.caller.tenant


class Resume(Struct, frozen=True, array_like=True):
    """A seat to come back to."""

    held: Pass
    until: int


class Entering(Struct, frozen=True, array_like=True):
    """From the process that has the socket to the one that has the room."""

    held: Pass
    at: int
