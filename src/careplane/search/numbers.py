"""Numbers as ranges of their precision (FHIR R4, 3.1.1.4.6 number).

`100` is [99.5, 100.5), `100.00` is [99.995, 100.005), `1e2` is [95, 105) as the standard has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from careplane.search.plan import Prefix
from careplane.search.syntax import prefixed

_FORM = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
_HALF, _TENTH = Decimal("0.5"), Decimal("0.1")
_LARGEST = Decimal("1e300")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a number with its prefix asks for, as plan.Number has it."""

    prefix: Prefix
    low: Decimal
    high: Decimal


def asked(text: str) -> Asked | None:
    """None if it is no number, or one beyond 1e300."""
    prefix, digits = prefixed(text)
    # A `+` that was not percent-encoded arrives as a space.
    digits = digits.strip(" ")
    found = _FORM.fullmatch(digits)
    if not found:
        return None
    value = Decimal(digits)
    if abs(value) > _LARGEST:
        return None
    if prefix is Prefix.EQ or prefix is Prefix.NE:
        half = _half(value, found[1] is not None)
        return Asked(prefix, value - half, value + half)
    if prefix is Prefix.AP:
        half = max(_half(value, found[1] is not None), abs(value) * _TENTH)
        return Asked(prefix, value - half, value + half)
    return Asked(prefix, value, value)


def _half(value: Decimal, scientific: bool) -> Decimal:
    """Half of the last digit's weight; in scientific form, of the digit after it."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return _HALF.scaleb(exponent - 1 if scientific else exponent)
