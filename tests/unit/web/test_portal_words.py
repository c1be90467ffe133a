"""Doses, moments and visits in the words of the portal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from careplane.web.chart import medicines, visits
from careplane.web.say.doses import dose
from careplane.web.say.moments import ZONE, moment, zone_of
from careplane.words.audience import Audience, speaking


def say(tree: dict[str, Any]) -> str:
    return ", ".join(dose(tree))


def repeat(**parts: Any) -> dict[str, Any]:
    return {"timing": {"repeat": parts}}


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"text": "One, with water"}, "One, with water"),
        ({"text": "1 tab qd", "patientInstruction": "One each morning"}, "One each morning"),
        (repeat(frequency=1, period=1, periodUnit="d"), "once a day"),
        (repeat(frequency=3, period=1, periodUnit="d"), "3 times a day"),
        (repeat(frequency=1, period=2, periodUnit="d"), "every 2 days"),
        (repeat(frequency=2, period=3, periodUnit="wk"), "2 times every 3 weeks"),
        (repeat(frequency=1, period=6, periodUnit="h"), "every 6 hours"),
        (repeat(frequency=1, period=4, periodMax=6, periodUnit="h"), "every 4–6 hours"),
        (repeat(frequency=1, frequencyMax=2, period=1, periodUnit="d"), "1–2 times a day"),
        (repeat(period=1, periodUnit="mo"), "once a month"),
        (repeat(frequency=1, period=1, periodUnit="d", when=["HS"]),
         "once a day, before going to bed"),
        (repeat(when=["ACM", "ACV"], offset=30),
         "before breakfast, before dinner, 30 minutes apart from that"),
        (repeat(dayOfWeek=["mon", "fri"], timeOfDay=["08:00:00"]),
         "on Mondays, on Fridays, at 08:00"),
        (repeat(frequency=1, period=1, periodUnit="d", boundsDuration={"value": 7, "code": "d"}),
         "once a day, for 7 days"),
        ({"timing": {"code": {"coding": [{"code": "BID"}]}}}, "2 times a day"),
        ({"timing": {"code": {"text": "as told"}}}, "as told"),
        ({"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablets"}}],
          "route": {"text": "by mouth"}, "asNeededBoolean": True},
         "take 2 tablets, way: by mouth, only when needed"),
        ({"doseAndRate": [{"doseRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "mL"}}}],
          "asNeededCodeableConcept": {"text": "pain"},
          "maxDosePerPeriod": {"numerator": {"value": 8, "unit": "mL"},
                               "denominator": {"value": 1, "unit": "d"}}},
         "take 1 – 2 mL, only when needed, for pain, no more than 8 mL / 1 day"),
        (repeat(frequency=1, period=1, periodUnit="unheard-of"), ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_dose_is_said_in_words(tree: dict[str, Any], words: str) -> None:
    assert say(tree) == words


def zoned(name: str, key: str = "valueCode") -> dict[str, Any]:
    return {"extension": [{"url": ZONE, key: name}]}


@pytest.mark.parametrize(
    ("value", "zone", "local"),
    [
        ("2027-03-14T06:30:00Z", "America/New_York", "2027-03-14T01:30-05:00"),
        ("2027-03-14T07:30:00Z", "America/New_York", "2027-03-14T03:30-04:00"),
        ("2027-03-14T22:30:00Z", "Asia/Tokyo", "2027-03-15T07:30+09:00"),
        ("2027-03-14T09:00:00+02:00", "", "2027-03-14T09:00+02:00"),
        ("2027-03-14T09:00:00", "", "2027-03-14T09:00+00:00"),
    ],
)
def test_a_moment_is_read_from_the_clock_on_the_wall(value: str, zone: str, local: str) -> None:
    found = moment(value, zone)
    assert found
    assert found.local == local


@pytest.mark.parametrize("value", ["", "2027-03-14", "nonsense", "2027-13-14T09:00:00Z"])
def test_what_is_no_moment_has_no_clock(value: str) -> None:
    assert moment(value, "") is None


def test_the_first_known_zone_counts() -> None:
    assert zone_of({}, zoned("Mars/Olympus"), zoned("Europe/Berlin", "valueString")) == (
        "Europe/Berlin"
    )
    assert zone_of(zoned("../../etc/passwd")) == ""


def booking(status: str = "booked", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment", "id": "v", "status": status,
        "start": "2027-03-14T09:00:00Z", "end": "2027-03-14T09:30:00Z", "description": "Review",
        "participant": [{"actor": {"reference": "Patient/p"}},
                        {"actor": {"reference": "Practitioner/d"}},
                        {"actor": {"reference": "Location/l"}}],
        **more,
    }  # fmt: skip


KNOWN = {
    "Practitioner/d": {"name": [{"family": "Ray", "given": ["Ann"], "prefix": ["Dr."]}]},
    "Location/l": {"name": "Room 2", "address": {"city": "Leeds"}, **zoned("Europe/London")},
}
NINE = 1805014800.0
"""2027-03-14T09:00:00Z."""


@pytest.mark.parametrize(
    ("minutes", "status", "coming", "joinable"),
    [
        (-60, "booked", True, False),
        (-30, "booked", True, True),
        (0, "arrived", True, True),
        (59, "booked", True, True),
        (90, "booked", False, False),
        (0, "cancelled", False, False),
        (0, "pending", True, False),
    ],
)
def test_a_visit_can_be_joined_in_its_time(
    minutes: int, status: str, coming: bool, joinable: bool
) -> None:
    row = visits.shown(booking(status), {}, KNOWN, NINE + minutes * 60, 30, 60)
    assert (row.coming, row.joinable) == (coming, joinable)


def test_who_and_where_a_visit_is() -> None:
    row = visits.shown(booking(), zoned("America/Chicago"), KNOWN, NINE - 9e9, 30)
    assert (row.people, row.places) == (("Dr. Ann Ray",), ("Room 2, Leeds",))
    assert row.start
    assert (row.start.clock, row.start.day) == ("04:00", "Sunday")
    assert row.opens
    assert row.opens.clock == "03:30"


def test_without_rooms_there_is_nothing_to_join() -> None:
    row = visits.shown(booking(), {}, KNOWN, NINE, None)
    assert (row.video, row.opens, row.joinable) == (False, None, False)


def drug(id: str, name: str, status: str = "active", when: str = "2027-01-01") -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": id, "status": status, "authoredOn": when,
            "medicationCodeableConcept": {"text": name}}  # fmt: skip


def asked(of: str, status: str, when: str, **more: Any) -> dict[str, Any]:
    return {"focus": {"reference": f"MedicationRequest/{of}"}, "status": status,
            "authoredOn": when, **more}  # fmt: skip


def test_the_newest_prescription_stands_for_a_medicine() -> None:
    rows = [
        drug("1", "A", "stopped", "2025-01-01"),
        drug("2", "A", when="2026-01-01"),
        drug("3", "A", when="2027-01-01"),
        drug("4", "B", "completed"),
        drug("5", "C", "entered-in-error"),
    ]
    now, past = medicines.medicines(rows, [])
    assert [(one.id, one.name) for one in now] == [("3", "A")]
    assert [one.name for one in past] == ["B"]


@pytest.mark.parametrize(
    ("status", "words", "is_open"),
    [
        ("requested", "You asked for more", True),
        ("in-progress", "Your prescriber is looking at it", True),
        ("completed", "Prescribed again", False),
        ("rejected", "Not prescribed again", False),
    ],
)
def test_the_newest_request_for_more_is_told(status: str, words: str, is_open: bool) -> None:
    tasks = [
        asked("1", status, "2027-02-02", note=[{"text": "See me first."}]),
        asked("1", "rejected", "2027-01-01"),
    ]
    ((row,), _) = medicines.medicines([drug("1", "A")], tasks)
    assert (row.asked, row.open, row.answer) == (words, is_open, "See me first.")


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (repeat(frequency=1, period=2, periodUnit="d"), "كل يومين"),
        (repeat(frequency=1, period=6, periodUnit="h"), "كل 6 ساعات"),
        (repeat(frequency=1, period=12, periodUnit="h"), "كل 12 ساعة"),
        (repeat(frequency=1, period=1, periodMax=2, periodUnit="d"), "1–2"),
        (repeat(frequency=2, period=1, periodUnit="d"), "مرتين"),
    ],
)
def test_arabic_counts_in_its_forms(tree: dict[str, Any], words: str) -> None:
    with speaking(Audience("ar")):
        assert words in re.sub("[\u2066-\u2069]", "", say(tree))
