"""The visit as an Encounter (R4): arrived, in-progress, finished, and who was there when.

R4 has no participant of the kind Patient; the patient's presence stands as a participant of the
type SBJ without an individual, that of somebody by a guest's link as one who is named by text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.telehealth.visits.appointment import Booked, micros
from careplane.telehealth.visits.presence import Presence

_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_KINDS = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_CARRIED = ("serviceType", "priority", "reasonCode", "reasonReference")
_INDIVIDUALS = ("Practitioner", "PractitionerRole", "RelatedPerson")
_TYPES = {"host": ("PPRF", "primary performer"), "patient": ("SBJ", "subject")}


def arrived(visit: Booked, now: int) -> Tree:
    """When the patient comes into the waiting room."""
    carried: dict[str, Any] = {k: visit.tree[k] for k in _CARRIED if k in visit.tree}
    if isinstance(carried.get("priority"), int):
        del carried["priority"]  # a number in an Appointment, a concept in an Encounter
    if isinstance(carried.get("serviceType"), list):
        carried["serviceType"] = carried["serviceType"][0]  # several there, one here
    at = format_instant(now)
    return {
        "resourceType": "Encounter",
        "status": "arrived",
        "class": {"system": _ACT, "code": "VR", "display": "virtual"},
        "subject": {"reference": visit.patient},
        "appointment": [{"reference": f"Appointment/{visit.id}"}],
        "period": {"start": at},
        "statusHistory": [{"status": "arrived", "period": {"start": at}}],
        **carried,
    }


def moved(tree: Tree, status: str, presences: Sequence[Presence], now: int) -> Tree:
    """At another status, with these participants; one that is finished stays so."""
    made = {**tree, "participant": _merged(tree.get("participant", []), presences)}
    if not made["participant"]:
        del made["participant"]
    if tree["status"] in (status, "finished"):
        return made
    at = format_instant(now)
    history: list[Any] = list(tree.get("statusHistory", []))
    if history and "end" not in history[-1]["period"]:
        last = history[-1]
        history[-1] = {**last, "period": {**last["period"], "end": at}}
    made["status"] = status
    if status == "finished":
        start = tree.get("period", {}).get("start", at)
        made["period"] = {"start": start, "end": at}
        minutes = (now - micros(start)) / 60_000_000
        made["length"] = {
            "value": round(minutes, 1),
            "unit": "min",
            "system": "http://unitsofmeasure.org",
            "code": "min",
        }
    else:
        history.append({"status": status, "period": {"start": at}})
    made["statusHistory"] = history
    return made


def _merged(old: list[Any], presences: Sequence[Presence]) -> list[Any]:
    """Those that this room did not see stay: it may be the second one of the visit."""
    new = [participant(one) for one in presences]
    seen = {_key(one) for one in new}
    return [*(one for one in old if _key(one) not in seen), *new]


def _key(one: Any) -> tuple[str, ...]:
    kind = one.get("type", [{}])[0]
    who = one.get("individual", {}).get("reference", "")
    return who, str(kind.get("text", "")), str(one.get("period", {}).get("start", ""))


def participant(presence: Presence) -> Tree:
    """Encounter.participant."""
    period = {"start": format_instant(presence.start)}
    if presence.end:
        period["end"] = format_instant(presence.end)
    coded = _TYPES.get(presence.role)
    kind: Tree = {"text": presence.role if coded else f"guest: {presence.name}"}
    if coded:
        kind["coding"] = [{"system": _KINDS, "code": coded[0], "display": coded[1]}]
    made: Tree = {"type": [kind], "period": period}
    if presence.who.partition("/")[0] in _INDIVIDUALS:
        made["individual"] = {"reference": presence.who}
    return made
