"""What must be known before something is decided about a visit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from careplane.fhir.tree import Tree
from careplane.records import commands as c
from careplane.telehealth.scheduling import booking
from careplane.telehealth.scheduling.occupancy import moment_of
from careplane.telehealth.scheduling.place import around, schedules
from careplane.telehealth.scheduling.visit import Wanted


def of_wanted(
    operation: str,
    wanted: Wanted,
    decide: Callable[[c.Seen], c.Decided],
    spans: Sequence[tuple[int, int]] | None = None,
) -> c.Act:
    times = spans or [(wanted.start, wanted.end)]
    asks = (
        lambda seen: schedules([wanted.schedule]),
        *around(lambda seen: [wanted.schedule], lambda seen: times),
    )
    return c.Act(operation, asks, decide, about=f"Schedule/{wanted.schedule}")


def stored(
    ids: Sequence[str],
    extra: tuple[str, ...] = (),
    spans: Callable[[c.Seen], list[tuple[int, int]]] | None = None,
) -> tuple[Callable[[c.Seen], c.Asking], ...]:
    """What must be known of stored Appointments: themselves, their Slots and the wishes they are
    offers for, their Schedules, and what is around."""

    def trees(seen: c.Seen) -> list[Tree]:
        return [seen.records[key] for id in ids if (key := ("Appointment", id)) in seen.records]

    def slots(seen: c.Seen) -> c.Asking:
        found = [("Slot", id) for tree in trees(seen) for id in booking.slots_of(tree)]
        wishes = [("Appointment", wish) for tree in trees(seen) if (wish := booking.wish_of(tree))]
        return c.Asking(reads=(*found, *wishes))

    def their(seen: c.Seen) -> list[str]:
        found = []
        for tree in trees(seen):
            if any(("Slot", id) in seen.records for id in booking.slots_of(tree)):
                found.append(booking.schedule_of(seen, tree))
        return [*found, *extra]

    return (
        lambda seen: c.Asking(changes=tuple(("Appointment", id) for id in ids)),
        slots,
        lambda seen: schedules(their(seen)),
        *around(their, spans or (lambda seen: spans_of(seen, ids))),
    )


def spans_of(seen: c.Seen, ids: Sequence[str]) -> list[tuple[int, int]]:
    found = [seen.records[key] for id in ids if (key := ("Appointment", id)) in seen.records]
    return [(moment_of(t["start"]), moment_of(t["end"])) for t in found if "start" in t]


def offers_of(wish: str) -> c.Look:
    """What is offered for a wish of the waiting list; ended ones among them."""
    criteria = f"supporting-info=Appointment/{wish}&status=pending"
    return c.Look("offers", "Appointment", criteria)


def held_by(patients: Sequence[str]) -> c.Asking:
    """What patients hold already."""
    criteria = f"actor={','.join(patients)}&status=pending"
    return c.Asking(looks=(c.Look(booking.HELD, "Appointment", criteria),))
