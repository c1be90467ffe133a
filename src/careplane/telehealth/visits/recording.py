"""Whether a visit is recorded: asked for by who gives it, and on only while everybody in the room
agrees. Whoever comes in later is asked too, and until then nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Recording:
    """Of one room. `by` is the seat of who records, empty where nobody asked; `on` as it was told
    last."""

    by: str = ""
    agreed: set[str] = field(default_factory=set)
    on: bool = False

    def ask(self, seat: str) -> None:
        """Begin to ask; who asks agrees."""
        self.by, self.agreed, self.on = seat, {seat}, False

    def answer(self, seat: str, agrees: bool) -> None:
        """One's answer, which can be changed at any time; a refusal ends it."""
        if agrees:
            self.agreed.add(seat)
        else:
            self.stop()

    def stop(self) -> None:
        """Nobody records, or asks."""
        self.by, self.agreed, self.on = "", set(), False

    def due(self, inside: Iterable[str]) -> bool:
        """Whether it is to be on, with these in the room."""
        seats = set(inside)
        return bool(self.by) and self.by in seats and seats <= self.agreed
