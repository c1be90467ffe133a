"""Order (FHIRPath 2.0, 6.2): `<`, `<=`, `>`, `>=` on numbers, strings, times and quantities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, kind, quantity, single, system
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.operators.equality import NUMBER, TEMPORAL
from careplane.fhir.fhirpath.values import quantity as quantities
from careplane.fhir.fhirpath.values import temporal
from careplane.fhir.fhirpath.values.quantity import Quantity


def order(left: Item, right: Item) -> int | None:
    """-1, 0 or 1, None where it cannot be known; raises EvaluationError for kinds without order."""
    one, other = system(left), system(right)
    if (type(one) is str and type(other) is str) or (type(one) in NUMBER and type(other) in NUMBER):
        return (one > other) - (one < other)  # type: ignore[operator]
    if isinstance(one, TEMPORAL) and isinstance(other, TEMPORAL):
        if temporal.comparable(one, other):
            return temporal.compare(one, other)
    elif Quantity in (type(one), type(other)) or Node in (type(one), type(other)):
        first, second = quantity(one), quantity(other)
        if first is not None and second is not None:
            return quantities.compare(first, second)
    raise EvaluationError(f"{kind(left)} and {kind(right)} cannot be ordered.")


ORDERS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda found: found < 0,
    "<=": lambda found: found <= 0,
    ">": lambda found: found > 0,
    ">=": lambda found: found >= 0,
}


def compared(operator: str, left: Collection, right: Collection) -> bool | None:
    """The result of one of the four operators."""
    one, other = single(left, operator), single(right, operator)
    if one is None or other is None:
        return None
    found = order(one, other)
    return None if found is None else ORDERS[operator](found)
