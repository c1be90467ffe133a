"""A Schedule as a form: what is shown of it, what is made of it, and what is wrong where."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from careplane.app.demo import schedules as demo
from careplane.fhir.codec import json
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability import reading
from careplane.web.agenda import plan
from tests.scheduling_house import HALF_HOUR, MONDAYS, closed, rule, schedule, visit_type, zone

ROOMS = frozenset({f"Location/demo-room-{n}" for n in range(1, 5)})
DEMO = [
    entry["resource"]
    for entry in json.parse(demo.bundle(date(2026, 11, 30)))["entry"]
    if entry["resource"]["resourceType"] == "Schedule"
]
BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize("tree", DEMO, ids=[one["id"] for one in DEMO])
def test_what_is_shown_and_saved_means_the_same(tree: dict[str, Any]) -> None:
    again, _ = plan.made(plan.filled(tree, ROOMS), tree, ROOMS)
    before, after = reading.read(tree), reading.read(again)
    assert [one.minutes for one in before.visits] == [one.minutes for one in after.visits]
    assert [set(one.media or plan.MEDIA) for one in before.visits] == [
        set(one.media or plan.MEDIA) for one in after.visits
    ]
    every = {one.code for one in before.visits}
    for one, other in zip(before.rules, after.rules, strict=True):
        assert (one.types or every) == (other.types or every)
        assert (one.recurrence, one.start, one.end) == (other.recurrence, other.start, other.end)
    assert before.terms == after.terms
    assert {str(one) for one in tree["actor"]} == {str(one) for one in again["actor"]}


def test_what_the_form_does_not_show_stays() -> None:
    holiday, other = closed("2027-03-26", "2027-03-29"), {"url": "urn:x", "valueString": "y"}
    actors = ("Practitioner/d", "Device/x", "Location/a", "Location/b")
    tree = schedule("s", MONDAYS, HALF_HOUR, BERLIN, holiday, other, actors=actors)
    tree["planningHorizon"] = {"start": "2027-01-01"}
    again, _ = plan.made(plan.filled(tree), tree)
    assert holiday in again["extension"]
    assert other in again["extension"]
    assert again["planningHorizon"] == tree["planningHorizon"]
    assert [one["reference"] for one in again["actor"]] == [
        "Practitioner/d", "Location/a", "Device/x", "Location/b"
    ]  # fmt: skip


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no end": ({"rule-0-end": ""}, "rule-0-end"),
    "ends before it starts": ({"rule-0-end": "08:00"}, "rule-0-end"),
    "minutes that are no number": ({"kind-0-minutes": "half"}, "kind-0-minutes"),
    "a recurrence that is none": (
        {"rule-0-MO": "", "rule-0-other": "FREQ=YEARLY"}, "rule-0-other"
    ),
    "a term that is no number": ({"hold": "soon"}, "hold"),
    "no such clock": ({"zone": "Europe/Atlantis"}, "zone"),
    "an interval of no week": ({"rule-0-every": "0"}, "rule-0-other"),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "field"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_at_its_field(typed: dict[str, str], field: str) -> None:
    values = plan.filled(schedule("s", MONDAYS, HALF_HOUR, BERLIN))
    assert plan.problems(*_problems(values)) == []
    assert [one.field for one in plan.problems(*_problems(values | typed))] == [field]


def _problems(values: dict[str, str]) -> tuple[dict[str, Any], dict[int, str], tuple[()]]:
    return (*plan.made(values, {"resourceType": "Schedule"}), ())


def test_a_schedule_of_nobody_says_so() -> None:
    values = plan.filled(schedule("s", MONDAYS, HALF_HOUR, BERLIN)) | {"person": "", "place": ""}
    assert [one.field for one in plan.problems(*_problems(values))] == ["person"]


def test_rows_that_are_empty_are_left_out() -> None:
    values = plan.filled({"resourceType": "Schedule"}) | {
        "kinds": "3", "rules": "2", "kind-1-name": "Knee, left", "kind-1-minutes": "20",
        "rule-1-start": "09:00", "rule-1-end": "10:00", "person": "Practitioner/d", "zone": "UTC",
    }  # fmt: skip
    tree, _ = plan.made(values, {"resourceType": "Schedule"})
    found = reading.read(tree)
    (kind,) = found.visits
    assert (kind.code, kind.name, kind.minutes) == ("knee-left", "Knee, left", 20)
    assert kind.tokens() == {(plan.SYSTEM, "knee-left")}
    assert len(found.rules) == 1


def test_the_preview_has_the_days_with_hours_on_both_sides_of_a_change_of_the_clock() -> None:
    sundays = rule("01:00", "04:00", recurrence="FREQ=WEEKLY;BYDAY=SU", step=60)
    tree = schedule("s", sundays, visit_type("v", 60), BERLIN, closed("2027-04-04", "2027-04-04"))
    found = plan.preview(tree, (), date(2027, 3, 15), 28)
    assert [(one.day.isoformat(), one.spans, one.times, one.closed) for one in found] == [
        ("2027-03-21", ("01:00–04:00",), (("v", 3),), False),
        ("2027-03-28", ("01:00–04:00",), (("v", 2),), False),
        ("2027-04-04", (), (), True),
        ("2027-04-11", ("01:00–04:00",), (("v", 3),), False),
    ]


def test_closings_have_their_own_page() -> None:
    tree = schedule("s", MONDAYS, HALF_HOUR, BERLIN)
    urls = {one["url"] for one in plan.made(plan.filled(tree), tree)[0]["extension"]}
    assert urls == {names.RULE, names.VISIT_TYPE, names.TIME_ZONE, names.TERMS}
