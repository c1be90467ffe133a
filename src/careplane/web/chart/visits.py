"""Visits as their patient reads them: when by the clock on the patient's wall, with whom, where,
how to join; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.visit import medium_of
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import seconds_of
from careplane.web.say.moments import Moment, moment, zone_of

COMING = ("proposed", "pending", "booked", "arrived", "checked-in", "waitlist")
STANDS = {
    "proposed": mark("Proposed"),
    "pending": mark("Held for you, not booked yet"),
    "booked": mark("Booked"),
    "arrived": mark("You have arrived"),
    "checked-in": mark("You have arrived"),
    "fulfilled": mark("Took place"),
    "cancelled": mark("Cancelled"),
    "noshow": mark("Missed"),
    "entered-in-error": mark("Entered by mistake"),
    "waitlist": mark("On the waiting list"),
}
_JOINABLE = frozenset({"booked", "arrived", "checked-in"})
_BY_VIDEO = frozenset({"", "VIDEOCONF"})
"""How a visit is held that has a room: by video, or as nobody has said."""
_GIVERS = frozenset({"Practitioner", "PractitionerRole"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One Appointment. `opens` is when its video room does, in seconds since 1970, `joinable`
    whether it is open now; `video` whether there is one."""

    id: str
    what: str
    status: str
    stands: str
    start: Moment | None
    end: Moment | None
    sort: str
    people: tuple[str, ...]
    places: tuple[str, ...]
    advice: str
    coming: bool
    video: bool
    opens: Moment | None
    joinable: bool


def shown(
    tree: Tree,
    patient: Tree,
    known: Mapping[str, Tree],
    now: float,
    early: int | None,
    late: int = 0,
    usual: str = "",
) -> Shown:
    """`known` are people and places by reference, `now` is in seconds since 1970. `early` and
    `late` say how many minutes before and after a visit its video room is open; None where there
    are no rooms. `usual` is the time zone where neither the patient nor a place names one."""
    actors = [str(p.get("actor", {}).get("reference", "")) for p in tree.get("participant", ())]
    places = [known[one] for one in actors if one.startswith("Location/") and one in known]
    zone = zone_of(patient, *places) or usual
    start, end = (str(tree.get(name, "")) for name in ("start", "end"))
    begins, ends = seconds_of(start), seconds_of(end)
    status = str(tree.get("status", ""))
    over = ends is not None and ends + late * 60 <= now
    video = (
        early is not None
        and medium_of(tree) in _BY_VIDEO
        and begins is not None
        and ends is not None
        and any(one.partition("/")[0] in _GIVERS for one in actors)
    )
    opens = begins - (early or 0) * 60 if video and begins is not None else None
    what = next(map(types.concept, tree.get("serviceType", ())), "")
    return Shown(
        str(tree.get("id", "")),
        str(tree.get("description", "")) or what or types.concept(tree.get("appointmentType", {})),
        status,
        STANDS.get(status, status),
        moment(start, zone),
        moment(end, zone),
        start,
        tuple(_named(known[one], known) for one in actors
              if one.partition("/")[0] in _GIVERS and one in known),
        tuple(_place(one) for one in places),
        str(tree.get("patientInstruction", "")),
        status in COMING and not over,
        video and status in _JOINABLE and not over,
        moment(_instant(opens), zone) if opens is not None else None,
        video and status in _JOINABLE and not over and opens is not None and opens <= now,
    )  # fmt: skip


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _named(tree: Tree, known: Mapping[str, Tree]) -> str:
    names = tree.get("name", ())
    if isinstance(names, list) and names:
        one = names[0]
        text = " ".join([*one.get("prefix", ()), *one.get("given", ()), one.get("family", "")])
        return str(one.get("text") or text).strip()
    held = known.get(by_role(tree))
    return _named(held, {}) if held else types.reference(tree.get("practitioner", {}))


def by_role(tree: Tree) -> str:
    """Reference to whose role it is, which says the name itself; empty for what is none."""
    return str(tree.get("practitioner", {}).get("reference", ""))


def _place(tree: Tree) -> str:
    where = types.address(tree["address"]) if "address" in tree else ""
    return ", ".join(part for part in (str(tree.get("name", "")), where) if part)


def place_names(tree: Tree) -> list[str]:
    """References to the people and places of an Appointment."""
    actors = (str(p.get("actor", {}).get("reference", "")) for p in tree.get("participant", ()))
    return [one for one in actors if one.partition("/")[0] in (*_GIVERS, "Location")]
