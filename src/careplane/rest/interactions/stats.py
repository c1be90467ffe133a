"""`Observation/$stats` (FHIR R4, Observation-stats): parameters read, figures written."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation, localcontext

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.figures import FIGURES, regression
from careplane.records.results import Statistics
from careplane.rest.interactions.history import moment
from careplane.rest.operation import Call, Operation, definition
from careplane.rest.response import Response
from careplane.search.rows import BEGINNING
from careplane.search.values.quantity import UCUM

_CODES = "http://terminology.hl7.org/CodeSystem/observation-statistics"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_COUNTS = ("count", "total-count")
_ALIASES = {"max": "maximum", "min": "minimum"}
KNOWN = (*FIGURES, *_COUNTS, "regression")
_HOUR = 3_600_000_000
_DAY = Decimal(86_400_000_000)
_DIGITS = 12
"""Behind the point; measurements have fewer."""
_MOST_CODES = 50
_MOST_HOURS = 10_000_000
_KNOWN = (
    "subject", "code", "system", "coding", "duration", "period", "statistic", "include", "limit",
    "_format", "_pretty",
)  # fmt: skip


async def stats(call: Call) -> Response:
    """Parameters: an Observation of figures for each code, and those that they are from."""
    call.refuse_others(*_KNOWN)
    wanted = _statistics(call)
    subject = call.text("subject")
    if not subject:
        raise Incorrect("$stats needs a subject, such as Patient/123.")
    period = _period(call)
    command = c.Stats(subject, _asked(call), period)
    found = await call.service.door.stats(call.request.caller, command)
    parameters: list[Tree] = [
        {"name": "statistics", "resource": _observation(subject, wanted, period, one)}
        for one in found.series
    ]
    parameters += _sources(call, found)
    return Response(200, json.dump({"resourceType": "Parameters", "parameter": parameters}))


def _sources(call: Call, found: Statistics) -> list[Tree]:
    if not call.flag("include"):
        return []
    limit = call.text("limit")
    if limit is not None and not (limit.isascii() and limit.isdigit() and int(limit[:9]) > 0):
        raise Incorrect("limit is a whole number above 0.")
    some = found.sources[: int(limit[:9])] if limit else found.sources
    return [{"name": "source", "resource": json.parse(whole(version))} for version in some]


def _statistics(call: Call) -> tuple[str, ...]:
    names = [name for value in call.all("statistic") for name in str(value).split(",")]
    wanted = tuple(dict.fromkeys(_ALIASES.get(name, name) for name in names))
    if not wanted or not set(wanted) <= set(KNOWN):
        raise Incorrect(f"statistic is one or more of {', '.join(KNOWN)}.")
    return wanted


def _asked(call: Call) -> tuple[tuple[str | None, str], ...]:
    system = call.text("system")
    found = [(system, str(code)) for code in call.all("code")]
    for coding in call.all("coding"):
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            found.append((coding.get("system"), coding["code"]))
        elif isinstance(coding, str) and coding:
            of, bar, code = coding.rpartition("|")
            found.append((of if bar else None, code))
        else:
            raise Incorrect("coding is a Coding with a code.")
    if not found or not all(code for _, code in found) or len(found) > _MOST_CODES:
        raise Incorrect(f"$stats needs codes, at most {_MOST_CODES}: code with system, or coding.")
    return tuple(dict.fromkeys(found))


def _period(call: Call) -> tuple[int | None, int | None]:
    duration, period = call.all("duration"), call.tree("period")
    if duration and period:
        raise Incorrect("Name a duration or a period, not both.")
    if period is not None:
        start, end = period.get("start"), period.get("end")
        low = moment("period", str(start))[0] if start else None
        return low, moment("period", str(end))[1] if end else None
    if not duration:
        return None, None
    now = system_clock()
    return now - int(_hours(duration) * _HOUR), now + 1


def _hours(duration: list[object]) -> Decimal:
    try:
        hours = Decimal(str(duration[0]))
    except InvalidOperation:
        hours = Decimal(0)
    if len(duration) > 1 or not hours.is_finite() or not 0 < hours < _MOST_HOURS:
        raise Incorrect("duration is a number of hours above 0.")
    return hours


Points = tuple[tuple[int, Decimal], ...]
Series = tuple[Tree, str, Points, int]


def _observation(
    subject: str, wanted: tuple[str, ...], period: tuple[int | None, int | None], series: Series
) -> Tree:
    code, _, points, _ = series
    dated = _dated(points)
    low = period[0] if period[0] is not None else (dated[0][0] if dated else None)
    high = period[1] if period[1] is not None else (dated[-1][0] if dated else None)
    bounds = {"start": low, "end": high}
    effective = {name: format_instant(at) for name, at in bounds.items() if at is not None}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "subject": {"reference": subject},
        **({"effectivePeriod": effective} if effective else {}),
        "component": [part for name in wanted for part in _components(name, series, low)],
    }


def _dated(points: Points) -> Points:
    """Without the measurements of which nobody has said when they were made."""
    return tuple(point for point in points if point[0] > BEGINNING)


def _components(name: str, series: Series, begin: int | None) -> list[Tree]:
    _, unit, points, total = series
    if name in _COUNTS:
        return [_component(name, valueInteger=len(points) if name == "count" else total)]
    with localcontext() as context:
        context.prec = 40
        if name == "regression":
            return _line(unit, _dated(points), begin or 0)
        values = sorted(value for _, value in points)
        figure = FIGURES[name](values) if values else None
        return [_component(name, **_quantity(figure, _unit(name, unit)))]


def _line(unit: str, points: Points, begin: int) -> list[Tree]:
    """Days since the beginning are the one axis, the measurements are the other."""
    found = regression([((at - begin) / _DAY, value) for at, value in points])
    gradient, intercept = found or (None, None)
    return [
        _component("regression", "Gradient", **_quantity(gradient, f"{unit}/d")),
        _component("regression", "Intercept", **_quantity(intercept, unit)),
    ]


def _unit(name: str, unit: str) -> str:
    if name in ("skew", "kurtosis"):
        return "1"
    return f"{unit}.{unit}" if name == "variance" else unit


def _quantity(figure: Decimal | None, unit: str) -> Tree:
    if figure is None:
        return {"dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "not-a-number"}]}}
    value = Decimal(f"{round(figure, _DIGITS).normalize():f}")
    return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}}


def _component(name: str, text: str = "", **value: object) -> Tree:
    concept: Tree = {"coding": [{"system": _CODES, "code": name}]}
    return {"code": {**concept, "text": text} if text else concept, **value}


OPERATIONS = (
    Operation(definition("Observation-stats"), stats, frozenset({"Observation"}), later=True),
)
