"""Whether a visit is recorded: asked for by who gives it, and on only while everybody in the room
agrees. Whoever comes in later is asked too, and until then nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.seats import Seat


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

    def look(self, inside: list[Seat], begun: Callable[[Seat], None], *, tell: bool) -> None:
        """After somebody came, went or answered: tell those in the room how it stands, if that
        changed or `tell`. `begun` is told who records from now on."""
        if self.by and self.by not in {one.id for one in inside}:
            self.stop()
            tell = True
        due = self.due(one.id for one in inside)
        begins, tell = due and not self.on, tell or due != self.on or bool(self.by)
        self.on = due
        if begins:
            begun(next(one for one in inside if one.id == self.by))
        if tell:
            for one in inside:
                self.show(one)

    def show(self, seat: Seat) -> None:
        """Tell one how it stands."""
        asked = bool(self.by) and seat.id not in self.agreed
        seat.tell(m.Recording(self.by, self.on, asked))
