"""An Appointment as calendars and lists show it."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.booking import wish_of
from careplane.telehealth.scheduling.occupancy import extension, held_until, moment_of
from careplane.telehealth.scheduling.visit import medium_of
from careplane.web.agenda.clock import local
from careplane.web.agenda.words import MEDIA, STATES
from careplane.web.say import types


@dataclass(frozen=True, slots=True)
class Shown:
    """`when` is the span of time at the clock of a place, such as 09:40–10:10; `state` and `medium`
    are words to be translated; `until` when a hold ends, 0 for none; `patient` a reference."""

    id: str
    tree: Tree
    status: str
    state: str
    start: int
    end: int
    when: str
    patient: str
    what: str
    medium: str
    is_video: bool
    overbooked: bool
    until: int
    comment: str
    is_offer: bool
    is_series: bool


def shown(tree: Tree, zone: ZoneInfo) -> Shown:
    """At this clock."""
    start = moment_of(tree["start"]) if "start" in tree else 0
    end = moment_of(tree["end"]) if "end" in tree else 0
    status = str(tree.get("status", ""))
    medium = medium_of(tree)
    return Shown(
        str(tree["id"]),
        tree,
        status,
        STATES.get(status, status),
        start,
        end,
        f"{local(start, zone):%H:%M}–{local(end, zone):%H:%M}" if start else "",
        next((one for one in actors(tree) if one.startswith("Patient/")), ""),
        kind(tree),
        MEDIA.get(medium, ""),
        medium == "VIDEOCONF",
        bool((extension(tree, names.OVERBOOKED) or {}).get("valueBoolean")),
        held_until(tree) or 0,
        str(tree.get("comment", "")),
        bool(wish_of(tree)),
        any(one.get("system") == names.SERIES for one in tree.get("identifier", ())),
    )


def actors(tree: Tree) -> list[str]:
    """References of who takes part, in their order."""
    return [str(one.get("actor", {}).get("reference", "")) for one in tree.get("participant", ())]


def kind(tree: Tree) -> str:
    """Which kind of visit it is."""
    said = (types.concept(one) for one in tree.get("serviceType", ()))
    return str(tree.get("description") or next(filter(None, said), ""))
