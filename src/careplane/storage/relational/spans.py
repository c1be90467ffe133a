"""Ranges of dates as tables keep them: open ends brought in, and told apart by their width, so that
"ends after" need look no farther back than the width; and the formulas of `search.ranges` as SQL.
"""

from __future__ import annotations

from careplane.search.plan import Prefix

DAY = 86_400_000_000
WIDTHS = (DAY, 366 * DAY)
"""What the widths 0 and 1 hold at most; 2 is wider."""
FARTHEST = 2**61
"""Open ends of dates are brought in to here, so that a span fits 64 bits."""

# {l}, {h}: the columns; {a}, {b}: the range asked for.
SPAN = {
    Prefix.EQ: "{l} >= {a} AND {h} <= {b}",
    Prefix.NE: "{l} < {a} OR {h} > {b}",
    Prefix.GT: "{h} > {b}",
    Prefix.LT: "{l} < {a}",
    Prefix.GE: "{h} > {b} OR {l} >= {a}",
    Prefix.LE: "{l} < {a} OR {h} <= {b}",
    Prefix.SA: "{l} >= {b}",
    Prefix.EB: "{h} <= {a}",
    Prefix.AP: "{l} < {b} AND {h} > {a}",
}
RANGE = {
    Prefix.EQ: "{l} >= {a} AND {h} < {b}",
    Prefix.NE: "{l} < {a} OR {h} >= {b}",
    Prefix.GT: "{h} > {b}",
    Prefix.LT: "{l} < {a}",
    Prefix.GE: "{h} >= {b}",
    Prefix.LE: "{l} <= {a}",
    Prefix.SA: "{l} > {b}",
    Prefix.EB: "{h} < {a}",
    Prefix.AP: "{l} <= {b} AND {h} >= {a}",
}


def near(moment: int) -> int:
    """An open end of a date brought in to FARTHEST; others are never as far."""
    if -FARTHEST < moment < FARTHEST:
        return moment
    return FARTHEST if moment > 0 else -FARTHEST


def width(low: int, high: int) -> int:
    """The width of a range whose ends are near."""
    span = high - low
    if span <= DAY:
        return 0
    return 1 if span <= WIDTHS[1] else 2


def low_ends(prefix: Prefix, s_low: int, s_high: int, wide: int) -> tuple[int, int]:
    """Between which low ends a date of this width can match."""
    reach = WIDTHS[wide] if wide < len(WIDTHS) else 2 * FARTHEST
    ends_after = max(s_high - reach, -FARTHEST)
    return {
        Prefix.EQ: (s_low, s_high),
        Prefix.NE: (-FARTHEST, FARTHEST),
        Prefix.GT: (ends_after, FARTHEST),
        Prefix.LT: (-FARTHEST, s_low),
        Prefix.GE: (min(ends_after, s_low), FARTHEST),
        Prefix.LE: (-FARTHEST, max(s_low, s_high)),
        Prefix.SA: (s_high, FARTHEST),
        Prefix.EB: (-FARTHEST, s_low),
        Prefix.AP: (max(s_low - reach, -FARTHEST), s_high),
    }[prefix]
