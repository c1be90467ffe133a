"""Launches from a chart (SMART App Launch 2.2, EHR launch): the `launch` parameter that an app is
opened with. It is good once, for the app and the person that it was made for, and for minutes."""

from __future__ import annotations

from msgspec import Struct

from careplane.access.smart.client import Client
from careplane.access.smart.launch.drawer import Drawer
from careplane.access.smart.people import SignedIn
from careplane.access.smart.refusal import Refused
from careplane.kernel.clock import Clock
from careplane.storage.ports.state import StateStore

_SPACE = "oauth-launch"
SECONDS = 600
"""Enough to sign in to the app and to read the consent screen."""


class Launch(Struct, frozen=True, array_like=True):
    """`patient` and `encounter` are logical ids; `encounter` is empty where there is none."""

    until: int
    client: str
    tenant: int
    person: str
    patient: str
    encounter: str


class Launches:
    """Those that have not been used yet."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._drawer = Drawer(state, _SPACE, Launch, clock)
        self._clock = clock
        self.sweep = self._drawer.sweep

    async def make(self, client: Client, person: SignedIn, patient: str, encounter: str) -> str:
        """A launch parameter."""
        until = self._clock() // 1_000_000 + SECONDS
        made = Launch(until, client.id, int(person.tenant), person.id, patient, encounter)
        return await self._drawer.add(made)

    async def look(self, held: str, client: Client, person: SignedIn) -> Launch:
        """What a launch parameter stands for, without using it. Raises Refused: the same words
        for one that was never made, has been used, has ended, or is of another app or person."""
        found = await self._drawer.find(held)
        mine = (client.id, int(person.tenant), person.id)
        if found is None or (found[0].client, found[0].tenant, found[0].person) != mine:
            raise _unknown()
        return found[0]

    async def use(self, held: str) -> None:
        """Use it up. Raises Refused where somebody has."""
        if not await self._drawer.drop(held):
            raise _unknown()


def _unknown() -> Refused:
    return Refused(
        "invalid_request",
        "The launch is unknown, used, over, or was made for somebody else; open the app from the "
        "chart again.",
    )
