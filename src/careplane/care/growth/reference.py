"""Where a child stands by the CDC growth charts of 2000: LMS of weight, height and BMI for age.

Of a measurement y the z-score is ((y/M)^L - 1) / (L S), by L, M and S at the age of the child
(Cole and Green 1992). The tables have a row for the middle of each month from 2 to 20 years; ages
between rows are interpolated. `tools/generate_growth.py` makes the tables, and says where from.
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

Name = Literal["weight", "height", "bmi"]
NAMES: Final[tuple[Name, ...]] = ("height", "weight", "bmi")
PERCENTILES: Final = (3, 10, 25, 50, 75, 90, 97)
FIRST: Final = 24.5
"""Age in months from which there are tables."""
LAST: Final = 240.5
_DAYS: Final = 30.4375
"""Days of a month, as the CDC counts them."""
_FLAT: Final = 1e-9
"""A power so near to none that the distribution is log-normal."""
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


def standing(name: Name, sex: str, age: float, value: float) -> Standing | None:
    """Where a value stands; None outside of the tables. Age is in months."""
    found = _lms(name, sex, age)
    if found is None or value <= 0:
        return None
    power, median, spread = found
    part = value / median
    z = log(part) / spread if abs(power) < _FLAT else (part**power - 1) / (power * spread)
    return Standing(z, 100 * _NORMAL.cdf(z))


def curve(name: Name, sex: str, percentile: int, step: int = 6) -> list[tuple[float, float]]:
    """Points of a percentile: age in months and value, from the begin to the end of the tables."""
    z = _NORMAL.inv_cdf(percentile / 100)
    rows = _tables()[name].get(sex, [])
    chosen = [row for at, row in enumerate(rows) if at % step == 0 or at == len(rows) - 1]
    return [(row[0], _value(row[1], row[2], row[3], z)) for row in chosen]


def _value(power: float, median: float, spread: float, z: float) -> float:
    if abs(power) < _FLAT:
        return median * exp(spread * z)
    return float(median * (1 + power * spread * z) ** (1 / power))


def _lms(name: Name, sex: str, age: float) -> tuple[float, float, float] | None:
    rows = _tables()[name].get(sex, [])
    if not rows or not rows[0][0] <= age <= rows[-1][0]:
        return None
    after = min(bisect_right([row[0] for row in rows], age), len(rows) - 1)
    low, high = rows[after - 1], rows[after]
    part = (age - low[0]) / (high[0] - low[0])
    power, median, spread = (a + (b - a) * part for a, b in zip(low[1:], high[1:], strict=True))
    return power, median, spread


@cache
def _tables() -> dict[str, dict[str, list[list[float]]]]:
    text = Path(__file__).with_name("cdc2000.json").read_text("ascii")
    return {key: table for key, table in json.loads(text).items() if key != "source"}
