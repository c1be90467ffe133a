"""How long somebody waits: the visits that the same people give before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LEAST = 60_000_000
"""Microseconds that a visit under way still takes, however long it has been."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A visit in a queue, by its appointment; times in microseconds since 1970. `begun` is when it
    began, 0 while the patient waits."""

    id: str
    start: int
    end: int
    begun: int = 0


def wait(mine: Turn, others: Sequence[Turn], now: int) -> tuple[int, int]:
    """How many are before one, and how many seconds until one's own visit can begin, if each takes
    as long as was planned. Before one are those under way, and those that wait and were planned
    earlier."""
    before = [
        one for one in others
        if one.id != mine.id and (one.begun or (one.start, one.id) < (mine.start, mine.id))
    ]  # fmt: skip
    free = now
    for one in sorted(before, key=lambda turn: (not turn.begun, turn.start)):
        planned = one.end - one.start
        if one.begun:
            free = max(free, one.begun + planned, now + _LEAST)
        else:
            free = max(free, one.start) + planned
    free = max(free, mine.start)
    return len(before), max(0, free - now) // 1_000_000
