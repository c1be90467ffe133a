"""Scales that are no ratios: the function pairs of UCUM 2.2, section 22 and tables 1-4.

A member says how an amount on the scale becomes an amount of the reference unit, and back. These
are the only places where UCUM is not exact: logarithms and tangents are rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

CONTEXT: Final = Context(prec=34, Emax=9_999, Emin=-9_999)
CONTEXT.traps[Overflow] = CONTEXT.traps[InvalidOperation] = CONTEXT.traps[DivisionByZero] = True

Function = Callable[[Decimal], Decimal]

_KELVIN: Final = Decimal("273.15")
_RANKINE: Final = Decimal("459.67")
_MAX_LEVEL: Final = Decimal(10_000)
_LAST_DIGIT: Final = Decimal("1e-25")  # drops the rounding of two logarithms: lg 100 is 2


def _shifted(offset: Decimal) -> tuple[Function, Function]:
    return (lambda x: CONTEXT.add(x, offset), lambda x: CONTEXT.subtract(x, offset))


def _level(base: Decimal, per: int = 1) -> tuple[Function, Function]:
    """A level: the amount is the logarithm to `base`, times `per`, of the quantity."""

    def to_reference(x: Decimal) -> Decimal:
        if abs(x) > _MAX_LEVEL:
            raise Overflow
        return CONTEXT.power(base, CONTEXT.divide(x, Decimal(per)))

    def from_reference(x: Decimal) -> Decimal:
        quotient = CONTEXT.divide(CONTEXT.ln(x), CONTEXT.ln(base))
        level = CONTEXT.multiply(quotient, Decimal(per))
        return level.quantize(_LAST_DIGIT, context=CONTEXT).normalize(CONTEXT)

    return to_reference, from_reference


def _tangent(turn: float = 1.0) -> tuple[Function, Function]:
    """A slope in percent from an angle; `turn` is how many radians the unit of the angle is."""
    return (
        lambda x: Decimal(repr(math.atan(float(x) / 100) / turn)),
        lambda x: Decimal(repr(math.tan(float(x) * turn) * 100)),
    )


def _negated(pair: tuple[Function, Function]) -> tuple[Function, Function]:
    forth, back = pair
    return (lambda x: forth(-x), lambda x: -back(x))


FUNCTIONS: Final[dict[str, tuple[Function, Function]]] = {
    "Cel": _shifted(_KELVIN),
    "degF": _shifted(_RANKINE),  # of 5/9 K
    "degRe": _shifted(CONTEXT.multiply(_KELVIN, Decimal("0.8"))),  # of 5/4 K
    "tanTimes100": _tangent(),
    "100tan": _tangent(math.pi / 180),
    "hpX": _negated(_level(Decimal(10))),
    "hpC": _negated(_level(Decimal(100))),
    "hpM": _negated(_level(Decimal(1000))),
    "hpQ": _negated(_level(Decimal(50_000))),
    "pH": _negated(_level(Decimal(10))),
    "ln": _level(CONTEXT.exp(Decimal(1))),
    "lg": _level(Decimal(10)),
    "lgTimes2": _level(Decimal(10), per=2),
    "ld": _level(Decimal(2)),
    "sqrt": (lambda x: CONTEXT.multiply(x, x), CONTEXT.sqrt),
}
