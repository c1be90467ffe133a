"""System.Quantity: an amount in a UCUM unit or a calendar duration (FHIRPath 2.0, 2.2 and 4.1.9).

A calendar duration is a word without quotes (`4 days`). Weeks and shorter ones are the same as
their UCUM units; a calendar year or month has no fixed length, so it compares with calendar years
and months alone, and with `'a'` and `'mo'` only under `~`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from careplane.fhir import ucum

UCUM_OF: Final = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
MONTHS_OF: Final = {"year": 12, "month": 1}
EQUIVALENT_OF: Final = {"year": "a", "month": "mo"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount and its unit; the word of a calendar duration is in the singular."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False
    type_name: ClassVar[str] = "Quantity"

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.value} {self.unit}{'' if abs(self.value) == 1 else 's'}"
        return f"{self.value} '{self.unit}'"

    def with_value(self, value: Decimal) -> Quantity:
        return Quantity(value, self.unit, self.calendar)

    @property
    def code(self) -> str | None:
        """The UCUM code of the unit, None for calendar years and months."""
        return UCUM_OF.get(self.unit) if self.calendar else self.unit


def comparable(left: Quantity, right: Quantity) -> bool:
    """Whether one of the two can be expressed in the unit of the other."""
    if left.code is None or right.code is None:
        return left.code is None and right.code is None
    if left.code == right.code:
        return True
    try:
        return ucum.comparable(left.code, right.code)
    except ucum.NotAUnit:
        return False


def compare(left: Quantity, right: Quantity) -> int | None:
    """-1, 0 or 1; None where the units do not measure the same thing, or are not UCUM."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return (left.value > right.value) - (left.value < right.value)
    if not comparable(left, right):
        return None
    if left.code is None or right.code is None:
        one, other = left.value * MONTHS_OF[left.unit], right.value * MONTHS_OF[right.unit]
        return (one > other) - (one < other)
    try:
        return ucum.compare(left.value, left.code, right.value, right.code)
    except (ucum.NotAUnit, ucum.NotComparable):
        return None


def in_one_unit(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both amounts in the larger of the two units; None where they are not comparable."""
    one = EQUIVALENT_OF.get(left.unit, left.code) if left.calendar else left.unit
    other = EQUIVALENT_OF.get(right.unit, right.code) if right.calendar else right.unit
    assert one is not None
    assert other is not None
    if one == other:
        return left.value, right.value
    try:
        if ucum.compare(Decimal(1), one, Decimal(1), other) >= 0:
            return left.value, ucum.convert(right.value, other, one)
        return ucum.convert(left.value, one, other), right.value
    except (ucum.NotAUnit, ucum.NotComparable):
        return None
