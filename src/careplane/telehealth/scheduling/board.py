"""What is to come: holds that will end, wishes that wait, visits to be reminded of.

Made of the Appointments as they are when a process begins to lead, and kept by following what is
committed. Small values only, so that a year of visits fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling import booking
from careplane.telehealth.scheduling.notices.letters import Kind
from careplane.telehealth.scheduling.occupancy import held_until, moment_of

_OVER = frozenset({"cancelled", "entered-in-error"})
_KEPT = frozenset({"pending", "booked", "waitlist"})


class Line(msgspec.Struct, frozen=True):
    """One Appointment: times in microseconds since 1970, 0 where it has none; `changed` is when
    its version was made; `offer` whether it answers a wish; `slots` are ids of those it takes."""

    id: str
    status: str
    start: int
    until: int
    changed: int
    version: int
    offer: bool
    slots: tuple[str, ...] = ()


class Board:
    """Lines by id."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def left(self, id: str, tree: Tree | None) -> tuple[str, ...]:
        """The Slots that an Appointment takes no more with this version; asked before it is met."""
        before = self._lines.get(id)
        if before is None:
            return ()
        over = tree is None or tree.get("status") in _OVER
        kept = frozenset() if over or tree is None else frozenset(booking.slots_of(tree))
        return tuple(one for one in before.slots if one not in kept)

    def meet(self, id: str, tree: Tree | None, version: int, changed: int) -> Kind | None:
        """A version, None for a deletion: what a patient should be told of it."""
        before = self._lines.pop(id, None)
        if tree is None:
            return None
        line = line_of(id, tree, version, changed)
        if line.status in _KEPT:
            self._lines[id] = line
        return _told(before, line)

    def held(self, now: int) -> list[Line]:
        """Holds that have ended."""
        return [one for one in self._lines.values() if 0 < one.until <= now]

    def waiting(self) -> list[str]:
        """Wishes, the oldest first."""
        found = [one for one in self._lines.values() if one.status == "waitlist"]
        return [one.id for one in sorted(found, key=lambda one: (one.changed, one.id))]

    def due(self, now: int, leads: tuple[int, ...], late: int) -> Iterator[tuple[Line, int]]:
        """Booked visits, each with a lead (microseconds before it) that has come, but no longer
        than `late` ago; not of one that was booked or moved after that."""
        for line in self._lines.values():
            if line.status != "booked" or line.start <= now:
                continue
            for lead in leads:
                due = line.start - lead
                if due <= now < due + late and line.changed <= due:
                    yield line, lead

    def forget(self, now: int) -> None:
        """Visits of the past."""
        gone = [o.id for o in self._lines.values() if o.status == "booked" and o.start <= now]
        for id in gone:
            del self._lines[id]


def line_of(id: str, tree: Tree, version: int, changed: int) -> Line:
    """What is kept of an Appointment."""
    start = moment_of(tree["start"]) if "start" in tree else 0
    until, offer = held_until(tree) or 0, bool(booking.wish_of(tree))
    slots = tuple(booking.slots_of(tree))
    return Line(id, str(tree.get("status")), start, until, changed, version, offer, slots)


def _told(before: Line | None, line: Line) -> Kind | None:
    if line.status == "booked":
        if before is None or before.status != "booked":
            return "booked"
        return "moved" if before.start != line.start else None
    if line.status == "cancelled":
        return "cancelled" if before and before.status == "booked" else None
    if line.status == "pending" and line.offer and before is None:
        return "offer"
    return None
