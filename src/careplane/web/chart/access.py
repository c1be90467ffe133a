"""Who opened a record: AuditEvents in plain words, day by day, newest first; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say.dates import here, say_date

_DEEDS = {
    "R": mark("read"),
    "E": mark("searched"),
    "C": mark("wrote"),
    "U": mark("changed"),
    "D": mark("removed"),
}
_WHY = {
    "": mark("for treatment"),
    "TREAT": mark("for treatment"),
    "ETREAT": mark("in an emergency"),
    "BTG": mark("in an emergency, against the rule"),
    "HPAYMT": mark("for payment"),
    "HOPERAT": mark("to run the hospital"),
    "HRESCH": mark("for research"),
    "PUBHLTH": mark("for public health"),
    "PATRQT": mark("at the patient's wish"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """What one person did for one reason, some times in a row: the first and last time of day,
    what, of which kinds of records, and why. `deed` and `why` are to be translated."""

    who: str
    deed: str
    kinds: tuple[str, ...]
    why: str
    first: str
    last: str
    times: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The looks of one day."""

    date: str
    looks: tuple[Look, ...]


def agents(events: Iterable[Tree]) -> list[str]:
    """References to the people who did something."""
    found = (_who(event) for event in events)
    return list(dict.fromkeys(who for who in found if "/" in who))


def days(events: Iterable[Tree], names: Mapping[str, str]) -> list[Day]:
    """Events, newest first, by day; `names` are those of people by their references."""
    made = []
    for date, some in groupby(events, key=lambda event: _when(event)[:10]):
        looks = [_look(list(alike), names) for _, alike in groupby(some, key=_alike)]
        made.append(Day(say_date(date), tuple(looks)))
    return made


def _when(event: Tree) -> str:
    return here(str(event.get("recorded", "")))


def _alike(event: Tree) -> tuple[str, str, str, str]:
    return _who(event), str(event.get("action")), _purpose(event), str(event.get("outcome"))


def _look(events: list[Tree], names: Mapping[str, str]) -> Look:
    who, action, purpose, outcome = _alike(events[0])
    times = [_when(event)[11:16] for event in events]
    kinds = dict.fromkeys(kind for event in events for kind in _kinds(event))
    return Look(
        names.get(who, who),
        _DEEDS.get(action, _DEEDS["E"]),
        tuple(kinds)[:6],
        _WHY.get(purpose, purpose),
        times[-1],
        times[0],
        len(events),
        outcome != "0",
    )


def _who(event: Tree) -> str:
    agents = [one for one in event.get("agent", ()) if one.get("requestor")]
    people = [one for one in agents if "reference" in one.get("who", {})]
    for agent in people or agents:
        who = agent.get("who", {})
        named = who.get("reference") or who.get("identifier", {}).get("value")
        if named:
            return str(named)
    return ""


def _purpose(event: Tree) -> str:
    for concept in event.get("purposeOfEvent", ()):
        for coding in concept.get("coding", ()):
            return str(coding.get("code", ""))
    return ""


def _kinds(event: Tree) -> list[str]:
    """Types of records, those of a search by what it was addressed to."""
    found = []
    for entity in event.get("entity", ()):
        reference = str(entity.get("what", {}).get("reference", ""))
        if reference and entity.get("type", {}).get("code") != "1":
            found.append(reference.partition("/")[0])
        elif entity.get("description"):
            found.append(str(entity["description"]).partition("?")[0].partition("/")[0])
    return [kind for kind in found if kind.isalpha()]
