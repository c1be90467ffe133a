"""The figures of `$stats` (FHIR R4, StatisticsCode), from measurements in one unit.

Variance, deviation, skew and kurtosis are those of a sample; percentiles lie on the straight line
between the nearest measurements (the seventh way of Hyndman and Fan). None where a figure is not
defined for so few, or so equal, measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

Values = Sequence[Decimal]
"""In ascending order, at least one."""


def average(values: Values) -> Decimal:
    """The arithmetic mean."""
    return sum(values, Decimal(0)) / len(values)


def _moment(values: Values, power: int) -> Decimal:
    mean = average(values)
    return sum(((value - mean) ** power for value in values), Decimal(0))


def variance(values: Values) -> Decimal | None:
    """Of a sample: divided by one less than there are."""
    return _moment(values, 2) / (len(values) - 1) if len(values) > 1 else None


def deviation(values: Values) -> Decimal | None:
    """The root of the variance."""
    found = variance(values)
    return None if found is None else found.sqrt()


def percentile(values: Values, share: Decimal) -> Decimal:
    """The value below which this share lies."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def skew(values: Values) -> Decimal | None:
    """The adjusted coefficient of a sample."""
    n, s = len(values), deviation(values)
    if n < 3 or not s:
        return None
    return Decimal(n) / ((n - 1) * (n - 2)) * _moment(values, 3) / s**3


def kurtosis(values: Values) -> Decimal | None:
    """The excess of a sample over the normal distribution."""
    n, v = len(values), variance(values)
    if n < 4 or not v:
        return None
    first = Decimal(n * (n + 1)) / ((n - 1) * (n - 2) * (n - 3)) * _moment(values, 4) / v**2
    return first - Decimal(3 * (n - 1) ** 2) / ((n - 2) * (n - 3))


def regression(points: Sequence[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal] | None:
    """Gradient and intercept of the line with the least squares."""
    if not points:
        return None
    mean_x, mean_y = (average([point[axis] for point in points]) for axis in (0, 1))
    wide = sum(((x - mean_x) ** 2 for x, _ in points), Decimal(0))
    if not wide:
        return None
    gradient = sum(((x - mean_x) * (y - mean_y) for x, y in points), Decimal(0)) / wide
    return gradient, mean_y - gradient * mean_x


def _share(text: str) -> Callable[[Values], Decimal]:
    return lambda values: percentile(values, Decimal(text))


def _quartile_deviation(values: Values) -> Decimal:
    return (percentile(values, Decimal("0.75")) - percentile(values, Decimal("0.25"))) / 2


FIGURES: dict[str, Callable[[Values], Decimal | None]] = {
    "average": average,
    "maximum": lambda values: values[-1],
    "minimum": lambda values: values[0],
    "median": _share("0.5"),
    "std-dev": deviation,
    "sum": lambda values: sum(values, Decimal(0)),
    "variance": variance,
    "20-percent": _share("0.2"),
    "80-percent": _share("0.8"),
    "4-lower": _share("0.25"),
    "4-upper": _share("0.75"),
    "4-dev": _quartile_deviation,
    "5-1": _share("0.2"),
    "5-2": _share("0.4"),
    "5-3": _share("0.6"),
    "5-4": _share("0.8"),
    "skew": skew,
    "kurtosis": kurtosis,
}
"""All that are one number of the measurements alone."""
