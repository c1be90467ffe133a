"""What hold, book, move, cancel and no-show come to, decided on values. Pure.

Each function takes what was seen and gives what is written; `records.act` sees to it that nothing
it rests on has changed when that is durable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careplane.fhir.tree import Tree
from careplane.records.commands import Decided, Seen, Write
from careplane.telehealth.scheduling import names, visit
from careplane.telehealth.scheduling.availability.openings import Opening, offered
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.occupancy import (
    Taken,
    held_until,
    moment_of,
    visit_of,
)
from careplane.telehealth.scheduling.place import Place, others, place_in
from careplane.telehealth.scheduling.refusals import TooLate, Unavailable, Unfit, all_of
from careplane.telehealth.scheduling.visit import Wanted

HELD = "held"
"""The name of the search for what a patient holds."""
_DAY = 1440 * MINUTE
_MOST_HOLDS = 3
More = Sequence[tuple[str, object]]
"""Elements that an Appointment has besides."""
_GIVES = frozenset({"Practitioner", "PractitionerRole", "Location"})


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a patient keeps to the terms of a schedule; `overbooks` who may, and wants to;
    `why` is the reason for that."""

    now: int
    is_patient: bool
    overbooks: bool = False
    why: str = ""


def hold(seen: Seen, asker: Asker, wanted: Wanted, id: str, *extensions: Tree) -> Decided:
    """A pending Appointment, until the hold of the schedule ends."""
    mine = [t for t in seen.found.get(HELD, ()) if (held_until(t) or 0) > asker.now]
    if asker.is_patient and len(mine) >= _MOST_HOLDS:
        raise Unfit(f"{len(mine)} times are held for you already; book or cancel one of them.")
    place = place_in(seen, wanted.schedule)
    opening, over = _had(place, wanted, asker, others(seen, place, asker.now))
    minutes = place.availability.terms.offer if extensions else place.availability.terms.hold
    tree = visit.appointment(place, opening, wanted, id, "pending")
    held = visit.held(tree, asker.now + minutes * MINUTE, *extensions)
    return _written(place, held, "busy-tentative", over)


def book(seen: Seen, asker: Asker, wanted: Sequence[Wanted], ids: Sequence[str]) -> Decided:
    """Booked Appointments, all or none; several are a series, of the name of the first."""
    place = place_in(seen, wanted[0].schedule)
    there = others(seen, place, asker.now)
    writes: list[Write] = []
    refused: list[Unavailable] = []
    series = {"identifier": [{"system": names.SERIES, "value": ids[0]}]} if len(ids) > 1 else {}
    overbooked = False
    for one, id in zip(wanted, ids, strict=True):
        try:
            opening, over = _had(place, one, asker, there)
        except Unavailable as error:
            refused.append(error)
            continue
        tree = {**visit.appointment(place, opening, one, id, "booked"), **series}
        decided = _written(
            place, visit.booked(tree, *_marked(over, asker)), "busy", over, opening, there
        )
        writes += decided.writes
        overbooked = overbooked or over
    if refused:
        raise refused[0] if len(wanted) == 1 else all_of(refused)
    return Decided(tuple(writes), about=_about(place, wanted[0].start, overbooked))


def confirm(seen: Seen, asker: Asker, id: str, patients: Sequence[str], more: More) -> Decided:
    """A held Appointment, booked; where it was an offer, the wish it answers is done with."""
    tree = found(seen, id)
    until = held_until(tree)
    if tree["status"] != "pending":
        raise Unfit(f"This visit is {tree['status']}; only one that is held can be booked.")
    if until is not None and until <= asker.now:
        raise Unavailable("The hold has ended; find a time anew.", "Appointment.status")
    place = place_in(seen, schedule_of(seen, tree))
    opening = _opening_of(place, tree)
    there = others(seen, place, asker.now, id)
    if not place.has_room(opening, there) and not asker.overbooks:
        raise Unavailable("Somebody else has this time by now; find another one.")
    wish = tree_of_offer(seen, tree)
    booked = visit.booked(visit.with_patients({**tree, **dict(more)}, patients))
    if not visit.patients_in(booked):
        raise Unfit("A visit is booked for a patient; name one with patient-resource.")
    decided = _written(place, booked, "busy", False, opening, there)
    answered = [_done(wish)] if wish else []
    return Decided((*decided.writes, *answered), about=decided.about)


def move(seen: Seen, asker: Asker, id: str, wanted: Wanted) -> Decided:
    """A booked Appointment at another time: the old one is free in the same step."""
    tree = found(seen, id)
    if tree["status"] != "booked":
        raise Unfit(f"This visit is {tree['status']}; only a booked one can be moved.")
    old = place_in(seen, schedule_of(seen, tree)) if tree.get("slot") else None
    place = place_in(seen, wanted.schedule)
    terms = (old or place).availability.terms
    _in_time(asker, moment_of(tree["start"]), terms.move_before, "moved")
    there = others(seen, place, asker.now, id)
    opening, over = _had(place, wanted, asker, there)
    new = {**tree, **dict(wanted.more), **visit.times(place, opening)}
    new["participant"] = _with(place, old, tree["participant"])
    new["serviceType"] = [opening.visit.concept]
    new = visit.in_medium(new, wanted.medium) if wanted.medium else new
    decided = _written(place, visit.moved(new, *_marked(over, asker)), "busy", over, opening, there)
    left = freed(seen, old, tree, asker.now) if old else []
    left = [one for one in left if one.id != decided.writes[1].id]
    return Decided((*decided.writes, *left), about=decided.about)


def cancel(seen: Seen, asker: Asker, ids: Sequence[str], reason: tuple[str, str, str]) -> Decided:
    """Cancelled Appointments, their Slots free again. `reason` is system, code and text."""
    writes: dict[tuple[str, str], Write] = {}
    for id in ids:
        tree = found(seen, id)
        if tree["status"] not in ("proposed", "pending", "booked", "waitlist"):
            raise Unfit(f"This visit is {tree['status']} and cannot be cancelled any more.")
        place = place_in(seen, schedule_of(seen, tree)) if tree.get("slot") else None
        if place and tree["status"] == "booked":
            before = place.availability.terms.cancel_before
            _in_time(asker, moment_of(tree["start"]), before, "cancelled")
        done = visit.cancelled(tree, *reason)
        writes["Appointment", id] = Write("Appointment", id, done)
        for one in freed(seen, place, tree, asker.now, *ids) if place else ():
            writes[one.type, one.id] = one
    return Decided(tuple(writes.values()), about=f"Appointment/{ids[0]}")


def no_show(seen: Seen, asker: Asker, id: str) -> Decided:
    """The patient did not come; said by staff, once the visit should have begun."""
    tree = found(seen, id)
    if tree["status"] not in ("booked", "arrived"):
        raise Unfit(f"This visit is {tree['status']}; only a booked one can be missed.")
    if moment_of(tree["start"]) > asker.now:
        raise TooLate("The visit has not begun yet; cancel it instead.")
    missed = {**visit.booked(tree), "status": "noshow"}
    return Decided((Write("Appointment", id, missed),), about=f"Appointment/{id}")


def found(seen: Seen, id: str) -> Tree:
    """The Appointment, or what to do where there is none."""
    tree = seen.records.get(("Appointment", id))
    if tree is None:
        text = "There is no such Appointment, held or booked, that this caller may change."
        raise Unavailable(text, "Appointment.id")
    return tree


def schedule_of(seen: Seen, tree: Tree) -> str:
    """The id of the Schedule that an Appointment's Slot is on."""
    for reference in slots_of(tree):
        slot = seen.records.get(("Slot", reference))
        if slot:
            return str(slot["schedule"]["reference"]).rpartition("/")[2]
    raise Unavailable("The Slot of this visit is gone; find a time anew.", "Appointment.slot")


def slots_of(tree: Tree) -> list[str]:
    """Ids of the Slots that an Appointment takes."""
    references = (str(one.get("reference", "")) for one in tree.get("slot", ()))
    return [one.partition("/")[2] for one in references if one.startswith("Slot/")]


def tree_of_offer(seen: Seen, tree: Tree) -> Tree | None:
    """The wish of the waiting list that a held Appointment is the offer for."""
    id = wish_of(tree)
    return seen.records.get(("Appointment", id)) if id else None


def wish_of(tree: Tree) -> str:
    """Its id; empty where the Appointment is no offer."""
    found = next((e for e in tree.get("extension", ()) if e["url"] == names.OFFER_OF), None)
    return str(found["valueReference"]["reference"]).partition("/")[2] if found else ""


def _had(
    place: Place, wanted: Wanted, asker: Asker, there: Sequence[Taken]
) -> tuple[Opening, bool]:
    """The opening, and whether it is had beyond its capacity."""
    terms = place.availability.terms
    kind = place.availability.visit(wanted.visit)
    if kind is None or (asker.is_patient and kind.staff_only):
        raise Unavailable("This visit type is not offered here.", "Appointment.serviceType")
    if wanted.medium and kind.media and wanted.medium not in kind.media:
        raise Unavailable("This kind of visit is not held in this way.", "Appointment.extension")
    if wanted.start < asker.now:
        raise Unavailable("This time has passed.")
    opening = offered(place.availability, kind, wanted.start, wanted.end)
    if opening is None:
        raise Unavailable(f"{_local(place, wanted.start)} is not offered here; find a time anew.")
    if asker.is_patient and wanted.start - asker.now < terms.book_before * MINUTE:
        raise TooLate(f"Visits are booked at least {_long(terms.book_before)} ahead; please call.")
    if wanted.start - asker.now > terms.horizon_days * _DAY:
        raise TooLate(f"Visits are booked at most {terms.horizon_days} days ahead.")
    if place.has_room(opening, there):
        return opening, False
    if asker.overbooks:
        return opening, True
    raise Unavailable(f"{_local(place, wanted.start)} is taken; find another time.")


def _written(
    place: Place,
    tree: Tree,
    status: str,
    over: bool,
    opening: Opening | None = None,
    there: Sequence[Taken] = (),
) -> Decided:
    """The Appointment and its Slot, which is free yet while a group has places."""
    start, end = moment_of(tree["start"]), moment_of(tree["end"])
    if opening and status == "busy" and place.has_room(opening, [*there, _as_taken(place, tree)]):
        status = "free"
    slot = visit.slot(place, start, end, status, overbooked=over)
    id = str(tree["id"])
    writes = (Write("Appointment", id, tree), Write("Slot", str(slot["id"]), slot, own=False))
    return Decided(writes, about=_about(place, start, over))


def _as_taken(place: Place, tree: Tree) -> Taken:
    start, end = moment_of(tree["start"]), moment_of(tree["end"])
    return Taken(str(tree["id"]), start, end, frozenset(place.actors))


def freed(seen: Seen, place: Place, tree: Tree, now: int, *without: str) -> list[Write]:
    """The Slots of a visit that is no more: busy still where another one is at that time."""
    writes = []
    start, end = moment_of(tree["start"]), moment_of(tree["end"])
    left = others(seen, place, now, str(tree["id"]), *without)
    same = any((one.start, one.end) == (start, end) for one in left)
    kind = visit_of(tree, place.availability)
    opening = offered(place.availability, kind, start, end) if kind else None
    full = opening is None or not place.has_room(opening, left)
    for id in slots_of(tree):
        if ("Slot", id) in seen.records:
            slot = visit.slot(place, start, end, "busy" if same and full else "free")
            writes.append(Write("Slot", id, {**slot, "id": id}, own=False))
    return writes


def _done(wish: Tree) -> Write:
    """A wish that was answered (IHE status-reason, wait-list)."""
    done = visit.cancelled(wish, names.STATUS_REASON, "wait-list")
    return Write("Appointment", str(wish["id"]), done)


def _opening_of(place: Place, tree: Tree) -> Opening:
    """What a held visit takes; the rules may have changed since, and a hold is a promise."""
    start, end = moment_of(tree["start"]), moment_of(tree["end"])
    kind = visit_of(tree, place.availability) or place.availability.visits[0]
    return offered(place.availability, kind, start, end) or Opening(start, end, kind, 1)


def _with(place: Place, old: Place | None, participants: list[Tree]) -> list[Tree]:
    """The participants, those of the new place instead of those of the old one: of a visit that is
    on no Schedule, whoever gives it and where."""
    if old and place.id == old.id:
        return participants

    def goes(reference: str) -> bool:
        return reference in old.actors if old else reference.partition("/")[0] in _GIVES

    stay = [p for p in participants if not goes(str(p.get("actor", {}).get("reference", "")))]
    return [*stay, *({"actor": {"reference": a}, "status": "accepted"} for a in place.actors)]


def _marked(over: bool, asker: Asker) -> tuple[Tree, ...]:
    if not over:
        return ()
    why = ({"url": names.OVERBOOKED_WHY, "valueString": asker.why},) if asker.why else ()
    return ({"url": names.OVERBOOKED, "valueBoolean": True}, *why)


def _in_time(asker: Asker, start: int, minutes: int, what: str) -> None:
    if asker.is_patient and start - asker.now < minutes * MINUTE:
        raise TooLate(f"Visits are {what} at least {_long(minutes)} ahead; please call.")


def _long(minutes: int) -> str:
    for size, word in ((1440, "day"), (60, "hour")):
        if minutes >= size and minutes % size == 0:
            number = minutes // size
            return f"{number} {word}{'' if number == 1 else 's'}"
    return f"{minutes} minutes"


def _local(place: Place, start: int) -> str:
    zone = place.availability.zone
    return f"{datetime.fromtimestamp(start // 1_000_000, zone):%Y-%m-%d %H:%M} ({zone.key})"


def _about(place: Place, start: int, over: bool) -> str:
    text = f"Schedule/{place.id} {visit.instant(start, place.availability.zone)}"
    return f"{text} overbooked" if over else text
