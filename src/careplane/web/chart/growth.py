"""A growth chart: measurements of a child against percentiles, drawn here, with its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careplane.care.growth import reference
from careplane.care.growth.reference import NAMES, PERCENTILES, Name, Standing
from careplane.care.lists.vitals import bmi
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say.dates import age as say_age
from careplane.web.say.dates import day_of, say_date

CODES: dict[str, Name] = {"29463-7": "weight", "3141-9": "weight", "8302-2": "height",
                          "8306-3": "height", "39156-5": "bmi"}  # fmt: skip
HEAD = ("9843-4", "8287-5")
TITLES = {"height": mark("Height for age"), "weight": mark("Weight for age"),
          "bmi": mark("Body mass index for age")}  # fmt: skip
UNITS = {"height": "cm", "weight": "kg", "bmi": "kg/m²"}
_FACTORS = {"kg": 1.0, "g": 0.001, "[lb_av]": 0.45359237, "cm": 1.0, "m": 100.0, "[in_i]": 2.54,
            "kg/m2": 1.0}  # fmt: skip
WIDTH, HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 40, 12, 28
ADULT = 20
_SPANS = (6, 12, ADULT)
"""Years that a chart goes to, by how old the child is."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: how old the child was (in months, and in words), and where it stands; no
    `standing` where the reference has none for that age."""

    when: str
    months: float
    age: str
    value: float
    standing: Standing | None
    sort: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: lines by percentile as SVG paths with where their label stands, the dots, and
    the marks of both axes; `rows` are the points, newest first."""

    name: str
    title: str
    unit: str
    rows: list[Point]
    lines: list[tuple[int, str, float]]
    dots: list[tuple[float, float]]
    path: str
    years: list[tuple[int, float]]
    steps: list[tuple[str, float]]


def is_child(patient: Tree, today: date) -> bool:
    """Whether a patient is younger than 20 years."""
    born = day_of(str(patient.get("birthDate", "")))
    return born is not None and (today - born).days < ADULT * 365.25


def charts(patient: Tree, observations: Iterable[Tree], today: date) -> list[Chart]:
    """Height, weight and BMI for age, of those that were measured."""
    born, sex = day_of(str(patient.get("birthDate", ""))), str(patient.get("gender", ""))
    if born is None:
        return []
    found = _measured(observations)
    made = []
    for name in NAMES:
        rows = [_point(name, sex, born, day, value) for day, value in sorted(found[name].items())]
        if rows:
            made.append(_chart(name, sex, [row for row in rows if row is not None]))
    return made


def _measured(observations: Iterable[Tree]) -> dict[Name, dict[str, float]]:
    """Values by day; a BMI that nobody wrote is worked out of height and weight of one day."""
    found: dict[Name, dict[str, float]] = {name: {} for name in NAMES}
    for tree in observations:
        codes = (c.get("code", "") for c in tree.get("code", {}).get("coding", ()))
        name = next((CODES[code] for code in codes if code in CODES), None)
        quantity = tree.get("valueQuantity", {})
        factor = _FACTORS.get(str(quantity.get("code") or quantity.get("unit", "")))
        day = str(tree.get("effectiveDateTime", ""))[:10]
        done = tree.get("status") not in ("cancelled", "entered-in-error")
        if name and factor and done and len(day) == 10 and "value" in quantity:
            found[name][day] = float(quantity["value"]) * factor
    for day in found["height"].keys() & found["weight"].keys():
        weight, height = Decimal(str(found["weight"][day])), Decimal(str(found["height"][day]))
        if day not in found["bmi"] and height > 0:
            found["bmi"][day] = float(bmi(weight, height))
    return found


def _point(name: Name, sex: str, born: date, day: str, value: float) -> Point | None:
    when = day_of(day)
    if when is None or when < born:
        return None
    months = reference.months((when - born).days)
    standing = reference.standing(name, sex, months, value)
    said = say_age(born.isoformat(), when)
    return Point(say_date(day), months, said, round(value, 1), standing, day)


def _chart(name: Name, sex: str, rows: Sequence[Point]) -> Chart:
    oldest = max((row.months for row in rows), default=0.0)
    years = next(years for years in _SPANS if oldest < years * 12 or years == ADULT)
    curves = {
        p: [point for point in reference.curve(name, sex, p, 3) if point[0] <= years * 12 + 1]
        for p in PERCENTILES
    }
    values = [v for points in curves.values() for _, v in points] + [row.value for row in rows]
    low, high = min(values), max(values)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if (high - low) / s <= 10)
    low, high = low // step * step, (high // step + 1) * step

    def x(months: float) -> float:
        part = min(max(months / (years * 12 + 1), 0), 1)
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        part = (value - low) / (high - low)
        return round(HEIGHT - _BOTTOM - part * (HEIGHT - _TOP - _BOTTOM), 1)

    def path(points: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{'L' if at else 'M'}{x(m)} {y(v)}" for at, (m, v) in enumerate(points))

    dots = [(x(row.months), y(row.value)) for row in rows]
    return Chart(
        name=name,
        title=TITLES[name],
        unit=UNITS[name],
        rows=list(reversed(rows)),
        lines=[(p, path(points), y(points[-1][1])) for p, points in curves.items() if points],
        dots=dots,
        path=path((row.months, row.value) for row in rows),
        years=[(year, x(year * 12)) for year in range(0, years + 1, 2 if years > 6 else 1)],
        steps=[(f"{low + step * n:g}", y(low + step * n))
               for n in range(int((high - low) / step) + 1)],
    )  # fmt: skip
