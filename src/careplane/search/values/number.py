"""Number rows (FHIR R4, 3.1.1.4.6)."""

from __future__ import annotations

from decimal import Decimal
from math import inf
from typing import Any

from careplane.search.rows import NumberRow, Param, Rows


def number(rows: Rows, param: Param, value: Decimal | int) -> None:
    """An integer or decimal."""
    amount = float(value)
    rows.numbers.append(NumberRow(param, amount, amount))


def between(rows: Rows, param: Param, value: Any) -> None:
    """A Range, its units left out of account; an end that is not there is open."""
    low = value.low.value if value.low is not None else None
    high = value.high.value if value.high is not None else None
    if low is not None or high is not None:
        ends = (-inf if low is None else float(low), inf if high is None else float(high))
        rows.numbers.append(NumberRow(param, *ends))
