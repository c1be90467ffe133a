"""Schedules whose rules cannot be used: what is wrong, and where, in bounded time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from careplane.kernel.errors import Invalid
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability.reading import check, read
from tests.scheduling_house import closed, rule, schedule, terms, visit_type, zone

ZONE = zone("Europe/Berlin")
GOOD = rule("09:00", "10:00")
BAD: dict[str, tuple[tuple[Any, ...], str, str]] = {
    "it ends before it starts": (
        (ZONE, rule("10:00", "09:00")), "Schedule.extension[1].extension('end')", "ends after it",
    ),
    "it ends when it starts": (
        (ZONE, rule("10:00", "10:00")), "Schedule.extension[1].extension('end')", "ends after it",
    ),
    "no time of day": (
        (ZONE, rule("25:00", "26:00")), "Schedule.extension[1].extension('start')", "time of day",
    ),
    "overlapping rules": (
        (ZONE, GOOD, rule("09:59", "11:00")), "Schedule.extension", "Rules 1 and 2 overlap on 2020",
    ),
    "rules that meet once in a long while": (
        (ZONE, rule("09:00", "10:00", recurrence="FREQ=MONTHLY;BYMONTHDAY=13"),
         rule("09:00", "10:00", recurrence="FREQ=WEEKLY;BYDAY=FR")),
        "Schedule.extension", "overlap on 2020-03-13",
    ),
    "an unknown time zone": (
        (zone("Europe/Atlantis"), GOOD), "Schedule.extension[0].valueCode", "no time zone",
    ),
    "a time zone that is a path": (
        (zone("../../etc/passwd"), GOOD), "Schedule.extension[0].valueCode", "no time zone",
    ),
    "a recurrence by the minute": (
        (ZONE, rule("09:00", "10:00", recurrence="FREQ=MINUTELY")),
        "Schedule.extension[1].extension('recurrence')", "needs a FREQ",
    ),
    "a step of nothing": (
        (ZONE, rule("09:00", "10:00", step=0)),
        "Schedule.extension[1].extension('step')", "from 1",
    ),
    "a step of a text": (
        (ZONE, rule("09:00", "10:00", step="x")),
        "Schedule.extension[1].extension('step')", "whole number",
    ),
    "a visit of more than a day": (
        (ZONE, GOOD, visit_type("v", 100_000)),
        "Schedule.extension[2].extension('minutes')", "to 1440",
    ),
    "a visit type that is not there": (
        (ZONE, rule("09:00", "10:00", visit_type="w"), visit_type("v", 30)),
        "Schedule.extension[1]", "no visit type 'w'",
    ),
    "a visit type without a code": (
        (ZONE, GOOD, {"url": names.VISIT_TYPE, "extension": []}),
        "Schedule.extension[2].extension('code')", "needs a code",
    ),
    "holidays that end before they start": (
        (ZONE, GOOD, closed("2027-03-02", "2027-03-01")), "Schedule.extension[2]", "ends before",
    ),
    "holidays without an end": (
        (ZONE, GOOD, {"url": names.CLOSED, "valuePeriod": {"start": "2027-03-01"}}),
        "Schedule.extension[2]", "start and an end",
    ),
    "a validity of a month": (
        (ZONE, rule("09:00", "10:00", valid={"start": "2027-03"})),
        "Schedule.extension[1].extension('valid')", "has dates",
    ),
    "terms of nothing": (
        (ZONE, GOOD, terms(hold=0)), "Schedule.extension[2].extension('hold')", "from 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_its_place(name: str) -> None:
    extensions, where, said = BAD[name]
    with pytest.raises(Invalid) as caught:
        check(schedule("s", *extensions))
    found = [(issue.where, issue.text) for issue in caught.value.issues]
    assert any(place == where and said in text for place, text in found), found


def test_every_problem_is_said_at_once() -> None:
    bad = schedule("s", zone("Nowhere"), rule("10:00", "09:00"), closed("2027-03-02", "2027-03-01"))
    with pytest.raises(Invalid) as caught:
        check(bad)
    assert len(caught.value.issues) >= 3


def test_without_a_zone_anywhere_it_cannot_be_used() -> None:
    check(schedule("s", GOOD))  # it may stand on a Location that is not known here
    with pytest.raises(Invalid, match="availability") as caught:
        read(schedule("s", GOOD))
    assert caught.value.issues[0].code == "required"


def test_many_rules_are_looked_at_in_bounded_time() -> None:
    days = [
        rule("09:00", "10:00", recurrence=f"FREQ=MONTHLY;BYMONTHDAY={day}", valid={"start": at})
        for day in range(1, 26)
        for at in ("2021-01-01",)
    ]
    begin = time.process_time()
    check(schedule("s", ZONE, *days))
    with pytest.raises(Invalid, match="cannot be used") as caught:
        check(schedule("s", ZONE, *[GOOD] * 1000))
    assert "at most 50 rules" in caught.value.issues[0].text
    assert time.process_time() - begin < 1.5
