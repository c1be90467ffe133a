"""Numbers, strings and quantities combined (FHIRPath 2.0, 6.6): `+ - * / div mod &`.

What overflows 32-bit integers or the range of decimals, or divides by zero, is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

from careplane.fhir import ucum
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, kind, quantity, single, system
from careplane.fhir.fhirpath.operators.calendar import shift
from careplane.fhir.fhirpath.operators.equality import NUMBER, TEMPORAL
from careplane.fhir.fhirpath.scope import Run
from careplane.fhir.fhirpath.values.quantity import Quantity

CONTEXT: Final = Context(prec=28, Emax=999, Emin=-999)
for _trap in (Overflow, InvalidOperation, DivisionByZero):
    CONTEXT.traps[_trap] = True

OUT_OF_RANGE: Final = (Overflow, InvalidOperation, DivisionByZero)

Number = int | Decimal


def bounded(value: int) -> int | None:
    """An Integer, None if it does not fit 32 bits."""
    return value if -(2**31) <= value < 2**31 else None


def _truncated(quotient: Decimal) -> Decimal:
    return quotient.to_integral_value(ROUND_DOWN)


def _div(one: Decimal, other: Decimal) -> Decimal:
    return CONTEXT.divide_int(one, other)


_DECIMAL: Final[dict[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": CONTEXT.add,
    "-": CONTEXT.subtract,
    "*": CONTEXT.multiply,
    "/": CONTEXT.divide,
    "div": _div,
    "mod": CONTEXT.remainder,
}


def on_numbers(operator: str, one: Number, other: Number) -> Number | None:
    """Two numbers combined; an Integer only where both are, and never by `/`."""
    try:
        value = _DECIMAL[operator](Decimal(one), Decimal(other))
    except OUT_OF_RANGE:
        return None
    if operator == "div" or (type(one) is int and type(other) is int and operator != "/"):
        return bounded(int(value))
    return value


def on_quantities(operator: str, one: Quantity, other: Quantity) -> Quantity | None:
    """Two quantities combined: a sum in the unit of the left one, a product in its own."""
    if operator in ("+", "-"):
        return _sum(operator, one, other)
    if one.code is None or other.code is None or operator not in ("*", "/"):
        raise EvaluationError(f"'{operator}' is not defined on these quantities.")
    if operator == "/" and not other.value:
        return None
    product = ucum.multiply if operator == "*" else ucum.divide
    return Quantity(*product(one.value, one.code, other.value, other.code))


def _sum(operator: str, one: Quantity, other: Quantity) -> Quantity | None:
    if one.unit == other.unit and one.calendar == other.calendar:
        moved = other.value
    elif one.code is None or other.code is None or not ucum.comparable(one.code, other.code):
        return None
    else:
        moved = ucum.convert(other.value, other.code, one.code)
    return one.with_value(_DECIMAL[operator](one.value, moved))


def combined(run: Run, operator: str, left: Collection, right: Collection) -> Item | None:
    """The result of an arithmetic operator on two collections of one item or none."""
    first, second = single(left, operator), single(right, operator)
    if first is None or second is None:
        return None
    one, other = system(first), system(second)
    if type(one) in NUMBER and type(other) in NUMBER:
        return on_numbers(operator, one, other)  # type: ignore[arg-type]
    if type(one) is str and type(other) is str and operator == "+":
        run.spend((len(one) + len(other)) // 16)
        return one + other
    amount = quantity(other)
    if isinstance(one, TEMPORAL) and type(other) not in NUMBER and amount is not None:
        return shift(one, operator, amount)
    base = quantity(one)
    if base is not None and amount is not None:
        return on_quantities(operator, base, amount)
    raise EvaluationError(f"'{operator}' is not defined on {kind(first)} and {kind(second)}.")


def concatenated(run: Run, left: Collection, right: Collection) -> Item:
    """`&`: two strings joined, where none counts as the empty string."""
    texts = [_text(left), _text(right)]
    run.spend(sum(map(len, texts)) // 16)
    return "".join(texts)


def _text(collection: Collection) -> str:
    item = single(collection, "&")
    if item is None:
        return ""
    value = system(item)
    if type(value) is not str:
        raise EvaluationError(f"& joins strings, and this is {kind(item)}.")
    return value


def negated(operator: str, operand: Collection) -> Item | None:
    """Unary `-` and `+`."""
    item = single(operand, operator)
    if item is None:
        return None
    value = system(item)
    sign = -1 if operator == "-" else 1
    if type(value) is int:
        return bounded(sign * value)
    if type(value) is Decimal:
        return value * sign if value else abs(value)
    amount = quantity(value)
    if amount is None or type(value) is int:
        raise EvaluationError(f"Unary '{operator}' is not defined on {kind(item)}.")
    return amount.with_value(sign * amount.value)
