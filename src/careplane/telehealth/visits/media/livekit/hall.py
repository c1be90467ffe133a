"""The LiveKit server of an installation, and a visit's room on it.

The room's name is the same for each process that has the visit, so that sound and picture go on
where another process takes over; nobody without our key can tell whose visit it is.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from careplane.storage.ports.records import Tenant
from careplane.telehealth.visits.media.livekit.calls import Calls
from careplane.telehealth.visits.media.livekit.grants import Grants
from careplane.telehealth.visits.media.port import Way
from careplane.telehealth.visits.media.turn import Ice
from careplane.telehealth.visits.messages import Sfu


@dataclass(frozen=True, slots=True)
class LiveKit:
    """`url` is where browsers reach it (ws or wss), `naming` a key of ours; `ice` are relays that
    browsers may use on the way there."""

    url: str
    grants: Grants
    calls: Calls
    naming: bytes = field(repr=False)
    most: int
    ice: Ice

    def hall(self, tenant: Tenant, visit: str) -> Hall:
        """The room of a visit."""
        name = hmac.digest(self.naming, f"{tenant}/{visit}".encode(), "sha256")
        return Hall(self, name.hex()[:32])


@dataclass(frozen=True, slots=True)
class Hall:
    """A `port.Media`: one room."""

    server: LiveKit
    name: str

    @property
    def most(self) -> int:
        """How many can take part."""
        return self.server.most

    def way(self, seat: str, now: int) -> Way:
        """A token for this seat in this room."""
        server = self.server
        token = server.grants.join(self.name, seat, now)
        return Way(server.ice.servers(seat, now), False, Sfu(server.url, self.name, token))

    async def open(self) -> None:
        """Make the room."""
        await self.server.calls.create(self.name, self.most)

    async def hold(self, stays: Callable[[str], bool]) -> None:
        """The room may be gone with a LiveKit that was started anew. LiveKit gives who was put out
        new tokens until then, so looking again is what keeps them out."""
        calls = self.server.calls
        await calls.create(self.name, self.most)
        for identity in await calls.there(self.name):
            if not stays(identity):
                await calls.remove(self.name, identity)

    async def close(self) -> None:
        """End the room."""
        await self.server.calls.delete(self.name)
