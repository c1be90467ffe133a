"""How a range of the resource stands to the one asked for (FHIR R4, 3.1.1.4.5 Prefixes).

Dates are half-open, and both sides have a width. Numbers in a resource are closed; a number asked
for is [low, high) for `eq` and `ne`, [low, high] for `ap`, and for all others one point, since they
ignore the precision of what was written.
"""

from __future__ import annotations

from collections.abc import Callable

from careplane.search.plan import Prefix


def in_span(prefix: Prefix, s_low: int, s_high: int, low: int, high: int) -> bool:
    """How the half-open range of a date, [low, high), stands to the one asked for."""
    return _SPAN[prefix](s_low, s_high, low, high)


def in_range(prefix: Prefix, s_low: float, s_high: float, low: float, high: float) -> bool:
    """How the closed range of a number, [low, high], stands to the one asked for."""
    return _RANGE[prefix](s_low, s_high, low, high)


# s_low, s_high: what is asked for; low, high: what the resource has.
_SPAN: dict[Prefix, Callable[[int, int, int, int], bool]] = {
    Prefix.EQ: lambda s_low, s_high, low, high: s_low <= low and high <= s_high,
    Prefix.NE: lambda s_low, s_high, low, high: low < s_low or s_high < high,
    Prefix.GT: lambda s_low, s_high, low, high: high > s_high,
    Prefix.LT: lambda s_low, s_high, low, high: low < s_low,
    Prefix.GE: lambda s_low, s_high, low, high: high > s_high or s_low <= low,
    Prefix.LE: lambda s_low, s_high, low, high: low < s_low or high <= s_high,
    Prefix.SA: lambda s_low, s_high, low, high: low >= s_high,
    Prefix.EB: lambda s_low, s_high, low, high: high <= s_low,
    Prefix.AP: lambda s_low, s_high, low, high: low < s_high and s_low < high,
}
_RANGE: dict[Prefix, Callable[[float, float, float, float], bool]] = {
    Prefix.EQ: lambda s_low, s_high, low, high: s_low <= low and high < s_high,
    Prefix.NE: lambda s_low, s_high, low, high: low < s_low or s_high <= high,
    Prefix.GT: lambda s_low, s_high, low, high: high > s_high,
    Prefix.LT: lambda s_low, s_high, low, high: low < s_low,
    Prefix.GE: lambda s_low, s_high, low, high: high >= s_high,
    Prefix.LE: lambda s_low, s_high, low, high: low <= s_low,
    Prefix.SA: lambda s_low, s_high, low, high: low > s_high,
    Prefix.EB: lambda s_low, s_high, low, high: high < s_low,
    Prefix.AP: lambda s_low, s_high, low, high: low <= s_high and s_low <= high,
}
