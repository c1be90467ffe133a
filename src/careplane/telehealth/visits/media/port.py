"""What a room asks of the way that its sound and picture go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from careplane.kernel.errors import Busy
from careplane.telehealth.visits.messages import Server, Sfu


class Unreachable(Busy):
    """The server that would carry sound and picture does not answer, or refuses us."""


@dataclass(frozen=True, slots=True)
class Way:
    """What one who is let in is told: the relays (`relay`: nothing but these), and the server that
    carries the media, where there is one."""

    ice: tuple[Server, ...]
    relay: bool
    sfu: Sfu | None = None


class Media(Protocol):
    """Of one room. A seat's id is all that it is told of anybody."""

    @property
    def most(self) -> int:
        """How many can take part."""

    def way(self, seat: str, now: int) -> Way:
        """For somebody who was let in, and nobody else; `now` in microseconds since 1970."""

    async def open(self) -> None:
        """Before the first `way`. Raises Unreachable."""

    async def hold(self, stays: Callable[[str], bool]) -> None:
        """From time to time, and after each going: the room is there, and in it nobody but those
        seats that stay. Raises Unreachable."""

    async def close(self) -> None:
        """It is over, for everybody. Raises Unreachable."""
