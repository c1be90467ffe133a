"""Recurrence, by RFC 5545: on which days of a month a rule holds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from dateutil.rrule import rrulestr

from careplane.telehealth.scheduling.availability.recurrence import read

SINCE = date(2027, 1, 6)
"""A Wednesday."""

GOOD = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYDAY=MO,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=MO,WE,SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TH",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYDAY=2MO",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=TU",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=1WE,3WE",
    "FREQ=MONTHLY;BYMONTHDAY=1,15,31",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=DAILY;UNTIL=20270131",
    "RRULE:FREQ=WEEKLY;BYDAY=WE;UNTIL=20270301T000000Z",
]


@pytest.mark.parametrize("text", GOOD)
def test_it_holds_where_a_library_says_so(text: str) -> None:
    found = read(text)
    days = [SINCE + timedelta(days=number) for number in range(500)]
    mine = [day for day in days if found.holds(day, SINCE)]
    start = f"DTSTART:{SINCE:%Y%m%d}T000000\nRRULE:"
    other = rrulestr(start + text.removeprefix("RRULE:").replace("T000000Z", ""))
    theirs = [at.date() for at in other.between(*_ends(days), inc=True)]
    assert mine == theirs


def _ends(days: list[date]) -> tuple:  # type: ignore[type-arg]
    from datetime import datetime, time

    return datetime.combine(days[0], time()), datetime.combine(days[-1], time())


BAD = [
    ("", "is written as"),
    ("FREQ=HOURLY", "needs a FREQ"),
    ("FREQ=MINUTELY;INTERVAL=1", "needs a FREQ"),
    ("FREQ=DAILY;COUNT=1000000", "write UNTIL instead"),
    ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS"),
    ("FREQ=DAILY;FREQ=DAILY", "is written as"),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
    ("FREQ=DAILY;INTERVAL=99999999999999999999", "INTERVAL"),
    ("FREQ=DAILY;INTERVAL=\u0661", "INTERVAL"),
    ("FREQ=WEEKLY;BYDAY=2MO", "BYDAY"),
    ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
    ("FREQ=MONTHLY;BYMONTHDAY=a", "BYMONTHDAY"),
    ("FREQ=DAILY;UNTIL=20270231", "UNTIL"),
    ("FREQ=DAILY;UNTIL=soon", "UNTIL"),
    ("FREQ=DAILY;" + "X" * 300, "longer"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)
