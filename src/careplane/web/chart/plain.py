"""Results in plain words: a value against its reference range, drawn and said, and against the last
one; pure.

Nothing here judges: the words tell where a value lies and which way it went. Sentences are message
ids with named places, to be translated where they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from careplane.web.chart.flags import Flag
from careplane.web.chart.results import Reading, Trend, Value
from careplane.web.i18n import mark
from careplane.web.say.analytes import GROUPS, OTHER, PLAIN
from careplane.words.catalogues import marks

WITHIN, BELOW, ABOVE = "within", "below", "above"
_ALIKE = 0.03
"""Two values count as about the same if they differ by no more than this part of the earlier."""
_STEADY = 4
"""So many values in a row make a movement worth a sentence."""
_RESULT_BY_FLAG = {
    "N": mark("Within the usual range"),
    "L": mark("Below the usual range"),
    "H": mark("Above the usual range"),
    "LL": mark("Far below the usual range"),
    "HH": mark("Far above the usual range"),
    "LU": mark("Far below the usual range"),
    "HU": mark("Far above the usual range"),
    "<": mark("Less than the test can measure"),
    ">": mark("More than the test can measure"),
    "A": mark("Not what is usual"),
    "AA": mark("Very different from what is usual"),
    "POS": mark("Found"),
    "DET": mark("Found"),
    "NEG": mark("Not found"),
    "ND": mark("Not found"),
    "R": mark("This medicine does not work against it"),
    "S": mark("This medicine works against it"),
    "I": mark("This medicine works against it in part"),
}
UNKNOWN = mark("No usual range was sent with this result")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message id and what stands in its places; `when` is a date as FHIR writes it, `many` the
    text where there are several of what is counted."""

    text: str
    before: str = ""
    unit: str = ""
    when: str = ""
    count: int = 0
    many: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A line from 0 to 100: where the usual range begins and ends, where the value lies. `clipped`
    where the value is beyond what is drawn."""

    low: float
    high: float
    at: float
    clipped: bool


def standing(value: Value) -> str:
    """Where a value lies, as a message id."""
    return _RESULT_BY_FLAG.get(value.flag.code, UNKNOWN) if value.flag else UNKNOWN


def side(value: Value) -> str:
    """`within`, `below` or `above` the reference range; empty where there is none."""
    if value.number is None or (value.low is None and value.high is None):
        return ""
    if value.low is not None and value.number < value.low:
        return BELOW
    return ABOVE if value.high is not None and value.number > value.high else WITHIN


def bar(value: Value) -> Bar | None:
    """The drawing of a value in its reference range; None where there is nothing to draw. The range
    is the middle half of it, or with one end open the half on that side."""
    number, low, high = value.number, value.low, value.high
    if number is None or (low is None and high is None):
        return None
    if low is None or high is None:
        edge = high if low is None else low
        assert edge is not None
        reach = abs(edge) or 1.0
        start, end = edge - reach, edge + reach
        band = (0.0, 50.0) if low is None else (50.0, 100.0)
    elif high > low:
        reach = (high - low) / 2
        start, end = low - reach, high + reach
        band = (25.0, 75.0)
    else:
        return None
    at = (number - start) / (end - start) * 100
    return Bar(*band, round(min(max(at, 2.0), 98.0), 1), not 0 <= at <= 100)


def change(trend: Trend, index: int = 0) -> Sentence | None:
    """How the newest value compares with the one before, by the place of the value in its panel;
    None for the first one, or where the two cannot be compared."""
    if len(trend.readings) < 2:
        return None
    now, before = (_at(reading, index) for reading in trend.readings[:2])
    if now is None or before is None or now.number is None or before.number is None:
        return None
    if now.unit != before.unit:
        return None
    difference = now.number - before.number
    if abs(difference) <= abs(before.number) * _ALIKE:
        text = _ABOUT_THE_SAME
    else:
        text = _MOVES[difference > 0, _crossed(before, now)]
    return Sentence(text, before.text, before.unit, trend.readings[1].when)


_ABOUT_THE_SAME = mark("About the same as last time: %(before)s %(unit)s on %(when)s.")


def _crossed(before: Value, now: Value) -> str:
    was, is_ = side(before), side(now)
    return is_ if was and is_ and was != is_ else ""


_MOVES = {
    (True, ""): mark("Higher than last time: %(before)s %(unit)s on %(when)s."),
    (False, ""): mark("Lower than last time: %(before)s %(unit)s on %(when)s."),
    (True, WITHIN): mark(
        "Higher than last time, and within the usual range again: it was %(before)s %(unit)s "
        "on %(when)s."
    ),
    (False, WITHIN): mark(
        "Lower than last time, and within the usual range again: it was %(before)s %(unit)s "
        "on %(when)s."
    ),
    (True, ABOVE): mark(
        "Higher than last time, and now above the usual range: it was %(before)s %(unit)s "
        "on %(when)s."
    ),
    (False, BELOW): mark(
        "Lower than last time, and now below the usual range: it was %(before)s %(unit)s "
        "on %(when)s."
    ),
    # only where the range itself has changed
    (True, BELOW): mark("Higher than last time: %(before)s %(unit)s on %(when)s."),
    (False, ABOVE): mark("Lower than last time: %(before)s %(unit)s on %(when)s."),
}


def movement(trend: Trend, index: int = 0) -> Sentence | None:
    """Whether the newest values have all gone one way; None where they have not."""
    numbers: list[float] = []
    for reading in trend.readings:
        value = _at(reading, index)
        if value is None or value.number is None or value.unit != trend.latest.unit:
            break
        numbers.append(value.number)
    for (text, many), way in ((_RISING, 1), (_FALLING, -1)):
        count = 1
        while count < len(numbers) and (numbers[count - 1] - numbers[count]) * way > 0:
            count += 1
        if count >= _STEADY:
            return Sentence(text, count=count, many=many)
    return None


_RISING = marks(
    "It has risen each time over the last %(num)s measurement.",
    "It has risen each time over the last %(num)s measurements.",
)
_FALLING = marks(
    "It has fallen each time over the last %(num)s measurement.",
    "It has fallen each time over the last %(num)s measurements.",
)


def _at(reading: Reading, index: int) -> Value | None:
    return reading.values[index] if index < len(reading.values) else None


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a result, as it is told: `name` of the part in a panel, else empty."""

    name: str
    value: Value
    standing: str
    bar: Bar | None
    change: Sentence | None
    movement: Sentence | None

    @property
    def flag(self) -> Flag | None:
        return self.value.flag


@dataclass(frozen=True, slots=True)
class Told:
    """A test in plain words: its name as a message id (`known`) or as it was sent, what it is, how
    it stands now, and its trend."""

    key: str
    name: str
    known: bool
    says: str
    group: str
    lines: tuple[Line, ...]
    trend: Trend

    @property
    def when(self) -> str:
        return self.trend.latest.when

    @property
    def unusual(self) -> bool:
        """Whether a value lies outside of what is usual."""
        return any(line.flag and line.flag.gravity for line in self.lines)


def told(trend: Trend, names: Mapping[str, str] | None = None) -> Told:
    """A trend in plain words; `names` are those of tests that the table does not know, by code."""
    plain = PLAIN.get(trend.key)
    values = trend.latest.values
    lines = tuple(
        Line(
            value.label if len(values) > 1 else "",
            value,
            standing(value),
            bar(value),
            change(trend, index),
            movement(trend, index),
        )
        for index, value in enumerate(values)
    )
    if plain is None:
        name = (names or {}).get(trend.key, trend.name)
        return Told(trend.key, name, False, "", OTHER, lines, trend)
    return Told(trend.key, plain.name, True, plain.says, plain.group, lines, trend)


def grouped(tests: Sequence[Told]) -> list[tuple[str, list[Told]]]:
    """Tests under the groups that patients know, in their order; each with the newest first."""
    found: dict[str, list[Told]] = {group: [] for group in GROUPS}
    for test in sorted(tests, key=lambda test: test.when, reverse=True):
        found[test.group].append(test)
    return [(group, rows) for group, rows in found.items() if rows]
