"""The demo's schedules, rooms, and who comes this week: made when it is loaded, around today.

All people are those of the demo, who do not exist. The video visit of Devin Bailey begins soon
after the demo is loaded, so that it can be joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careplane.fhir.codec import json

ZONE = "Europe/London"
_EXTENSION = "https://github.com/careplane/careplane/StructureDefinition/"
_TYPES = "https://demo.careplane.example/visit-types"
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_ANY = ("PHYSICAL", "VIDEOCONF", "PHONE")
_WEEKDAYS = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"

# code → name, minutes, minutes free after it, ways in which it is held
_KINDS: dict[str, tuple[str, int, int, tuple[str, ...]]] = {
    "follow-up": ("Follow-up", 20, 0, _ANY),
    "first": ("First visit", 40, 10, ("PHYSICAL",)),
    "video": ("Video visit", 20, 0, ("VIDEOCONF",)),
    "check": ("Health check", 30, 0, ("PHYSICAL",)),
    "child": ("Well child check", 30, 0, ("PHYSICAL",)),
    "antenatal": ("Antenatal visit", 30, 0, ("PHYSICAL",)),
    "coaching": ("Heart failure coaching", 30, 0, _ANY),
    "group": ("Heart failure class", 60, 0, ("PHYSICAL",)),
}
# id → actors, kinds, rules: recurrence, from, to, step, capacity, kinds (all where none are named)
_SCHEDULES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[Any, ...], ...]]] = {
    "cardiologist": (
        ("Practitioner/demo-cardiologist", "Location/demo-room-1", "Location/demo-cardiology"),
        ("follow-up", "first", "video"),
        (
            (_WEEKDAYS, "09:00", "12:20", 20, 1, ("follow-up", "video")),
            ("FREQ=WEEKLY;BYDAY=TU,TH", "13:30", "16:50", 50, 1, ("first",)),
            ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "13:30", "16:50", 20, 1, ("follow-up", "video")),
            ("FREQ=WEEKLY;BYDAY=SA,SU", "09:00", "18:00", 20, 1, ("video",)),
        ),
    ),
    "family-doctor": (
        ("Practitioner/demo-family-doctor", "Location/demo-room-2", "Location/demo-primary-care"),
        ("follow-up", "check", "video"),
        (
            (_WEEKDAYS, "09:00", "12:00", 20, 1, ()),
            ("FREQ=WEEKLY;BYDAY=MO,TU,TH,FR", "13:00", "17:00", 20, 1, ()),
        ),
    ),
    "paediatrician": (
        ("Practitioner/demo-paediatrician", "Location/demo-room-3", "Location/demo-paediatrics"),
        ("child", "follow-up", "video"),
        (("FREQ=WEEKLY;BYDAY=MO,WE,FR", "09:00", "15:00", 30, 1, ()),),
    ),
    "obstetrician": (
        ("Practitioner/demo-obstetrician", "Location/demo-room-3", "Location/demo-womens-health"),
        ("antenatal", "first"),
        (("FREQ=WEEKLY;BYDAY=TU,TH", "09:00", "16:00", 30, 1, ()),),
    ),
    "hf-nurse": (
        ("PractitionerRole/demo-hf-nurse", "Location/demo-room-4", "Location/demo-cardiology"),
        ("coaching", "group"),
        (
            (_WEEKDAYS, "10:00", "13:00", 30, 1, ("coaching",)),
            ("FREQ=WEEKLY;BYDAY=TU", "14:00", "15:00", 60, 6, ("group",)),
        ),
    ),
}
# days from today, when, schedule, kind, patient, status, way; on days of the week alone
_VISITS: tuple[tuple[int, str, str, str, str, str, str], ...] = (
    (0, "10:20", "family-doctor", "follow-up", "fidel-bins", "fulfilled", "PHYSICAL"),
    (0, "10:40", "family-doctor", "follow-up", "darin-skiles", "noshow", "PHYSICAL"),
    (0, "11:00", "family-doctor", "follow-up", "jed-pollich", "checked-in", "PHYSICAL"),
    (0, "11:20", "family-doctor", "video", "kenichi-sato", "arrived", "VIDEOCONF"),
    (0, "11:40", "family-doctor", "follow-up", "martina-murazik", "booked", "PHONE"),
    (0, "09:00", "cardiologist", "follow-up", "clarine-okeefe", "fulfilled", "PHYSICAL"),
    (0, "10:00", "cardiologist", "follow-up", "barrett-cummings", "booked", "PHYSICAL"),
    (1, "09:20", "cardiologist", "video", "latanya-kohler", "booked", "VIDEOCONF"),
    (1, "11:00", "cardiologist", "follow-up", "silvana-cremin", "booked", "PHYSICAL"),
    (1, "10:30", "hf-nurse", "coaching", "devin-bailey", "booked", "PHYSICAL"),
    (1, "09:00", "family-doctor", "check", "randall-stroman", "booked", "PHYSICAL"),
    (2, "09:00", "cardiologist", "follow-up", "randall-stroman", "booked", "PHYSICAL"),
    (2, "10:20", "family-doctor", "follow-up", "jed-pollich", "booked", "PHYSICAL"),
    (2, "10:00", "hf-nurse", "coaching", "barrett-cummings", "booked", "PHONE"),
    (3, "09:40", "cardiologist", "video", "clarine-okeefe", "booked", "VIDEOCONF"),
    (3, "14:00", "family-doctor", "video", "fidel-bins", "booked", "VIDEOCONF"),
)


def bundle(today: date, now: datetime | None = None) -> bytes:
    """One transaction of updates with fixed ids; `now` is when it is loaded."""
    return json.dump(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": one,
                    "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
                }
                for one in (*_rooms(), *_schedules(), *_appointments(today, now))
            ],
        }
    )


def _rooms() -> Iterator[dict[str, Any]]:
    for number, part in enumerate(("cardiology", "primary-care", "paediatrics", "cardiology"), 1):
        yield {
            "resourceType": "Location",
            "id": f"demo-room-{number}",
            "extension": [_zone()],
            "status": "active",
            "name": f"Room {number}",
            "physicalType": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/location-physical-type",
                "code": "ro", "display": "Room",
            }]},
            "partOf": {"reference": f"Location/demo-{part}"},
        }  # fmt: skip


def _schedules() -> Iterator[dict[str, Any]]:
    for id, (actors, kinds, rules) in _SCHEDULES.items():
        yield {
            "resourceType": "Schedule",
            "id": f"demo-{id}",
            "extension": [_zone(), *map(_kind, kinds), *(_rule(*rule) for rule in rules)],
            "active": True,
            "actor": [{"reference": actor} for actor in actors],
        }


def _zone() -> dict[str, Any]:
    return {"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": ZONE}


def _concept(code: str) -> dict[str, Any]:
    name = _KINDS[code][0]
    return {"coding": [{"system": _TYPES, "code": code, "display": name}], "text": name}


def _kind(code: str) -> dict[str, Any]:
    _, minutes, after, media = _KINDS[code]
    return {"url": f"{_EXTENSION}schedule-visit-type", "extension": [
        {"url": "type", "valueCodeableConcept": _concept(code)},
        {"url": "minutes", "valuePositiveInt": minutes},
        *([{"url": "after", "valueUnsignedInt": after}] if after else []),
        *({"url": "medium", "valueCode": one} for one in media),
    ]}  # fmt: skip


def _rule(
    recurrence: str, start: str, end: str, step: int, capacity: int, kinds: tuple[str, ...]
) -> dict[str, Any]:
    return {"url": f"{_EXTENSION}schedule-rule", "extension": [
        {"url": "recurrence", "valueString": recurrence},
        {"url": "start", "valueTime": f"{start}:00"},
        {"url": "end", "valueTime": f"{end}:00"},
        {"url": "step", "valuePositiveInt": step},
        {"url": "capacity", "valuePositiveInt": capacity},
        *({"url": "visit-type", "valueCode": one} for one in kinds),
    ]}  # fmt: skip


def _appointments(today: date, now: datetime | None) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(ZONE)
    at = now or datetime.combine(today, time(13), zone)
    soon = at.astimezone(zone) + timedelta(minutes=20 - at.minute % 5)
    soon = soon.replace(second=0, microsecond=0)
    yield _visit("video-today", soon, "cardiologist", "video", "devin-bailey", "booked",
                 "VIDEOCONF", "Heart failure: weight and breath")  # fmt: skip
    for number, (days, when, schedule, kind, patient, status, way) in enumerate(_VISITS):
        day = _working(today, days)
        start = datetime.combine(day, time.fromisoformat(when), zone)
        if day != today and status != "booked":
            status = "booked"
        yield _visit(f"visit-{number}", start, schedule, kind, patient, status, way)
    first = _working(today, 1)
    yield {
        "resourceType": "Appointment",
        "id": "demo-waits",
        "status": "waitlist",
        "serviceType": [_concept("first")],
        "created": today.isoformat(),
        "comment": "Breathless on stairs; would come at short notice.",
        "participant": [
            {"actor": {"reference": "Patient/silvana-cremin"}, "status": "needs-action"},
            {"actor": {"reference": "Practitioner/demo-cardiologist"}, "status": "needs-action"},
        ],
        "requestedPeriod": [{
            "start": datetime.combine(first, time(0), zone).isoformat(),
            "end": datetime.combine(first, time(12), zone).isoformat(),
        }],
    }  # fmt: skip


def _visit(
    id: str, start: datetime, schedule: str, kind: str, patient: str, status: str, way: str,
    what: str = "",
) -> dict[str, Any]:  # fmt: skip
    minutes = _KINDS[kind][1]
    actors = (f"Patient/{patient}", *_SCHEDULES[schedule][0])
    end = start.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minutes)
    coding = {"system": _MODE, "code": way}
    said = {"url": f"{_EXTENSION}appointment-medium", "valueCodeableConcept": {"coding": [coding]}}
    return {
        "resourceType": "Appointment",
        "id": f"demo-{id}",
        "extension": [said],
        "status": status,
        "serviceType": [_concept(kind)],
        **({"description": what} if what else {}),
        "start": start.isoformat(),
        "end": end.astimezone(start.tzinfo).isoformat(),
        "minutesDuration": minutes,
        "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in actors],
    }


def _working(today: date, days: int) -> date:
    """So many days of the week after today; today itself, or the next one where it is a weekend."""
    day = today
    while day.weekday() > 4:
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return day
