"""The figures of $stats, against what numpy and scipy (or a hand) make of the same numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from careplane.records.figures import FIGURES, regression

EIGHT = [2, 4, 4, 4, 5, 5, 7, 9]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("average", EIGHT, 5),
        ("maximum", EIGHT, 9),
        ("minimum", EIGHT, 2),
        ("sum", EIGHT, 40),
        ("median", EIGHT, 4.5),
        ("median", [3], 3),
        ("variance", EIGHT, 32 / 7),
        ("std-dev", EIGHT, (32 / 7) ** 0.5),
        ("variance", [3], None),
        ("std-dev", [3], None),
        ("20-percent", [1, 2, 3, 4, 5, 6], 2),
        ("80-percent", [1, 2, 3, 4, 5, 6], 5),
        ("20-percent", [10, 20], 12),
        ("4-lower", [1, 2, 3, 4], 1.75),
        ("4-upper", [1, 2, 3, 4], 3.25),
        ("4-dev", [1, 2, 3, 4], 0.75),
        ("5-1", [1, 2, 3, 4, 5, 6], 2),
        ("5-2", [1, 2, 3, 4, 5, 6], 3),
        ("5-3", [1, 2, 3, 4, 5, 6], 4),
        ("5-4", [1, 2, 3, 4, 5, 6], 5),
        ("skew", EIGHT, 0.8184875533567997),
        ("skew", [1, 2], None),
        ("skew", [2, 2, 2], None),
        ("kurtosis", EIGHT, 0.940625),
        ("kurtosis", [1, 2, 3], None),
    ],
)
def test_a_figure(name: str, values: list[int], expected: float | None) -> None:
    found = FIGURES[name]([Decimal(value) for value in values])
    assert (None if found is None else float(found)) == pytest.approx(expected)


def test_a_line_through_points() -> None:
    points = [(Decimal(x), Decimal(2 * x + 3)) for x in range(4)]
    assert regression(points) == (2, 3)
    assert regression(points[:1]) is None
    assert regression([]) is None
