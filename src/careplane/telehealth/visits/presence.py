"""Who was in a visit, from when to when: what the Encounter says of its participants."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from careplane.telehealth.visits.messages import Role
from careplane.telehealth.visits.tokens import Pass


class Presence(Struct, frozen=True):
    """One participant; times in microseconds since 1970, `end` 0 while there."""

    who: str
    name: str
    role: Role
    start: int
    end: int = 0


@dataclass(slots=True)
class Presences:
    """Of one room: those that last, by seat, and those that are over."""

    _now: dict[str, Presence] = field(default_factory=dict)
    _over: list[Presence] = field(default_factory=list)

    def begin(self, held: Pass, at: int) -> None:
        """Somebody was let in."""
        self._now[held.seat] = Presence(held.who, held.name, held.role, at)

    def end(self, seat: str, at: int) -> None:
        """Somebody has left."""
        presence = self._now.pop(seat, None)
        if presence is not None:
            self._over.append(replace(presence, end=at))

    def all(self) -> tuple[Presence, ...]:
        """So far."""
        return (*self._over, *self._now.values())
