"""Date rows (FHIR R4, 3.1.1.4.7): the range of time that a value covers."""

from __future__ import annotations

from typing import Any

from careplane.fhir.moment import interval
from careplane.search.rows import BEGINNING, END, DateRow, Param, Rows

_new = tuple.__new__


def moment(rows: Rows, param: Param, value: str) -> None:
    """A date, dateTime or instant of any precision."""
    low, high = interval(value)
    rows.dates.append(_new(DateRow, (param, low, high)))


def period(rows: Rows, param: Param, value: Any) -> None:
    """A Period; an end that is not there is open."""
    start, end = value.start, value.end
    if start is None and end is None:
        return
    low = BEGINNING if start is None else interval(start)[0]
    high = END if end is None else interval(end)[1]
    rows.dates.append(_new(DateRow, (param, low, high)))


def timing(rows: Rows, param: Param, value: Any) -> None:
    """A Timing: from the first of its events or bounds to the last; the repetition between is
    left out of account, as the standard has it."""
    ranges = [interval(event) for event in value.event or () if event is not None]
    bounds = value.repeat.boundsPeriod if value.repeat is not None else None
    if bounds is not None and (bounds.start is not None or bounds.end is not None):
        ranges.append(
            (
                BEGINNING if bounds.start is None else interval(bounds.start)[0],
                END if bounds.end is None else interval(bounds.end)[1],
            )
        )
    if ranges:
        low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
        rows.dates.append(_new(DateRow, (param, low, high)))
