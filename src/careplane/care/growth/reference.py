"""Where a child stands: L, M and S of the WHO below two years, and of the CDC from there on.

Of a measurement y the z-score is ((y/M)^L - 1) / (L S), by L, M and S at the age of the child
(Cole and Green 1992). The WHO Child Growth Standards of 2006 are by week to 13 weeks and by month
from there, with length measured lying, and by length for weight for length; the CDC growth charts
of 2000 have a row for the middle of each month from 2 to 20 years, with height measured standing.
That is what the CDC recommends (MMWR 2010;59 RR-9). Between rows it is interpolated.
`tools/generate_growth.py` makes the tables, and says where from.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from statistics import NormalDist
from typing import Final, Literal

Name = Literal["height", "weight", "weight-for-length", "head", "bmi"]
NAMES: Final[tuple[Name, ...]] = ("height", "weight", "weight-for-length", "head", "bmi")
Source = Literal["who2006", "cdc2000"]
CHANGE: Final = 24
"""Age in months at which the tables of the CDC take over."""
LAST: Final = 240.5
"""Age in months up to which there are tables."""
PERCENTILES: Final[dict[Source, tuple[float, ...]]] = {
    "who2006": (2.3, 10, 25, 50, 75, 90, 97.7),
    "cdc2000": (3, 10, 25, 50, 75, 90, 97),
}
"""The lines of a chart; of the WHO the outer ones are two standard deviations from the median."""
_HEAD_LAST: Final = 60
_DAYS: Final = 30.4375
"""Days of a month, as the WHO and the CDC count them."""
_FLAT: Final = 1e-9
"""A power so near to none that the distribution is log-normal."""
_FAR: Final = 3
"""Standard deviations beyond which the WHO goes on in steps of the last one (2006, chapter 7)."""
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Standing:
    """Among children of that age and sex: standard deviations from the median, and how many of a
    hundred are below."""

    z: float
    percentile: float


def months(days: int) -> float:
    """An age in months."""
    return days / _DAYS


def source(name: Name, age: float) -> Source:
    """Which tables are asked of a child of that age in months."""
    young = age < CHANGE or name == "weight-for-length" or (name == "head" and age <= _HEAD_LAST)
    return "who2006" if young else "cdc2000"


def standing(
    name: Name, sex: str, age: float, value: float, length: float | None = None
) -> Standing | None:
    """Where a value stands; None outside of the tables. Age is in months; weight for length asks
    for the length in centimetres, and is said of children below two years alone."""
    if name == "weight-for-length" and (length is None or age >= CHANGE):
        return None
    chosen = source(name, age)
    found = _lms(chosen, name, sex, age if length is None else length)
    if found is None or value <= 0:
        return None
    z = _z(found, value)
    if chosen == "who2006" and abs(z) > _FAR:
        z = _beyond(found, value, _FAR if z > 0 else -_FAR)
    return Standing(z, 100 * _NORMAL.cdf(z))


def curve(chosen: Source, name: Name, sex: str, percentile: float) -> list[tuple[float, float]]:
    """Points of a percentile: age in months (of weight for length: centimetres) and value, from the
    begin to the end of the tables."""
    z = _NORMAL.inv_cdf(percentile / 100)
    return [(at, _value(lms, z)) for at, *lms in _tables(chosen).get(name, {}).get(sex, [])]


def _z(lms: list[float], value: float) -> float:
    power, median, spread = lms
    part = value / median
    return log(part) / spread if abs(power) < _FLAT else (part**power - 1) / (power * spread)


def _beyond(lms: list[float], value: float, far: int) -> float:
    edge, before = _value(lms, far), _value(lms, far - 1 if far > 0 else far + 1)
    return far + (value - edge) / abs(edge - before)


def _value(lms: list[float], z: float) -> float:
    power, median, spread = lms
    if abs(power) < _FLAT:
        return median * exp(spread * z)
    return float(median * (1 + power * spread * z) ** (1 / power))


def _lms(chosen: Source, name: Name, sex: str, at: float) -> list[float] | None:
    rows = _tables(chosen).get(name, {}).get(sex, [])
    if not rows or not rows[0][0] <= at <= rows[-1][0]:
        return None
    after = min(bisect_right([row[0] for row in rows], at), len(rows) - 1)
    low, high = rows[after - 1], rows[after]
    part = (at - low[0]) / (high[0] - low[0])
    return [a + (b - a) * part for a, b in zip(low[1:], high[1:], strict=True)]


@cache
def _tables(chosen: Source) -> dict[str, dict[str, list[list[float]]]]:
    text = Path(__file__).with_name(f"{chosen}.json").read_text("ascii")
    return {key: table for key, table in json.loads(text).items() if key != "source"}
