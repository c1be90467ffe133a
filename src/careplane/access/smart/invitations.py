"""Initial access tokens (RFC 7591, 1.2): an operator gives one to a developer, whose apps may then
register themselves, within these scopes, so many times, until that day."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from careplane.access.smart.launch.drawer import Drawer
from careplane.kernel.clock import Clock
from careplane.kernel.ids import secret_id
from careplane.storage.ports.state import StateStore

_SPACE = "oauth-invitation"


class Invitation(Struct, frozen=True, array_like=True):
    """`scopes` are the most that a client can register for; `uses`, how many still may."""

    until: int
    id: str
    tenant: int
    scopes: tuple[str, ...]
    uses: int


class Invitations:
    """Those that are out."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._drawer = Drawer(state, _SPACE, Invitation, clock)
        self._clock = clock
        self.sweep = self._drawer.sweep

    async def make(
        self, tenant: int, scopes: tuple[str, ...], uses: int, seconds: int
    ) -> tuple[Invitation, str]:
        """An invitation and its token, which is kept nowhere."""
        until = self._clock() // 1_000_000 + seconds
        made = Invitation(until, secret_id(), tenant, scopes, uses)
        return made, await self._drawer.add(made)

    async def find(self, held: str) -> Invitation | None:
        """One that is still good, without using it."""
        found = await self._drawer.find(held)
        return found[0] if found and found[0].uses > 0 else None

    async def use(self, held: str) -> bool:
        """Use it once; whether that was still possible."""
        while found := await self._drawer.find(held):
            invitation, revision = found
            if invitation.uses <= 0:
                return False
            fewer = replace(invitation, uses=invitation.uses - 1)
            if await self._drawer.change(held, fewer, revision):
                return True
        return False
