"""From rules to times: both sides of a change of the clock, holidays, steps, and many years."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from careplane.telehealth.scheduling.availability.openings import offered, openings, windows
from careplane.telehealth.scheduling.availability.reading import read
from tests.scheduling_house import MINUTE, closed, location, rule, schedule, visit_type, zone

DAILY = "FREQ=DAILY"


def _times(
    day: str, *extensions: Any, minutes: int = 60, zone_name: str = "Europe/Berlin", until: str = ""
) -> list[str]:
    """Starts of a day, by the clock of the place with its offset."""
    tree = schedule("s", zone(zone_name), visit_type("v", minutes), *extensions)
    found = read(tree)
    low = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=found.zone)
    high = datetime.fromisoformat(f"{until or day}T23:59:59").replace(tzinfo=found.zone)
    ends = (round(low.timestamp()) * 10**6, round(high.timestamp()) * 10**6)
    return [
        f"{datetime.fromtimestamp(one.start // 10**6, found.zone):%d %H:%M%z}"
        for one in openings(found, found.visits[0], *ends)
    ]


CASES: dict[str, tuple[str, tuple[Any, ...], str, list[str]]] = {
    "a day without a change": (
        "2027-03-27", (rule("01:00", "04:00", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["27 01:00+0100", "27 02:00+0100", "27 03:00+0100"],
    ),
    "an hour that is not there": (
        "2027-03-28", (rule("01:00", "04:00", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["28 01:00+0100", "28 03:00+0200"],
    ),
    "the day after": (
        "2027-03-29", (rule("01:00", "04:00", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["29 01:00+0200", "29 02:00+0200", "29 03:00+0200"],
    ),
    "an hour that is there twice": (
        "2027-10-31", (rule("01:00", "04:00", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["31 01:00+0200", "31 02:00+0200", "31 02:00+0100", "31 03:00+0100"],
    ),
    "nine is nine before the change": (
        "2027-03-27", (rule("09:00", "10:00", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["27 09:00+0100"],
    ),
    "and nine after it": (
        "2027-03-28", (rule("09:00", "10:00", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["28 09:00+0200"],
    ),
    "a start that the clock skips": (
        "2027-03-28", (rule("02:30", "05:30", recurrence=DAILY, step=60),), "Europe/Berlin",
        ["28 03:30+0200", "28 04:30+0200"],
    ),
    "the other way round the world": (
        "2027-04-04", (rule("01:00", "04:00", recurrence=DAILY, step=60),), "Australia/Sydney",
        ["04 01:00+1100", "04 02:00+1100", "04 02:00+1000", "04 03:00+1000"],
    ),
    "half an hour of change": (
        "2027-10-03", (rule("01:30", "03:30", recurrence=DAILY, step=30),), "Australia/Lord_Howe",
        ["03 01:30+1030", "03 02:30+1100"],
    ),
    "a holiday": (
        "2027-03-27",
        (rule("09:00", "10:00", recurrence=DAILY), closed("2027-03-20", "2027-03-27")),
        "Europe/Berlin", [],
    ),
    "the day after a holiday": (
        "2027-03-28",
        (rule("09:00", "10:00", recurrence=DAILY), closed("2027-03-20", "2027-03-27")),
        "Europe/Berlin", ["28 09:00+0200"],
    ),
    "a rule that has ended": (
        "2027-03-28",
        (rule("09:00", "10:00", recurrence=DAILY, valid={"end": "2027-03-27"}),),
        "Europe/Berlin", [],
    ),
    "starts between the steps of a visit": (
        "2027-03-27", (rule("09:00", "10:30", recurrence=DAILY, step=15),), "Europe/Berlin",
        ["27 09:00+0100", "27 09:15+0100", "27 09:30+0100"],
    ),
    "two rules, in order of time": (
        "2027-03-27",
        (rule("13:00", "14:00", recurrence=DAILY), rule("09:00", "10:00", recurrence=DAILY)),
        "Europe/Berlin", ["27 09:00+0100", "27 13:00+0100"],
    ),
    "a rule for another visit type": (
        "2027-03-27",
        (visit_type("w", 60), rule("09:00", "10:00", recurrence=DAILY, visit_type="w")),
        "Europe/Berlin", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_times_of_a_day(name: str) -> None:
    day, extensions, where, expected = CASES[name]
    assert _times(day, *extensions, zone_name=where) == expected


def test_the_zone_and_the_holidays_may_be_those_of_the_location() -> None:
    tree = schedule("s", rule("09:00", "10:00", recurrence=DAILY), visit_type("v", 60))
    found = read(tree, (location("room", "ro", closed("2027-03-28", "2027-03-28")),))
    assert found.zone.key == "Europe/Berlin"
    begin = round(datetime(2027, 3, 27, tzinfo=UTC).timestamp()) * 10**6
    days = [
        one.start for one in openings(found, found.visits[0], begin, begin + 3 * 86_400 * 10**6)
    ]
    assert [datetime.fromtimestamp(at // 10**6, UTC).day for at in days] == [27, 29]


def test_a_rule_of_a_million_times_is_read_and_asked_in_no_time() -> None:
    tree = schedule(
        "s",
        zone("UTC"),
        visit_type("v", 1),
        rule("00:00", "23:59", recurrence="FREQ=DAILY;UNTIL=29991231", step=1),
    )
    begin = time.process_time()
    found = read(tree)
    low = round(datetime(2600, 1, 1, 12, tzinfo=UTC).timestamp()) * 10**6
    some = list(openings(found, found.visits[0], low, low + 10 * MINUTE))
    assert [one.start for one in some] == [low + n * MINUTE for n in range(10)]
    assert offered(found, found.visits[0], low, low + MINUTE)
    assert not offered(found, found.visits[0], low + 1, low + MINUTE + 1)
    assert time.process_time() - begin < 0.2


def test_windows_are_what_rules_hold_and_not_what_is_bookable() -> None:
    tree = schedule("s", zone("UTC"), rule("09:00", "12:00", recurrence=DAILY), visit_type("v", 60))
    found = read(tree)
    low = round(datetime(2027, 3, 1, 10, tzinfo=UTC).timestamp()) * 10**6
    ((begin, end, _),) = windows(found, low, low + MINUTE)
    assert (end - begin) // MINUTE == 180
