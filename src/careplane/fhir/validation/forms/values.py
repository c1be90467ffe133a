"""Values of answers: read, compared, and the extensions of items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from careplane.fhir import ucum
from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree

CORE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
UCUM = "http://unitsofmeasure.org"
_NUMBERS = (int, Decimal)


def objects(value: Any) -> list[Tree]:
    """The objects of what should be an array of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def value_of(answer: Tree) -> tuple[str, Any]:
    """The JSON name and value of an answer; empty where there is none."""
    return next(((n, v) for n, v in answer.items() if n.startswith("value")), ("", None))


def extension(element: Tree, *urls: str) -> list[Any]:
    """The values of extensions with one of these URLs."""
    found: list[Any] = []
    for one in objects(element.get("extension")):
        if one.get("url") in urls:
            found.extend(v for n, v in one.items() if n.startswith("value"))
    return found


def numbers(element: Tree, *urls: str) -> list[int | Decimal]:
    """Those that are numbers."""
    found = extension(element, *urls)
    return [v for v in found if isinstance(v, _NUMBERS) and not isinstance(v, bool)]


def same(one: Any, other: Any) -> bool:
    """Whether an answer is what was expected: codings by system and code, quantities by amount."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return bool(one == other)
    if "reference" in other:
        return bool(one.get("reference") == other["reference"])
    if "value" in other:
        return order(one, other) == 0
    return bool((one.get("system"), one.get("code")) == (other.get("system"), other.get("code")))


def order(one: Any, other: Any) -> int | None:
    """-1, 0, 1; None where there is no telling."""
    if isinstance(one, dict) and isinstance(other, dict):
        return _order_of_quantities(one, other)
    if isinstance(one, str) and isinstance(other, str):
        return _order_of_moments(one, other)
    if isinstance(one, _NUMBERS) and isinstance(other, _NUMBERS):
        return (one > other) - (one < other)
    return None


def _order_of_moments(one: str, other: str) -> int | None:
    if ":" in one[:3]:  # times of day are ordered as text
        return (one > other) - (one < other)
    try:
        (low, high), (other_low, other_high) = interval(one), interval(other)
    except ValueError:
        return None
    if high <= other_low:
        return -1
    return 1 if low >= other_high else 0


def _order_of_quantities(one: Tree, other: Tree) -> int | None:
    left, right = one.get("value"), other.get("value")
    if not isinstance(left, _NUMBERS) or not isinstance(right, _NUMBERS):
        return None
    if (one.get("system"), one.get("code")) == (other.get("system"), other.get("code")):
        if one.get("unit") == other.get("unit") or one.get("code"):
            return (left > right) - (left < right)
        return None
    if not one.get("system") == other.get("system") == UCUM:
        return None
    try:
        return ucum.compare(Decimal(left), str(one["code"]), Decimal(right), str(other["code"]))
    except (KeyError, ucum.NotAUnit, ucum.NotComparable):
        return None
