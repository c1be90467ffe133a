"""What an Appointment (R4) says of its visit: when, for whom, and who gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict

_OPEN = frozenset({"booked", "arrived", "checked-in"})
_GIVERS = ("Practitioner", "PractitionerRole")
_PEOPLE = (*_GIVERS, "Patient", "RelatedPerson")


@dataclass(frozen=True, slots=True)
class Booked:
    """`start` and `end` in microseconds since 1970; `actors` are references, in their order."""

    id: str
    status: str
    start: int
    end: int
    patient: str
    actors: tuple[str, ...]
    text: str
    tree: Tree

    @property
    def givers(self) -> tuple[str, ...]:
        """Who gives the visit."""
        return tuple(one for one in self.actors if one.partition("/")[0] in _GIVERS)

    @property
    def people(self) -> int:
        """How many are expected."""
        return len({one for one in self.actors if one.partition("/")[0] in _PEOPLE})

    @property
    def kinds(self) -> frozenset[str]:
        """The codes of its service and of its kind (serviceType, appointmentType)."""
        concepts = [*_list(self.tree.get("serviceType")), self.tree.get("appointmentType")]
        codings = [one for each in concepts for one in _list((each or {}).get("coding"))]
        return frozenset(str(one["code"]) for one in codings if "code" in one)

    def require_open(self, now: int, early: int, late: int) -> None:
        """Raises Conflict unless it is booked and this is its time, widened by `early` and `late`
        microseconds."""
        if self.status not in _OPEN:
            raise Conflict("This appointment is not to be held: it is over, or not booked.")
        if now < self.start - early:
            minutes = early // 60_000_000
            raise Conflict(f"The room opens {minutes} minutes before the appointment begins.")
        if now >= self.end + late:
            raise Conflict("The time of this appointment is over.")


def booked(tree: Tree) -> Booked:
    """Raises Conflict for an Appointment that no visit can be held by."""
    actors = [
        str(one["actor"]["reference"])
        for one in _list(tree.get("participant"))
        if isinstance(one.get("actor"), dict) and "reference" in one["actor"]
    ]
    patients = [one for one in actors if one.startswith("Patient/")]
    if len(patients) != 1 or "start" not in tree or "end" not in tree:
        raise Conflict("A visit needs an appointment with a start, an end and one patient.")
    return Booked(
        str(tree["id"]),
        str(tree["status"]),
        micros(str(tree["start"])),
        micros(str(tree["end"])),
        patients[0],
        tuple(actors),
        str(tree.get("description", "")),
        tree,
    )


def micros(instant: str) -> int:
    """Microseconds since 1970 of a FHIR instant."""
    return round(datetime.fromisoformat(instant).timestamp() * 1_000_000)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
