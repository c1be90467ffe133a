"""Dates of any precision as ranges."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from careplane.fhir.moment import interval

S = 1_000_000


def micro(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * S  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2015", micro(2015, 1, 1), micro(2016, 1, 1)),
        ("2015-02", micro(2015, 2, 1), micro(2015, 3, 1)),
        ("2015-12", micro(2015, 12, 1), micro(2016, 1, 1)),
        ("2016-02-29", micro(2016, 2, 29), micro(2016, 3, 1)),
        ("2015-02-07T13:28", micro(2015, 2, 7, 13, 28), micro(2015, 2, 7, 13, 29)),
        ("2015-02-07T13:28:17", micro(2015, 2, 7, 13, 28, 17), micro(2015, 2, 7, 13, 28, 18)),
        ("2015-02-07T13:28Z", micro(2015, 2, 7, 13, 28), micro(2015, 2, 7, 13, 29)),
        ("2015-02-07T13:28:17Z", micro(2015, 2, 7, 13, 28, 17), micro(2015, 2, 7, 13, 28, 18)),
        ("2015-02-07T13:28:17-05:00", micro(2015, 2, 7, 18, 28, 17), micro(2015, 2, 7, 18, 28, 18)),
        ("2016-12-31T23:59:60Z", micro(2017, 1, 1), micro(2017, 1, 1) + S),
        ("1970-01-01T00:00:00.5Z", 500_000, 600_000),
        ("1970-01-01T00:00:00.125Z", 125_000, 126_000),
        ("1970-01-01T00:00:00.1234567Z", 123_456, 123_457),
        ("1969-12-31T23:59:59.999Z", -1000, 0),
        ("9999", micro(9999, 1, 1), micro(9999, 12, 31) + 86_400 * S),
        ("9999-12-31T23:59:59Z", micro(9999, 12, 31, 23, 59, 59), micro(9999, 12, 31) + 86_400 * S),
        ("0001-01-01T00:00:00+14:00", micro(1, 1, 1) - 14 * 3600 * S, None),
    ],
)
def test_covers(text: str, low: int, high: int | None) -> None:
    assert interval(text) == (low, low + S if high is None else high)


@pytest.mark.parametrize(
    "text", ["2015-02-30", "2015-13", "now", "", "20150207", "2015-02-07T25:00:00Z"]
)
def test_refuses_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (datetime's own words)
        interval(text)
