"""Seats of a room, and the lines to those who have them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.tokens import Pass

OVER, REPLACED, PUT_OUT, RESTART = 1000, 4001, 4003, 1012
"""Codes that lines are closed with."""
_UNSAID = 256
"""Messages that are kept for who is away; with more the seat is lost."""


class Line(Protocol):
    """The way to one participant."""

    def send(self, message: bytes) -> None:
        """Queue a message; where too many are queued the line closes by itself."""

    def close(self, code: int) -> None:
        """After what is queued."""


@dataclass(slots=True, eq=False)
class Seat:
    """One participant. `line` is None while away, since `away`."""

    held: Pass
    line: Line | None = None
    away: int = 0
    unsaid: deque[bytes] = field(default_factory=deque)
    state: m.State = field(default_factory=m.State)

    @property
    def id(self) -> str:
        return self.held.seat

    @property
    def is_host(self) -> bool:
        return self.held.role == "host"

    @property
    def is_lost(self) -> bool:
        """Whether more was said to who is away than is kept."""
        return len(self.unsaid) > _UNSAID

    def tell(self, message: object) -> None:
        """Now, or when the participant is back."""
        raw = m.told(message)
        if self.line is not None:
            self.line.send(raw)
        else:
            self.unsaid.append(raw)

    def back(self, line: Line) -> None:
        """The participant has another line; what was said meanwhile goes there first."""
        old, self.line, self.away = self.line, line, 0
        if old is not None:
            old.close(REPLACED)

    def catch_up(self) -> None:
        """Say what was said while the participant was away."""
        unsaid, self.unsaid = self.unsaid, deque()
        for raw in unsaid:
            assert self.line is not None
            self.line.send(raw)

    def end(self, message: object, code: int) -> None:
        """A last word, for who is there."""
        if self.line is not None:
            self.line.send(m.told(message))
            self.line.close(code)

    def waiter(self) -> m.Waiter:
        """As who waits is shown to hosts."""
        return m.Waiter(self.id, self.held.name, self.held.role)

    def peer(self, seen_by: Seat) -> m.Peer:
        """As one participant is shown to another."""
        held = self.held
        polite = seen_by.id > self.id
        return m.Peer(self.id, held.name, held.role, polite, self.line is None, self.state)
