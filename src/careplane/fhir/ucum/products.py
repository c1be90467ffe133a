"""Units multiplied and divided, as codes: 2 cm by 2 m is 0.04 m2, 4 g over 2 m is 2 g/m."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

from careplane.fhir.ucum.conversion import CONTEXT
from careplane.fhir.ucum.errors import NotComparable
from careplane.fhir.ucum.parser import parse, simple
from careplane.fhir.ucum.unit import Unit, spell

QUOTIENT: Final = Context(prec=28)


def multiply(left: Decimal, left_unit: str, right: Decimal, right_unit: str) -> tuple[Decimal, str]:
    """The product of two amounts and its unit."""
    unit = _ratio(left_unit).product(_ratio(right_unit))
    return _spelled(CONTEXT.multiply(left, right), unit)


def divide(left: Decimal, left_unit: str, right: Decimal, right_unit: str) -> tuple[Decimal, str]:
    """The quotient of two amounts and its unit; the right amount is not zero."""
    unit = _ratio(left_unit).product(_ratio(right_unit).power(-1))
    return _spelled(QUOTIENT.divide(left, right), unit)


def _ratio(code: str) -> Unit:
    unit = parse(code)
    if unit.special:
        raise NotComparable("Amounts on a scale of their own (such as Cel) have no product.")
    return unit


def _spelled(value: Decimal, unit: Unit) -> tuple[Decimal, str]:
    """In the units as written, or in base units where those say one thing twice (`cm.m`)."""
    if unit.atoms is not None and _are_distinct([code for code, _ in unit.atoms]):
        return value, spell(unit.atoms)
    top, bottom = Decimal(unit.factor.numerator), Decimal(unit.factor.denominator)
    return CONTEXT.divide(CONTEXT.multiply(value, top), bottom), unit.canonical


def _are_distinct(codes: list[str]) -> bool:
    dimensions = [unit.dimension for code in codes if (unit := simple(code)) and unit.dimension]
    return len(set(dimensions)) == len(dimensions)
