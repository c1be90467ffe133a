"""A Schedule as a form: its fields from the resource, the resource from its fields, a preview.

Fields are named `rule-0-start`, `kind-2-minutes`. What the form does not show (closings, extensions
of others) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability import reading, recurrence
from careplane.telehealth.scheduling.availability.openings import openings, windows
from careplane.telehealth.scheduling.availability.rules import Availability, Terms
from careplane.telehealth.scheduling.place import actors_in
from careplane.web.agenda.clock import bounds, hour
from careplane.web.agenda.words import MEDIA
from careplane.words.catalogues import gettext, mark

SYSTEM = "urn:careplane:visit-type"
"""Of kinds of visits that are named here first."""
DAYS = {
    "MO": mark("Mon"), "TU": mark("Tue"), "WE": mark("Wed"), "TH": mark("Thu"),
    "FR": mark("Fri"), "SA": mark("Sat"), "SU": mark("Sun"),
}  # fmt: skip
WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TERMS = ("book-before", "move-before", "cancel-before", "hold", "offer", "horizon-days")
_OURS = frozenset({names.RULE, names.VISIT_TYPE, names.TERMS, names.TIME_ZONE})
_WEEKLY = re.compile(r"FREQ=WEEKLY(?:;INTERVAL=(\d+))?;BYDAY=((?:MO|TU|WE|TH|FR|SA|SU)(?:,..)*)")
_PLACE = re.compile(r"Schedule\.extension\[(\d+)\](?:\.extension\('([\w-]+)'\))?")
MOST_ROWS = 50

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a field, as the room of schedules says it."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """A day of the preview: when visits are offered, and how many times of each kind there are."""

    day: date
    spans: tuple[str, ...]
    times: tuple[tuple[str, int], ...]
    closed: bool


def filled(tree: Tree, rooms: Container[str] = ()) -> Fields:
    """The fields of a Schedule. Of several people, places or `rooms` the first ones are shown."""
    values: Fields = {
        "comment": str(tree.get("comment", "")),
        "active": "" if tree.get("active") is False else "1",
    }
    for one in actors_in(tree):
        field = _field_of(one, rooms)
        values[field] = values.get(field) or one
    kinds = [one for one in tree.get("extension", ()) if one.get("url") == names.VISIT_TYPE]
    rules = [one for one in tree.get("extension", ()) if one.get("url") == names.RULE]
    codes = [_kind(values, number, _parts(one)) for number, one in enumerate(kinds)]
    for number, one in enumerate(rules):
        _rule(values, number, _parts(one), codes)
    values |= {"kinds": str(len(kinds)), "rules": str(len(rules))}
    extensions: list[Tree] = tree.get("extension", [])
    agreed = next((e for e in extensions if e.get("url") == names.TERMS), Tree())
    known = {name: found[0] for name, found in _parts(agreed).items()}
    usual = Terms()
    for name in TERMS:
        values[name] = str(known.get(name, getattr(usual, name.replace("-", "_"))))
    zone = next((e for e in extensions if e.get("url") == names.TIME_ZONE), Tree())
    values["zone"] = str(zone.get("valueCode", ""))
    return values


def made(
    values: Mapping[str, str], before: Tree, rooms: Container[str] = ()
) -> tuple[Tree, dict[int, str]]:
    """The Schedule of these fields, and which row each of its extensions is of, by their place."""
    extensions = [one for one in before.get("extension", ()) if one.get("url") not in _OURS]
    rows: dict[int, str] = {}
    if zone := values.get("zone", "").strip():
        rows[len(extensions)] = "zone"
        extensions.append({"url": names.TIME_ZONE, "valueCode": zone})
    codes: dict[int, str] = {}
    for number in range(_rows(values, "kinds")):
        if not _is_empty(values, f"kind-{number}", ("name", "minutes")):
            codes[number] = _code(values, number)
            rows[len(extensions)] = f"kind-{number}"
            extensions.append(_kind_of(values, number, codes[number]))
    for number in range(_rows(values, "rules")):
        if not _is_empty(values, f"rule-{number}", ("start", "end")):
            rows[len(extensions)] = f"rule-{number}"
            extensions.append(_rule_of(values, number, codes))
    rows[len(extensions)] = "terms"
    terms = [{"url": n, "valueUnsignedInt": _number(values.get(n, ""))} for n in TERMS]
    extensions.append({"url": names.TERMS, "extension": terms})
    chosen = [values.get(name, "") for name in ("person", "place", "room")]
    shown = set(chosen) | set(filled(before, rooms).values())
    more = [one for one in before.get("actor", ()) if one.get("reference") not in shown]
    kept = {k: v for k, v in before.items() if k not in ("comment", "meta")}
    comment = values.get("comment", "").strip()
    tree: Tree = {
        **kept,
        "resourceType": "Schedule",
        "active": values.get("active") == "1",
        "actor": [*({"reference": one} for one in dict.fromkeys(chosen) if one), *more],
        **({"comment": comment} if comment else {}),
        "extension": extensions,
    }
    return tree, rows


def problems(tree: Tree, rows: Mapping[int, str], places: tuple[Tree, ...]) -> list[Problem]:
    """What is wrong with it, at its fields."""
    if not tree["actor"]:
        return [Problem("person", mark("A schedule is of a person or a place."))]
    try:
        reading.read(tree, places)
    except Invalid as error:
        return [Problem(_field(issue.where, rows), issue.text) for issue in error.issues]
    return []


def preview(tree: Tree, places: tuple[Tree, ...], first: date, days: int) -> list[Ahead]:
    """The days ahead; of a Schedule that cannot be read none."""
    try:
        availability = reading.read(tree, places)
    except Invalid:
        return []
    found = [_ahead(availability, first + timedelta(days=n)) for n in range(days)]
    return [one for one in found if one.spans or one.closed]


def _ahead(availability: Availability, day: date) -> Ahead:
    zone: ZoneInfo = availability.zone
    low, high = bounds(day, day, zone)
    spans = sorted(
        (start, end) for start, end, _ in windows(availability, low, high) if low <= start < high
    )
    times = [
        (visit.name, sum(1 for one in openings(availability, visit, low, high)))
        for visit in availability.visits
    ]
    said = tuple(f"{hour(start, zone)}–{hour(end, zone)}" for start, end in spans)
    return Ahead(day, said, tuple(t for t in times if t[1]), availability.is_closed(day))


def _field_of(reference: str, rooms: Container[str]) -> str:
    if not reference.startswith("Location/"):
        return "person"
    return "room" if reference in rooms else "place"


def _kind(values: Fields, number: int, parts: Mapping[str, list[Any]]) -> str:
    """Fields of a kind of visit; its code."""
    concept = (parts.get("type") or [{}])[0]
    coding = (concept.get("coding") or [{}])[0]
    code = str((parts.get("code") or [coding.get("code", "")])[0])
    name = f"kind-{number}"
    values[f"{name}-name"] = str(concept.get("text") or coding.get("display") or code)
    values[f"{name}-code"] = code
    values[f"{name}-system"] = str(coding.get("system", ""))
    for part, usual in (("minutes", "30"), ("before", "0"), ("after", "0")):
        values[f"{name}-{part}"] = str((parts.get(part) or [usual])[0])
    for medium in parts.get("medium") or MEDIA:
        values[f"{name}-{medium}"] = "1"
    values[f"{name}-staff"] = "1" if (parts.get("staff-only") or [False])[0] is True else ""
    return code


def _rule(values: Fields, number: int, parts: Mapping[str, list[Any]], codes: list[str]) -> None:
    name = f"rule-{number}"
    text = str((parts.get("recurrence") or ["FREQ=DAILY"])[0])
    weekly = _WEEKLY.fullmatch(text)
    if weekly:
        values[f"{name}-every"] = weekly[1] or "1"
        values |= {f"{name}-{day}": "1" for day in weekly[2].split(",")}
    else:
        values[f"{name}-other"] = text
    for part in ("start", "end"):
        values[f"{name}-{part}"] = str((parts.get(part) or [""])[0])[:5]
    for part, usual in (("step", "15"), ("capacity", "1")):
        values[f"{name}-{part}"] = str((parts.get(part) or [usual])[0])
    period = (parts.get("valid") or [{}])[0]
    values |= {f"{name}-from": period.get("start", ""), f"{name}-until": period.get("end", "")}
    for code in parts.get("visit-type", ()):
        if code in codes:
            values[f"{name}-kind-{codes.index(code)}"] = "1"


def _kind_of(values: Mapping[str, str], number: int, code: str) -> Tree:
    get = _getter(values, f"kind-{number}")
    name = get("name")
    coding = {"system": get("system") or SYSTEM, "code": code, "display": name}
    media = [one for one in MEDIA if get(one)]
    return {"url": names.VISIT_TYPE, "extension": [
        {"url": "code", "valueCode": code},
        {"url": "type", "valueCodeableConcept": {"coding": [coding], "text": name}},
        {"url": "minutes", "valuePositiveInt": _number(get("minutes"))},
        {"url": "before", "valueUnsignedInt": _number(get("before") or "0")},
        {"url": "after", "valueUnsignedInt": _number(get("after") or "0")},
        *({"url": "medium", "valueCode": one} for one in media if len(media) < len(MEDIA)),
        *([{"url": "staff-only", "valueBoolean": True}] if get("staff") else []),
    ]}  # fmt: skip


def _rule_of(values: Mapping[str, str], number: int, codes: Mapping[int, str]) -> Tree:
    get = _getter(values, f"rule-{number}")
    days = [day for day in WEEK if get(day)]
    every = get("every") or "1"
    text = f"FREQ=WEEKLY;{f'INTERVAL={every};' if every != '1' else ''}BYDAY={','.join(days)}"
    period = {end: get(name) for end, name in (("start", "from"), ("end", "until")) if get(name)}
    mine = [code for place, code in codes.items() if get(f"kind-{place}")]
    return {"url": names.RULE, "extension": [
        {"url": "recurrence", "valueString": text if days else get("other") or "FREQ=DAILY"},
        *({"url": part, "valueTime": f"{get(part)}:00"} for part in ("start", "end")),
        {"url": "step", "valuePositiveInt": _number(get("step") or "15")},
        {"url": "capacity", "valuePositiveInt": _number(get("capacity") or "1")},
        *([{"url": "valid", "valuePeriod": period}] if period else []),
        *({"url": "visit-type", "valueCode": one} for one in mine if len(mine) < len(codes)),
    ]}  # fmt: skip


def _code(values: Mapping[str, str], number: int) -> str:
    """The code that a kind has, or one of its name."""
    get = _getter(values, f"kind-{number}")
    made = re.sub(r"[^a-z0-9]+", "-", get("name").lower()).strip("-")[:40]
    return get("code") or made or f"kind-{number + 1}"


def _field(where: str, rows: Mapping[int, str]) -> str:
    """The field that an issue is about."""
    found = _PLACE.match(where)
    row = rows.get(int(found[1]), "") if found else ""
    part = (found[2] if found else "") or ""
    if row == "terms":
        return part or TERMS[0]
    if row.startswith("rule"):
        return f"{row}-{ {'recurrence': 'other', 'valid': 'from'}.get(part, part or 'start') }"
    if row.startswith("kind"):
        return f"{row}-{'name' if part in ('', 'code', 'type') else part}"
    return row or "zone"


def _parts(extension: Tree) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in extension.get("extension", ()):
        value = next((v for k, v in one.items() if k.startswith("value")), None)
        found.setdefault(str(one.get("url", "")), []).append(value)
    return found


def _rows(values: Mapping[str, str], name: str) -> int:
    text = values.get(name, "0")
    return min(int(text), MOST_ROWS) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _is_empty(values: Mapping[str, str], row: str, parts: tuple[str, ...]) -> bool:
    return not any(values.get(f"{row}-{part}", "").strip() for part in parts)


def _number(text: str) -> Any:
    """A number; what is none as it was typed, to be refused where all else is."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text


def _getter(values: Mapping[str, str], row: str) -> Any:
    return lambda part: values.get(f"{row}-{part}", "").strip()


def rules_said(tree: Tree) -> Iterator[str]:
    """The rules of a Schedule in short: MO,TU 09:00–12:00."""
    for one in tree.get("extension", ()):
        if one.get("url") == names.RULE:
            parts = _parts(one)
            text = str((parts.get("recurrence") or ["FREQ=DAILY"])[0])
            start, end = (str((parts.get(name) or [""])[0])[:5] for name in ("start", "end"))
            yield f"{_short(text)} {start}–{end}".strip()


def _short(text: str) -> str:
    try:
        days = recurrence.read(text).days
    except ValueError:
        return text
    return ", ".join(gettext(DAYS[WEEK[day]]) for _, day in days)
