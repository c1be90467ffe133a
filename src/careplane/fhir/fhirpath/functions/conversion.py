"""From one System type to another (FHIRPath 2.0, 5.5 Conversion): `toX` and `convertsToX`.

A conversion that is not possible is empty, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from careplane.fhir import ucum
from careplane.fhir.fhirpath.calling import Arguments, Run, on_item, value
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, quantity, single, system, truth
from careplane.fhir.fhirpath.lexer import CALENDAR
from careplane.fhir.fhirpath.operators.arithmetic import bounded
from careplane.fhir.fhirpath.scope import Scope
from careplane.fhir.fhirpath.values.quantity import Quantity
from careplane.fhir.fhirpath.values.temporal import (
    Date,
    DateTime,
    Time,
    as_datetime,
    parse_datetime,
    parse_time,
)

_INTEGER: Final = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,100}(?:\.\d{1,100})?", re.ASCII)
_QUANTITY: Final = re.compile(
    rf"({_DECIMAL.pattern})(?:\s*(?:'([^']{{1,256}})'|([a-z]+)))?", re.ASCII
)
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
_NUMBERS: Final = {Decimal(1): True, Decimal(0): False}


def to_boolean(item: Item) -> bool | None:
    match system(item):
        case bool() as found:
            return found
        case int() | Decimal() as number:
            return _NUMBERS.get(Decimal(number))
        case str() as text:
            return _BOOLEANS.get(text.lower())
        case _:
            return None


def to_integer(item: Item) -> int | None:
    match system(item):
        case bool() | int() as number:
            return int(number)
        case str() as text if _INTEGER.fullmatch(text):
            return bounded(int(text))
        case _:
            return None


def to_decimal(item: Item) -> Decimal | None:
    match system(item):
        case Decimal() as number:
            return number
        case bool() | int() as number:
            return Decimal(number)
        case str() as text if _DECIMAL.fullmatch(text):
            return Decimal(text)
        case _:
            return None


def to_string(item: Item) -> str | None:
    match system(item):
        case str() as text:
            return text
        case bool() as found:
            return "true" if found else "false"
        case Decimal() as number:
            return f"{number:f}"
        case int() | Date() | DateTime() | Time() as found:
            return str(found)
        case other:
            amount = quantity(other)
            return None if amount is None else str(amount)


def to_date(item: Item) -> Date | None:
    match system(item):
        case Date() as found:
            return found
        case DateTime() as found:
            return Date(found.parts[:3])
        case str() as text:
            moment = parse_datetime(text)
            return None if moment is None else Date(moment.parts[:3])
        case _:
            return None


def to_datetime(item: Item) -> DateTime | None:
    match system(item):
        case Date() | DateTime() as found:
            return as_datetime(found)
        case str() as text:
            return parse_datetime(text)
        case _:
            return None


def to_time(item: Item) -> Time | None:
    match system(item):
        case Time() as found:
            return found
        case str() as text:
            return parse_time(text.removeprefix("T"))
        case _:
            return None


def _to_quantity(item: Item) -> Quantity | None:
    found = system(item)
    if type(found) is bool:
        return Quantity(Decimal(1 if found else 0))
    return _read_quantity(found) if type(found) is str else quantity(found)


def _read_quantity(text: str) -> Quantity | None:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, unit, word = match.groups()
    if word is None:
        return Quantity(Decimal(number), unit or "1")
    return Quantity(Decimal(number), CALENDAR[word], calendar=True) if word in CALENDAR else None


def to_quantity(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """`toQuantity([unit])`: with a unit, the amount is converted to it."""
    item = single(focus, "toQuantity()")
    found = None if item is None else _to_quantity(item)
    if found is None or not arguments:
        return [] if found is None else [found]
    unit = value(arguments[0](scope), str, "toQuantity()")
    if unit is None or found.code is None:
        return []
    try:
        return [Quantity(ucum.convert(found.value, found.code, unit), unit)]
    except (ucum.NotAUnit, ucum.NotComparable):
        return []


def converts_to_quantity(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [bool(to_quantity(scope, focus, arguments))] if focus else []


def _converts(convert: Callable[[Item], Any]) -> Run:
    def run(item: Item) -> bool:
        return convert(item) is not None

    run.__name__ = convert.__name__.replace("to_", "converts_to_")
    return on_item(run)


converts_to_boolean = _converts(to_boolean)
converts_to_integer = _converts(to_integer)
converts_to_decimal = _converts(to_decimal)
converts_to_string = _converts(to_string)
converts_to_date = _converts(to_date)
converts_to_datetime = _converts(to_datetime)
converts_to_time = _converts(to_time)


def iif(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """`iif(criterion, then [, otherwise])` with `$this` as the single input; one branch runs."""
    if len(focus) > 1:
        raise EvaluationError("iif() takes a single item.")
    inner = scope.nested(focus)
    inner.index = scope.index
    criterion, then, *otherwise = arguments
    if truth(criterion(inner), "The criterion of iif()"):
        return then(inner)
    return otherwise[0](inner) if otherwise else []
