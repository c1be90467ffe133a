"""Growth charts: measurements of a child against percentiles, drawn here, with their table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from careplane.care.growth import reference
from careplane.care.growth.reference import CHANGE, NAMES, PERCENTILES, Name, Source, Standing
from careplane.care.lists.vitals import bmi
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say.dates import age as say_age
from careplane.web.say.dates import day_of, say_date

CODES: dict[str, Name] = {"29463-7": "weight", "3141-9": "weight", "8302-2": "height",
                          "8306-3": "height", "39156-5": "bmi", "9843-4": "head",
                          "8287-5": "head"}  # fmt: skip
GESTATION = "76516-4"
"""LOINC: gestational age at birth."""
TITLES = {"height": mark("Length or height for age"), "weight": mark("Weight for age"),
          "weight-for-length": mark("Weight for length, below two years"),
          "head": mark("Head circumference for age"),
          "bmi": mark("Body mass index for age")}  # fmt: skip
UNITS = {"height": "cm", "weight": "kg", "weight-for-length": "kg", "head": "cm", "bmi": "kg/m²"}
MONTHS, YEARS, CENTIMETRES = (
    mark("Ages in months."), mark("Ages in years."), mark("Lengths in centimetres.")
)  # fmt: skip
_FACTORS = {"kg": 1.0, "g": 0.001, "[lb_av]": 0.45359237, "cm": 1.0, "m": 100.0, "[in_i]": 2.54,
            "kg/m2": 1.0}  # fmt: skip
_WEEKS = {"wk": 1.0, "d": 1 / 7}
_TERM, _PRETERM, _VIABLE = 40, 37, 20
WIDTH, HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 40, 12, 28
ADULT = 20
_SPANS = (6, 12, ADULT)
"""Years that a chart goes to, by how old the child is, from two years on."""
_LENGTHS = (65, 85, 110)
_SHORTEST = 45


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: when, at which age in words, and `at` where on the chart (months, corrected
    for an early birth, or centimetres); `corrected` is that age in words, of an early birth alone.
    `standing` is None where the reference has none."""

    when: str
    at: float
    age: str
    corrected: str | None
    length: float | None
    value: float
    standing: Standing | None
    sort: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: lines by percentile as SVG paths with where their label stands, the dots, and
    the marks of both axes, of which `across` says what it is; `rows` are the points, newest first,
    and `sources` whose tables the lines are of."""

    name: Name
    title: str
    unit: str
    rows: list[Point]
    sources: list[Source]
    lines: list[tuple[str, str, float]]
    dots: list[tuple[float, float]]
    path: str
    across: str
    marks: list[tuple[int, float]]
    steps: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    says: str
    marks: list[tuple[int, float]]
    """What is written, and at which place of the axis."""


def is_child(patient: Tree, today: date) -> bool:
    """Whether a patient is younger than 20 years."""
    born = day_of(str(patient.get("birthDate", "")))
    return born is not None and (today - born).days < ADULT * 365.25


def born_at(observations: Iterable[Tree]) -> float | None:
    """Weeks of gestation at birth where that was before 37; of several the newest, None of none."""
    for tree in sorted(observations, key=lambda t: str(t.get("effectiveDateTime")), reverse=True):
        quantity = tree.get("valueQuantity", {})
        factor = _WEEKS.get(str(quantity.get("code", "")))
        if GESTATION in _codes(tree) and _stands(tree) and factor and "value" in quantity:
            weeks = float(quantity["value"]) * factor
            return weeks if _VIABLE <= weeks < _PRETERM else None
    return None


def charts(patient: Tree, observations: Iterable[Tree], today: date) -> list[Chart]:
    """Length or height, weight, weight for length, head and BMI, of those that were measured."""
    born, sex = day_of(str(patient.get("birthDate", ""))), str(patient.get("gender", ""))
    if born is None:
        return []
    given = list(observations)
    weeks = born_at(given)
    term = born + timedelta(weeks=0 if weeks is None else _TERM - weeks)
    found, lengths = _measured(given, born)
    made = []
    for name in NAMES:
        rows = [_point(name, sex, (born, term), day, value, lengths.get(day))
                for day, value in sorted(found[name].items())]  # fmt: skip
        if kept := [row for row in rows if row is not None]:
            made.append(_chart(name, sex, kept))
    return made


def _measured(
    observations: Iterable[Tree], born: date
) -> tuple[dict[Name, dict[str, float]], dict[str, float]]:
    """Values by day, and lengths by day. Of weight and height of one day comes the weight for
    length below two years, and above the BMI where nobody wrote it."""
    found: dict[Name, dict[str, float]] = {name: {} for name in NAMES}
    for tree in observations:
        name = next((CODES[code] for code in _codes(tree) if code in CODES), None)
        quantity = tree.get("valueQuantity", {})
        factor = _FACTORS.get(str(quantity.get("code") or quantity.get("unit", "")))
        day = str(tree.get("effectiveDateTime", ""))[:10]
        if name and factor and _stands(tree) and len(day) == 10 and "value" in quantity:
            found[name][day] = float(quantity["value"]) * factor
    lengths = found["height"]
    for day in lengths.keys() & found["weight"].keys():
        when, weight = day_of(day), found["weight"][day]
        if when is None or lengths[day] <= 0:
            continue
        if reference.months((when - born).days) < CHANGE:
            found["weight-for-length"][day] = weight
        elif day not in found["bmi"]:
            found["bmi"][day] = float(bmi(Decimal(str(weight)), Decimal(str(lengths[day]))))
    return found, lengths


def _codes(tree: Tree) -> set[str]:
    return {str(coding.get("code", "")) for coding in tree.get("code", {}).get("coding", ())}


def _stands(tree: Tree) -> bool:
    return tree.get("status") not in ("cancelled", "entered-in-error")


def _point(
    name: Name, sex: str, births: tuple[date, date], day: str, value: float, length: float | None
) -> Point | None:
    born, term = births
    when = day_of(day)
    if when is None or when < born:
        return None
    lived = reference.months((when - born).days)
    early = term > born and lived < CHANGE
    months = reference.months((when - term).days) if early else lived
    by_length = length if name == "weight-for-length" else None
    return Point(
        when=say_date(day),
        at=months if by_length is None else by_length,
        age=say_age(born.isoformat(), when),
        corrected=say_age(term.isoformat(), when) if early else None,
        length=by_length,
        value=round(value, 2 if value < 10 else 1),
        standing=reference.standing(name, sex, months, value, by_length),
        sort=day,
    )


def _chart(name: Name, sex: str, rows: Sequence[Point]) -> Chart:
    axis = _axis(name, max(row.at for row in rows))
    curves, sources = _curves(name, sex, axis)
    drawn = [row for row in rows if row.at >= axis.low]
    values = [v for _, pieces in curves for piece in pieces for _, v in piece]
    low, high = _bounds([*values, *(row.value for row in rows)])
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if (high - low) / s <= 10)
    low, high = low // step * step, (high // step + 1) * step

    def x(at: float) -> float:
        part = min(max((at - axis.low) / (axis.high - axis.low), 0), 1)
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        part = (value - low) / (high - low)
        return round(HEIGHT - _BOTTOM - part * (HEIGHT - _TOP - _BOTTOM), 1)

    return Chart(
        name=name,
        title=TITLES[name],
        unit=UNITS[name],
        rows=list(reversed(rows)),
        sources=sources,
        lines=[(label, " ".join(_path(piece, x, y) for piece in pieces), y(pieces[-1][-1][1]))
               for label, pieces in curves],
        dots=[(x(row.at), y(row.value)) for row in drawn],
        path=_path([(row.at, row.value) for row in drawn], x, y),
        across=axis.says,
        marks=[(says, x(at)) for says, at in axis.marks],
        steps=[(f"{low + step * n:g}", y(low + step * n))
               for n in range(int((high - low) / step) + 1)],
    )  # fmt: skip


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _axis(name: Name, most: float) -> _Axis:
    if name == "weight-for-length":
        high = next((length for length in _LENGTHS if most <= length), _LENGTHS[-1])
        return _Axis(_SHORTEST, high, CENTIMETRES,
                     [(at, at) for at in range(_SHORTEST, high + 1, 5)])  # fmt: skip
    if most < CHANGE:
        return _Axis(0, CHANGE, MONTHS, [(at, at) for at in range(0, CHANGE + 1, 3)])
    years = next(years for years in _SPANS if most < years * 12 or years == ADULT)
    each = range(0, years + 1, 2 if years > 6 else 1)
    return _Axis(0, years * 12 + 1, YEARS, [(year, year * 12) for year in each])


_Piece = list[tuple[float, float]]


def _curves(
    name: Name, sex: str, axis: _Axis
) -> tuple[list[tuple[str, list[_Piece]]], list[Source]]:
    """Of each percentile what is written at its end, and its pieces: one of each reference."""
    labels: dict[int, str] = {}
    pieces: dict[int, list[_Piece]] = {}
    sources: list[Source] = []
    for source, percentiles in PERCENTILES.items():
        for at, percentile in enumerate(percentiles):
            every = reference.curve(source, name, sex, percentile)
            piece = [point for point in every if axis.low <= point[0] <= axis.high]
            if len(piece) > 1:
                pieces.setdefault(at, []).append(piece)
                labels[at] = f"{percentile:.0f}"
                sources.append(source)
    return [(labels[at], pieces[at]) for at in pieces], list(dict.fromkeys(sources))


def _path(
    points: Iterable[tuple[float, float]], x: Callable[[float], float], y: Callable[[float], float]
) -> str:
    return " ".join(f"{'L' if at else 'M'}{x(m)} {y(v)}" for at, (m, v) in enumerate(points))
