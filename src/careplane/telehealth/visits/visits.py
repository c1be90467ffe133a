"""The visits of an installation: what pages, operations and sockets ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from careplane.access.caller import Caller
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Forbidden
from careplane.kernel.ids import NewId
from careplane.records.door import Door
from careplane.storage.ports.state import StateStore
from careplane.telehealth.visits import homes, membership
from careplane.telehealth.visits.appointment import Booked
from careplane.telehealth.visits.charges import Proposal
from careplane.telehealth.visits.identity import is_checked
from careplane.telehealth.visits.media import mesh
from careplane.telehealth.visits.media.livekit.hall import LiveKit
from careplane.telehealth.visits.media.mesh import Mesh
from careplane.telehealth.visits.media.turn import Ice
from careplane.telehealth.visits.membership import Membership
from careplane.telehealth.visits.messages import Role
from careplane.telehealth.visits.record import Record
from careplane.telehealth.visits.rooms import Rooms
from careplane.telehealth.visits.sockets import Sockets
from careplane.telehealth.visits.tokens import Seals

_SWEPT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What an institution has chosen: how long before and after an appointment its room is open
    (minutes), the number to call where video fails, the relays, whether visits may be recorded
    where all who are in one agree, the media server of larger groups, the kinds of appointments
    (codes of serviceType or appointmentType) that go there however many are expected, and whether
    photographs keep where they were taken."""

    early: int = 30
    late: int = 60
    phone: str = ""
    ice: Ice = field(default_factory=Ice)
    records: bool = False
    livekit: LiveKit | None = None
    kinds: frozenset[str] = frozenset()
    keeps_places: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A visit as one finds it: what one is there, whether the consent to telehealth is there, and
    whether the patient's identity was checked."""

    visit: Booked
    role: Role
    consented: bool
    identified: bool = False


class Visits:
    """Over one door and one state."""

    def __init__(
        self,
        door: Door,
        state: StateStore,
        seals: Seals,
        clock: Clock,
        new_id: NewId,
        choice: Choice,
    ) -> None:
        self.phone = choice.phone
        self.records = choice.records
        self.early, self.late = choice.early, choice.late
        self._state = state
        self._clock = clock
        self._record = Record(door, clock, choice.keeps_places)
        minute = 60_000_000
        self._choice = choice
        self._membership = Membership(
            self._record, state, seals, clock, new_id, choice.early * minute, choice.late * minute,
            self.is_large,
        )  # fmt: skip
        livekit = choice.livekit
        self.rooms = Rooms(
            self._record, state, seals, Mesh(choice.ice), clock, choice.phone,
            records=choice.records, larger=livekit.hall if livekit else None,
        )  # fmt: skip
        self.sockets = Sockets(self._membership, self.rooms, clock)

    @property
    def most(self) -> int:
        """How many can take part in a visit."""
        return self._choice.livekit.most if self._choice.livekit else mesh.MOST

    @property
    def media(self) -> str:
        """Where browsers reach the media server of larger groups; empty where there is none."""
        return self._choice.livekit.url if self._choice.livekit else ""

    def is_large(self, visit: Booked) -> bool:
        """Whether a visit is for the media server from its beginning, where there is one."""
        return visit.people > mesh.MOST or not visit.kinds.isdisjoint(self._choice.kinds)

    async def standing(self, caller: Caller, id: str) -> Standing:
        """Raises NotFound, Forbidden, Conflict where it is not the time of the visit."""
        visit, role = await self._membership.visit(caller, id)
        held = await self._record.consented(caller.tenant, visit)
        return Standing(visit, role, held is not None, held is not None and is_checked(held))

    async def role(self, caller: Caller, id: str) -> Role:
        """What the caller is in a visit, whenever it is. Raises NotFound, Forbidden."""
        visit = await self._record.appointment(caller, id)
        return await self._membership.role(caller, visit)

    async def consent(self, caller: Caller, id: str) -> Standing:
        """Record that the patient agrees to be seen by video. Raises Forbidden for others."""
        visit, role = await self._membership.visit(caller, id)
        if role != "patient":
            raise Forbidden("The patient agrees to this, or who acts for the patient.")
        await self._record.consent(caller, visit)
        return Standing(visit, role, True)

    async def identify(self, caller: Caller, id: str, how: str) -> None:
        """Write down that the patient's identity was checked, by one of `identity.WAYS`. Raises
        Incorrect, Conflict before the patient has agreed; Forbidden for others than the host."""
        visit, role = await self._membership.visit(caller, id)
        if role != "host":
            raise Forbidden("Who gives the visit checks who the patient is.")
        await self._record.identified(caller, visit, how)

    async def proposals(self, caller: Caller, id: str) -> list[Proposal]:
        """What the visit may be charged as; for who gives it, from its beginning on. Raises
        Conflict before that."""
        return (await self._record.proposals(caller, await self._given(caller, id)))[1]

    async def charge(self, caller: Caller, id: str, rule: str) -> str:
        """Charge one of these; the ChargeItem. Raises Incorrect, Forbidden, Conflict."""
        return await self._record.charge(caller, await self._given(caller, id), rule)

    async def _given(self, caller: Caller, id: str) -> Booked:
        visit = await self._record.appointment(caller, id)
        if await self._membership.role(caller, visit) != "host":
            raise Forbidden("This is for who gives the visit.")
        return visit

    def ticket(self, caller: Caller, standing: Standing) -> str:
        """To join by; good for two minutes."""
        return self._membership.ticket(caller, standing.visit)

    async def invite(self, caller: Caller, id: str, name: str) -> str:
        """The token of a link for one guest, good once in the time of the visit."""
        return await self._membership.invite(caller, id, name)

    async def summarize(self, caller: Caller, id: str, text: str) -> str:
        """Put the after-visit summary into the record; its reference. For who gives the visit, also
        after it is over."""
        visit = await self._given(caller, id)
        return await self._record.summarize(caller, visit, text)

    async def share(self, caller: Caller, id: str, title: str, kind: str, data: bytes) -> str:
        """Put a file into the record; its reference. For who gives the visit and the patient."""
        visit, role = await self._membership.visit(caller, id)
        if role == "guest":
            raise Forbidden("Files are shared by who gives the visit, or by the patient.")
        return await self._record.share(caller, visit, title, kind, data)

    async def keep_recording(self, caller: Caller, id: str, number: int, data: bytes) -> str:
        """Put a piece of the recording (WebM, number from 1) into the record; the Media. For who
        gives the visit. Raises Forbidden where not everybody has agreed to be recorded, Incorrect,
        TooLarge."""
        visit = await self._given(caller, id)
        if not self.records:
            raise Forbidden("Visits are not recorded here.")
        return await self._record.recorded(caller, visit, number, data)

    async def sweep(self) -> None:
        """A service of the process that leads: forget notes of rooms and links that are over."""
        while True:
            await self._forget(membership.USED, int)
            await self._forget(homes.SPACE, homes.forgotten)
            await asyncio.sleep(_SWEPT_SECONDS)

    async def close(self) -> None:
        """Let go of all rooms."""
        await self.rooms.close()
        if self._choice.livekit is not None:
            await self._choice.livekit.calls.close()

    async def _forget(self, space: str, until: Callable[[bytes], int]) -> None:
        now = self._clock()
        for tenant, entry in await self._state.scan(None, space):
            if until(entry.value) < now:
                await self._state.drop(tenant, space, entry.key, entry.revision)
