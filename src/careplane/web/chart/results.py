"""Observations as readings, and readings of one kind as a trend (R4 10.1 Observation)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from careplane.fhir.tree import Tree
from careplane.web.chart.flags import Flag, flag_of
from careplane.web.say import types
from careplane.web.say.dates import here, say_date, seconds_of
from careplane.web.say.elements import say_choice
from careplane.words import numbers
from careplane.words.catalogues import ngettext
from careplane.words.lists import isolated

_NOT_DONE = {"cancelled", "entered-in-error"}


@dataclass(frozen=True, slots=True)
class Value:
    """One measured value: a result has one, a panel such as blood pressure several."""

    label: str
    text: str
    unit: str
    number: float | None
    low: float | None
    high: float | None
    range: str
    flag: Flag | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One Observation, as a row of a table."""

    id: str
    key: str
    name: str
    when: str
    note: str
    values: tuple[Value, ...]

    @property
    def text(self) -> str:
        return isolated(" / ".join(value.text for value in self.values))

    @property
    def unit(self) -> str:
        return self.values[0].unit if self.values else ""

    @property
    def flag(self) -> Flag | None:
        """The gravest flag of its values."""
        flags = [value.flag for value in self.values if value.flag]
        return max(flags, key=lambda flag: flag.gravity, default=None)

    @property
    def range(self) -> str:
        ranges = [value.range for value in self.values]
        return isolated(" / ".join(ranges)) if any(ranges) else ""


@dataclass(frozen=True)
class Trend:
    """Readings of one code, newest first."""

    key: str
    name: str
    readings: tuple[Reading, ...]

    @property
    def latest(self) -> Reading:
        return self.readings[0]

    def recent(self, since: str) -> Trend:
        """The trend from a day on, if enough was measured since then; else all of it."""
        kept = tuple(reading for reading in self.readings if reading.when >= since)
        return replace(self, readings=kept) if len(kept) > 3 else self

    @property
    def lines(self) -> tuple[tuple[Value, tuple[tuple[float, float], ...]], ...]:
        """For each value of the newest reading its points (seconds, number), oldest first."""
        return tuple(
            (value, tuple((seconds, number) for seconds, number, _ in points))
            for value, points in self.written
        )

    @cached_property
    def written(self) -> tuple[tuple[Value, tuple[tuple[float, float, str], ...]], ...]:
        """As `lines`, each point with its number as it was written: 86.0 is not 86."""
        return tuple(
            (value, self._points(index, value.unit))
            for index, value in enumerate(self.latest.values)
            if value.number is not None
        )

    def _points(self, index: int, unit: str) -> tuple[tuple[float, float, str], ...]:
        points = []
        for reading in reversed(self.readings):
            seconds = seconds_of(reading.when)
            value = reading.values[index] if index < len(reading.values) else None
            if value and value.number is not None and value.unit == unit and seconds is not None:
                points.append((seconds, value.number, value.text))
        return tuple(points)

    @property
    def plotted(self) -> bool:
        """Whether there is a line to draw."""
        return any(len(points) > 1 for _, points in self.lines)

    @property
    def summary(self) -> str:
        """What the plot shows, in words."""
        first, last = self.readings[-1], self.readings[0]
        return ngettext(
            "%(name)s: %(num)s value from %(from)s to %(to)s; first %(first)s, latest %(latest)s",
            "%(name)s: %(num)s values from %(from)s to %(to)s; first %(first)s, latest %(latest)s",
            len(self.readings),
            **{"name": self.name, "from": say_date(first.when)},
            to=say_date(last.when),
            first=first.text,
            latest=f"{last.text} {last.unit}".strip(),
        )


def reading(tree: Tree) -> Reading | None:
    """The row of an Observation; None if it does not count as a result."""
    if tree.get("status") in _NOT_DONE:
        return None
    values = [_value(part) for part in (tree, *tree.get("component", ())) if _measured(part)]
    if not values:
        return None
    code = tree.get("code", {})
    return Reading(
        id=tree.get("id", ""),
        key=next((c.get("code", "") for c in code.get("coding", ())), ""),
        name=types.concept(code),
        when=_when(tree),
        note=" ".join(note.get("text", "") for note in tree.get("note", ())),
        values=tuple(sorted(values, key=lambda value: value.label.startswith("Diastolic"))),
    )


def _measured(tree: Tree) -> bool:
    return any(key.startswith("value") or key == "dataAbsentReason" for key in tree)


def _when(tree: Tree) -> str:
    period = tree.get("effectivePeriod", {})
    return here(str(
        tree.get("effectiveDateTime") or tree.get("effectiveInstant") or period.get("start")
        or tree.get("issued", "")
    ))  # fmt: skip


def _value(tree: Tree) -> Value:
    measured = tree.get("valueQuantity", {})
    number = float(measured["value"]) if "value" in measured else None
    ranges = tree.get("referenceRange", ())
    low, high = (_limit(ranges, end) for end in ("low", "high"))
    comparator = types.COMPARATORS.get(measured.get("comparator", ""), "")
    absent = types.concept(tree.get("dataAbsentReason", {}))
    return Value(
        label=types.concept(tree.get("code", {})),
        text=f"{comparator}{numbers.measured(measured['value'])}" if number is not None else
        say_choice(tree, "value") or absent,
        unit=types.unit(measured),
        number=number,
        low=low,
        high=high,
        range=_range(ranges[0]) if ranges else "",
        flag=flag_of(tree, number, low, high),
    )  # fmt: skip


def _limit(ranges: Sequence[Tree], end: str) -> float | None:
    limit = ranges[0].get(end, {}).get("value") if len(ranges) == 1 else None
    return None if limit is None else float(limit)


def _range(tree: Tree) -> str:
    if "text" in tree:
        return str(tree["text"])
    low, high = (_written(tree.get(end, {})) for end in ("low", "high"))
    if low and high:
        return f"{low} – {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def _written(limit: Tree) -> str:
    return numbers.measured(limit["value"]) if "value" in limit else ""


def readings(trees: Iterable[Tree]) -> list[Reading]:
    """Rows, newest first."""
    rows = [row for tree in trees if (row := reading(tree))]
    return sorted(rows, key=lambda row: row.when, reverse=True)


def trends(rows: Iterable[Reading]) -> list[Trend]:
    """Readings by code; the order of first appearance is kept."""
    grouped: dict[str, list[Reading]] = defaultdict(list)
    for row in rows:
        grouped[row.key or row.name].append(row)
    return [Trend(key, group[0].name, tuple(group)) for key, group in grouped.items()]


def _short(label: str, panel: str) -> str:
    """`Systolic` for `Systolic blood pressure` in a plot of blood pressure."""
    shorter = label[: -len(panel)].strip() if label.lower().endswith(panel.lower()) else label
    return shorter or panel


def plot(trend: Trend) -> dict[str, Any]:
    """The data of a plot, for the `trend-plot` element."""
    return {
        "name": trend.name,
        "unit": trend.latest.unit,
        "lines": [
            {
                "label": _short(value.label, trend.name),
                "low": value.low,
                "high": value.high,
                "points": points,
            }
            for value, points in trend.written
        ],
    }
