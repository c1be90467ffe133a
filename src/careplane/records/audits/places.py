"""How far a search over AuditEvents has come, and as the text of a cursor."""

from __future__ import annotations

from typing import NamedTuple

from careplane.kernel.errors import Incorrect

_CURSOR = "trail:"


class Place(NamedTuple):
    """How far a search has come: the last event of the trail that was looked at, the cursor of the
    stored ones and how many of that page were shown."""

    recorded: int = 0
    seq: int = 0
    part: int = -1
    skip: int = 0
    stored: str = ""

    def text(self) -> str:
        """The cursor."""
        numbers = ".".join(map(str, self[:4]))
        return f"{_CURSOR}{numbers}.{self.stored}"


def place_at(cursor: str | None) -> Place:
    """Where a cursor leads; the beginning without one. Raises Incorrect."""
    if not cursor:
        return Place()
    try:
        recorded, seq, part, skip, stored = cursor.removeprefix(_CURSOR).split(".", 4)
        return Place(int(recorded), int(seq), int(part), int(skip), stored)
    except ValueError:
        raise Incorrect("This page link is not one of ours: search again") from None
