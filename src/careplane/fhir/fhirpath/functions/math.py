"""Numbers (FHIRPath 2.0, 5.7 Math). What has no real result, or none in range, is empty."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

from careplane.fhir.fhirpath.calling import Arguments
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, kind, quantity, single, system
from careplane.fhir.fhirpath.operators.arithmetic import CONTEXT, OUT_OF_RANGE, bounded
from careplane.fhir.fhirpath.scope import Scope

# Some digits more than are shown, so that log(16, 2) is 4.
_WIDE: Final = Context(prec=40, Emax=999, Emin=-999, traps=list(OUT_OF_RANGE))

Function = Callable[..., int | Decimal | None]


def on_number(function: Function) -> Callable[[Scope, Collection, Arguments], Collection]:
    """Adapt a function of an int or Decimal, and of an optional number more."""
    what = f"{function.__name__.strip('_')}()"

    def run(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
        given = [_number(focus, what), *(_number(one(scope), what) for one in arguments)]
        if None in given:
            return []
        try:
            found = function(*given)
        except OUT_OF_RANGE:
            return []
        # Decimal gives 0 to the power of -1 as infinity, without a signal.
        return [] if found is None or not Decimal(found).is_finite() else [found]

    return run


def _number(collection: Collection, what: str) -> Any:
    item = single(collection, what)
    if item is None:
        return None
    found = system(item)
    if type(found) is not int and type(found) is not Decimal:
        raise EvaluationError(f"{what} needs a number, and this is {kind(item)}.")
    return found


def abs_(item: Item) -> Item | None:
    found = system(item)
    if isinstance(found, Decimal):
        return abs(found)
    if type(found) is int:
        return bounded(abs(found))
    amount = quantity(found)
    if amount is None:
        raise EvaluationError(f"abs() needs a number or quantity, and this is {kind(item)}.")
    return amount.with_value(abs(amount.value))


def _integral(rounding: str) -> Function:
    def run(number: Decimal | int) -> int | None:
        whole = Decimal(number).to_integral_value(rounding)
        return bounded(int(whole)) if whole.adjusted() < 12 else None

    return run


ceiling = _integral(ROUND_CEILING)
floor = _integral(ROUND_FLOOR)
truncate = _integral(ROUND_DOWN)


def round_(number: int | Decimal, precision: int | Decimal = 0) -> Decimal:
    if precision < 0 or precision != int(precision):
        raise EvaluationError("round() needs a precision of zero or more.")
    if precision > 28:
        return Decimal(number)
    return Decimal(number).quantize(Decimal(1).scaleb(-int(precision)), ROUND_HALF_UP, _WIDE)


def exp(number: int | Decimal) -> Decimal:
    return CONTEXT.plus(_WIDE.exp(Decimal(number)))


def ln(number: int | Decimal) -> Decimal | None:
    return CONTEXT.plus(_WIDE.ln(Decimal(number))) if number > 0 else None


def log(number: int | Decimal, base: int | Decimal) -> Decimal | None:
    if number <= 0 or base <= 0:
        return None
    return CONTEXT.plus(_WIDE.divide(_WIDE.ln(Decimal(number)), _WIDE.ln(Decimal(base))))


def sqrt(number: int | Decimal) -> Decimal | None:
    return CONTEXT.sqrt(Decimal(number)) if number >= 0 else None


def power(number: int | Decimal, exponent: int | Decimal) -> int | Decimal | None:
    """An Integer to a whole power is an Integer, unless it is a fraction or too large for one."""
    if type(number) is int and type(exponent) is int and exponent >= 0:
        value = CONTEXT.power(Decimal(number), Decimal(exponent)) if number or exponent else 1
        return bounded(int(value)) if Decimal(value).adjusted() < 12 else None
    return CONTEXT.plus(_WIDE.power(Decimal(number), Decimal(exponent)))
