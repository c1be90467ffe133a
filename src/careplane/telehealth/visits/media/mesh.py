"""From browser to browser, each to each: no server of ours has part in it but relays, which cannot
read what they pass on. What each sends it sends as often as there are others, so for few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.telehealth.visits.media.port import Way
from careplane.telehealth.visits.media.turn import Ice

MOST = 4


@dataclass(frozen=True, slots=True)
class Mesh:
    """A `port.Media`: of any room."""

    ice: Ice

    @property
    def most(self) -> int:
        """How many can take part."""
        return MOST

    def way(self, seat: str, now: int) -> Way:
        """The relays, with credentials that end."""
        return Way(self.ice.servers(seat, now), self.ice.only)

    async def open(self) -> None:
        """Nothing is to be made ready."""

    async def hold(self, stays: Callable[[str], bool]) -> None:
        """Browsers end their connections to who is gone."""

    async def close(self) -> None:
        """Browsers do."""
