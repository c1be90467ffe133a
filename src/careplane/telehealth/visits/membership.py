"""Who may be in the room of a visit, decided by access each time that somebody comes.

Whoever may read the Appointment may come to its door. Those who give the visit, by its
participants, are its hosts and walk in; the patient, and who acts for the patient, wait to be
admitted, and need a consent to telehealth before; everybody else waits too. A guest by link comes
in the name of who invited, with the right of that one alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.kept import kept
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, Unauthenticated
from careplane.kernel.ids import NewId
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.visits.appointment import Booked
from careplane.telehealth.visits.messages import Join, Role
from careplane.telehealth.visits.record import Record
from careplane.telehealth.visits.tokens import (
    TICKET_SECONDS,
    Invitation,
    Pass,
    Resume,
    Seals,
    Ticket,
)

_Kind = TypeVar("_Kind")
USED = "visit-guest"
"""Where links are noted that have been used."""


class NoConsent(Conflict):
    """The patient has not agreed to be seen by video yet."""


@dataclass(frozen=True, slots=True)
class Membership:
    """`early` and `late` widen the time of an appointment, in microseconds; `large` says of a visit
    whether more are expected than browsers among themselves carry."""

    record: Record
    state: StateStore
    seals: Seals
    clock: Clock
    new_id: NewId
    early: int
    late: int
    large: Callable[[Booked], bool]

    async def visit(self, caller: Caller, id: str) -> tuple[Booked, Role]:
        """A visit that is open now, and what the caller is there. Raises NotFound or Forbidden
        where the caller may not read it, Conflict where it is not its time."""
        visit = await self.record.appointment(caller, id)
        visit.require_open(self.clock(), self.early, self.late)
        return visit, await self.role(caller, visit)

    async def role(self, caller: Caller, visit: Booked) -> Role:
        """What the caller is in a visit."""
        if visit.patient in (caller.id, f"Patient/{caller.patient}"):
            return "patient"
        if caller.id in visit.givers:
            return "host"
        for giver in visit.givers:
            is_role = giver.startswith("PractitionerRole/")
            if is_role and await self.record.practitioner(caller.tenant, giver) == caller.id:
                return "host"
        return "guest"

    def ticket(self, caller: Caller, visit: Booked) -> str:
        """To be shown on the socket soon."""
        until = self.clock() + TICKET_SECONDS * 1_000_000
        return self.seals.seal(Ticket(kept(caller), visit.id, until))

    async def invite(self, caller: Caller, id: str, name: str) -> str:
        """The token of a link for one guest. Raises Forbidden for who is neither host nor patient,
        Incorrect without a name."""
        visit = await self.record.appointment(caller, id)
        if await self.role(caller, visit) == "guest":
            raise Forbidden("Guests are invited by who gives the visit, or by the patient.")
        if self.clock() >= visit.end + self.late:
            raise Conflict("The time of this appointment is over.")
        name = " ".join(name.split())
        if not name or len(name) > 80:
            raise Incorrect("Say in 80 characters whom the link is for, such as 'Interpreter'.")
        since, until = visit.start - self.early, visit.end + self.late
        number = self.new_id()
        return self.seals.seal(Invitation(kept(caller), id, name, number, since, until))

    async def come(self, join: Join, tenant: Tenant) -> Pass:
        """A seat for whoever shows this, at the address of a tenant. Raises Unauthenticated for
        what is not good or no longer, NoConsent, and what `visit` raises."""
        shown = [one for one in (join.ticket, join.guest, join.resume) if one is not None]
        if len(shown) != 1:
            raise Incorrect("Show one of: ticket, guest, resume.")
        if join.ticket is not None:
            return await self._by_ticket(self._opened(join.ticket, Ticket), tenant)
        if join.guest is not None:
            return await self._by_link(self._opened(join.guest, Invitation), join.name, tenant)
        return await self._back(self._opened(shown[0], Resume), tenant, join.fresh)

    async def _by_ticket(self, ticket: Ticket, tenant: Tenant) -> Pass:
        caller = self._known(ticket.caller.caller(), ticket.until, tenant)
        visit, role = await self.visit(caller, ticket.visit)
        if role == "patient" and not await self.record.consented(caller.tenant, visit):
            raise NoConsent("Agree to be seen by video before you come in.")
        who = "" if role == "guest" and "/" not in caller.id else caller.id
        until = visit.end + self.late
        return Pass(
            ticket.caller, visit.id, self.new_id(), caller.name, role, who, until,
            large=self.large(visit),
        )  # fmt: skip

    async def _by_link(self, link: Invitation, name: str, tenant: Tenant) -> Pass:
        caller = self._known(link.caller.caller(), link.until, tenant)
        if self.clock() < link.since:
            raise Conflict("This link is not good yet: come back shortly before the appointment.")
        visit, _ = await self.visit(caller, link.visit)
        noted = str(link.until).encode()
        if await self.state.put(caller.tenant, USED, link.number, noted, expect=0) is None:
            raise Unauthenticated("This link has been used. Ask for another one.")
        called = " ".join(name.split())
        called = f"{called} ({link.name})" if called and called != link.name else link.name
        until = visit.end + self.late
        return Pass(
            link.caller, visit.id, self.new_id(), called, "guest", "", until,
            large=self.large(visit),
        )  # fmt: skip

    async def _back(self, resume: Resume, tenant: Tenant, fresh: bool) -> Pass:
        held = resume.held
        caller = self._known(held.caller.caller(), resume.until, tenant)
        visit, role = await self.visit(caller, held.visit)
        if held.role not in (role, "guest"):
            raise Forbidden("You are no longer of this visit.")
        if held.role == "patient" and not await self.record.consented(caller.tenant, visit):
            raise NoConsent("Your consent to be seen by video was withdrawn.")
        large = held.large or self.large(visit)
        return replace(held, until=visit.end + self.late, fresh=fresh, large=large)

    def _opened(self, text: str, kind: type[_Kind]) -> _Kind:
        try:
            return self.seals.open(text, kind)
        except Incorrect as error:
            raise Unauthenticated("This is not of this server; join anew.") from error

    def _known(self, caller: Caller, until: int, tenant: Tenant) -> Caller:
        if caller.tenant != tenant or until <= self.clock():
            raise Unauthenticated("This is good no longer; join anew.")
        return caller
