"""What a collection holds, and the conversions that happen by themselves (FHIR R4, fhirpath.html).

A FHIR primitive turns into the System value of its kind wherever an operator or function asks for
one: `birthDate < today()` compares System.Dates.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from careplane.fhir.definitions import is_subtype
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.values.quantity import Quantity
from careplane.fhir.fhirpath.values.temporal import (
    Date,
    DateTime,
    Temporal,
    Time,
    parse_date,
    parse_datetime,
    parse_time,
)
from careplane.fhir.fhirpath.values.types import TypeInfo

System: TypeAlias = bool | int | Decimal | str | Date | DateTime | Time | Quantity | TypeInfo
Item: TypeAlias = System | Node
Collection: TypeAlias = list[Item]

UCUM_SYSTEM: Final = "http://unitsofmeasure.org"


def _boolean(value: Any) -> System | None:
    return value if type(value) is bool else None


def _integer(value: Any) -> System | None:
    return value if type(value) is int else None


def _string(value: Any) -> System | None:
    return value if type(value) is str else None


def _decimal(value: Any) -> System | None:
    return Decimal(value) if type(value) in (int, Decimal) else None


def _temporal(parse: Callable[[str], Temporal | None]) -> Callable[[Any], System | None]:
    return lambda value: (parse(value) or value) if type(value) is str else None


_FROM_JSON: Final[dict[str, Callable[[Any], System | None]]] = {
    "boolean": _boolean,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": _decimal,
    "date": _temporal(parse_date),
    "dateTime": _temporal(parse_datetime),
    "instant": _temporal(parse_datetime),
    "time": _temporal(parse_time),
}


def system(item: Item) -> Item:
    """The System value of a FHIR primitive; any other item, and one without value, as it is."""
    if type(item) is not Node or type(item.value) is dict or item.value is None:
        return item
    value = _FROM_JSON.get(item.type, _string)(item.value)
    return item if value is None else value


def quantity(item: Item) -> Quantity | None:
    """A System.Quantity, or a FHIR Quantity that says the same; None for anything else.

    A number is the quantity of that many ones. A FHIR Quantity with a comparator (`<5`) is none.
    """
    if type(item) is Quantity:
        return item
    if type(item) is int or type(item) is Decimal:
        return Quantity(Decimal(item))
    if type(item) is Node and type(item.value) is dict and is_subtype(item.type, "Quantity"):
        return _fhir_quantity(item.value)
    return None


def _fhir_quantity(tree: dict[str, Any]) -> Quantity | None:
    value = _decimal(tree.get("value"))
    if type(value) is not Decimal or "comparator" in tree:
        return None
    code = tree.get("code") if tree.get("system") == UCUM_SYSTEM else None
    unit = code or tree.get("unit") or tree.get("code") or "1"
    return Quantity(value, str(unit))


def type_of(item: Item) -> TypeInfo:
    """The type of an item. A backbone element has no name of its own."""
    match item:
        case Node():
            name = item.type
            return TypeInfo("FHIR", "BackboneElement" if "." in name else name)
        case bool():
            return TypeInfo("System", "Boolean")
        case int():
            return TypeInfo("System", "Integer")
        case Decimal():
            return TypeInfo("System", "Decimal")
        case str():
            return TypeInfo("System", "String")
        case _:
            return TypeInfo("System", item.type_name)


def kind(item: Item) -> str:
    """The type of an item, for an error message."""
    return str(type_of(item))


def single(collection: Collection, what: str) -> Item | None:
    """The only item, None where there is none; more than one is an error (FHIRPath 2.0, 4.5)."""
    if not collection:
        return None
    if len(collection) > 1:
        raise EvaluationError(f"{what} takes a single item, and there are {len(collection)}.")
    return collection[0]


def truth(collection: Collection, what: str) -> bool | None:
    """A collection as a boolean: none is None, a single item that is no boolean is true."""
    item = single(collection, what)
    if item is None or item is True or item is False:
        return item
    value = system(item)
    if type(value) is bool:
        return value
    return None if type(value) is Node and value.type == "boolean" else True
