"""The last lines of a room's chat: here as long as somebody is, and nowhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from careplane.telehealth.visits import messages as m

_LINES = 200


@dataclass(slots=True)
class Chat:
    """Of one room; lines are numbered from 1."""

    _lines: deque[m.Chatted] = field(default_factory=lambda: deque(maxlen=_LINES))
    _number: int = 0

    def add(self, seat: str, name: str, text: str, at: int) -> m.Chatted:
        """A line more; `at` in milliseconds since 1970."""
        self._number += 1
        line = m.Chatted(self._number, seat, name, text, at)
        self._lines.append(line)
        return line

    def chosen(self, numbers: Iterable[int]) -> tuple[m.Chatted, ...] | None:
        """These lines; None where one of them is here no longer."""
        wanted = set(numbers)
        found = tuple(line for line in self._lines if line.line in wanted)
        return found if len(found) == len(wanted) else None
