"""Who was in a visit, from when to when: what the Encounter says of its participants."""

from __future__ import annotations

from msgspec import Struct

from careplane.telehealth.visits.messages import Role


class Presence(Struct, frozen=True):
    """One participant; times in microseconds since 1970, `end` 0 while there."""

    who: str
    name: str
    role: Role
    start: int
    end: int = 0
