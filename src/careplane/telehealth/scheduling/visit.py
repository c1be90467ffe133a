"""Appointments and Slots as they are written: what each step of a visit makes of them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability.openings import Opening
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.place import Place

_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit that somebody wants: on which schedule, when (microseconds since 1970), of which
    type, and for whom (`Patient/17`). `more` are elements that the Appointment has besides;
    `medium` is how it is held (v3-ParticipationMode), empty where that is left open."""

    schedule: str
    start: int
    end: int
    visit: str
    patients: tuple[str, ...] = ()
    more: tuple[tuple[str, object], ...] = ()
    medium: str = ""

    def at(self, start: int) -> Wanted:
        """The same at another time."""
        return replace(self, start=start, end=start + self.end - self.start)


def appointment(place: Place, opening: Opening, wanted: Wanted, id: str, status: str) -> Tree:
    """An Appointment for an opening, whatever its status."""
    tree: Tree = {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "serviceType": [opening.visit.concept],
        **{key: place.schedule[key] for key in ("specialty", "serviceCategory")
           if key in place.schedule},
        **dict(wanted.more),
        **times(place, opening),
        "participant": [
            *(_participant(patient, "needs-action" if status == "proposed" else "accepted")
              for patient in wanted.patients),
            *(_participant(actor, "accepted") for actor in place.actors),
        ],
    }  # fmt: skip
    if wanted.medium:
        tree = in_medium(tree, wanted.medium)
    period = {"start": tree["start"], "end": tree["end"]}
    return {**tree, "requestedPeriod": [period]}


def times(place: Place, opening: Opening) -> Tree:
    """When it is, by the clock of the place, and the Slot that it takes."""
    zone = place.availability.zone
    return {
        "start": instant(opening.start, zone),
        "end": instant(opening.end, zone),
        "minutesDuration": (opening.end - opening.start) // MINUTE,
        "slot": [{"reference": f"Slot/{slot_id(place.id, opening.start, opening.end)}"}],
    }


def held(tree: Tree, until: int, *extensions: Tree) -> Tree:
    """Pending, until then."""
    deadline = {"url": names.HELD_UNTIL, "valueInstant": format_instant(until)}
    left = _without(tree, names.HELD_UNTIL)
    return {**bare(tree), "status": "pending", "extension": [deadline, *left, *extensions]}


def booked(tree: Tree, *extensions: Tree) -> Tree:
    """Booked: no hold is left."""
    left = _without(tree, names.HELD_UNTIL)
    return _extended({**bare(tree), "status": "booked"}, [*left, *extensions])


def moved(tree: Tree, *extensions: Tree) -> Tree:
    """Booked at another time: what was said of the old time is not said of the new one."""
    left = _without(tree, names.HELD_UNTIL, names.OVERBOOKED, names.OVERBOOKED_WHY)
    return _extended({**bare(tree), "status": "booked"}, [*left, *extensions])


def in_medium(tree: Tree, medium: str) -> Tree:
    """Held in this way."""
    coding = {"system": names.PARTICIPATION_MODE, "code": medium}
    said = {"url": names.MEDIUM, "valueCodeableConcept": {"coding": [coding]}}
    return _extended(tree, [*_without(tree, names.MEDIUM), said])


def medium_of(tree: Tree) -> str:
    """How a visit is held; empty where it does not say."""
    for one in tree.get("extension", ()):
        if one.get("url") == names.MEDIUM:
            coding = (one.get("valueCodeableConcept", {}).get("coding") or [{}])[0]
            return str(coding.get("code", ""))
    return ""


def cancelled(tree: Tree, system: str, code: str, text: str = "") -> Tree:
    """Cancelled, and why."""
    left = _without(tree, names.HELD_UNTIL)
    reason: Tree = {"coding": [{"system": system, "code": code}]} if code else {}
    reason |= {"text": text} if text else {}
    why = {"cancelationReason": reason} if reason else {}
    return _extended({**bare(tree), "status": "cancelled", **why}, left)


def slot(place: Place, start: int, end: int, status: str, *, overbooked: bool = False) -> Tree:
    """The Slot of a time, as it stands."""
    zone = place.availability.zone
    return {
        "resourceType": "Slot",
        "id": slot_id(place.id, start, end),
        **{key: place.schedule[key] for key in ("serviceType", "specialty")
           if key in place.schedule},
        "schedule": {"reference": f"Schedule/{place.id}"},
        "status": status,
        "start": instant(start, zone),
        "end": instant(end, zone),
        **({"overbooked": True} if overbooked else {}),
    }  # fmt: skip


def slot_id(schedule: str, start: int, end: int) -> str:
    """The one id of a time on a schedule, so that all who want it meet at one record."""
    text = f"{schedule}|{start}|{end}".encode()
    return "slot-" + hashlib.sha256(text).hexdigest()[:40]


def instant(micros: int, zone: ZoneInfo) -> str:
    """An instant with the offset that is good there and then."""
    return datetime.fromtimestamp(micros // 1_000_000, zone).isoformat()


def with_patients(tree: Tree, patients: Sequence[str]) -> Tree:
    """The Appointment with these patients besides those that it has."""
    there = {str(p.get("actor", {}).get("reference")) for p in tree.get("participant", ())}
    more = [_participant(one, "accepted") for one in patients if one not in there]
    return {**tree, "participant": [*more, *tree.get("participant", ())]}


def patients_in(tree: Tree) -> tuple[str, ...]:
    """The patients of an Appointment."""
    references = (str(p.get("actor", {}).get("reference", "")) for p in tree["participant"])
    return tuple(one for one in references if one.startswith("Patient/"))


def _participant(actor: str, status: str) -> Tree:
    kind = {"Patient": "SBJ", "Practitioner": "PPRF", "Location": "LOC"}.get(actor.split("/")[0])
    type = {"type": [{"coding": [{"system": _PARTICIPATION, "code": kind}]}]} if kind else {}
    return {**type, "actor": {"reference": actor}, "required": "required", "status": status}


def bare(tree: Tree) -> Tree:
    """Without extensions, and without the parts of meta that are the server's."""
    kept = {k: v for k, v in tree.get("meta", {}).items() if k in ("profile", "tag", "security")}
    rest = {key: value for key, value in tree.items() if key not in ("extension", "meta")}
    return {**rest, "meta": kept} if kept else rest


def _without(tree: Tree, *urls: str) -> list[Tree]:
    """Its extensions, but for these."""
    return [one for one in tree.get("extension", ()) if one.get("url") not in urls]


def _extended(tree: Tree, extensions: list[Tree]) -> Tree:
    return {**tree, "extension": extensions} if extensions else tree
