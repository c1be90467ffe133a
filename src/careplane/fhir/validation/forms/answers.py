"""Single answers: their type, options and limits (FHIR R4, Questionnaire.item)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import re2

from careplane.fhir import ucum
from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_UCUM = "http://unitsofmeasure.org"

ANSWER_TYPES: dict[str, frozenset[str]] = {
    "boolean": frozenset({"valueBoolean"}),
    "decimal": frozenset({"valueDecimal"}),
    "integer": frozenset({"valueInteger"}),
    "date": frozenset({"valueDate"}),
    "dateTime": frozenset({"valueDateTime"}),
    "time": frozenset({"valueTime"}),
    "string": frozenset({"valueString"}),
    "text": frozenset({"valueString"}),
    "url": frozenset({"valueUri"}),
    "attachment": frozenset({"valueAttachment"}),
    "reference": frozenset({"valueReference"}),
    "quantity": frozenset({"valueQuantity"}),
    "choice": frozenset(
        {"valueCoding", "valueString", "valueInteger", "valueDate", "valueTime", "valueReference"}
    ),
    "open-choice": frozenset(
        {"valueCoding", "valueString", "valueInteger", "valueDate", "valueTime", "valueReference"}
    ),
}
"""Questionnaire.item.type -> the values that its answers may have."""


def value_of(answer: Tree) -> tuple[str, Any]:
    """The JSON name and value of an answer; empty where there is none."""
    return next(((n, v) for n, v in answer.items() if n.startswith("value")), ("", None))


def extension(element: Tree, *urls: str) -> list[Any]:
    """The values of extensions with one of these URLs."""
    found: list[Any] = []
    for one in element.get("extension") or ():
        if isinstance(one, dict) and one.get("url") in urls:
            found.extend(v for n, v in one.items() if n.startswith("value"))
    return found


def answer_problems(item: Tree, answer: Tree, where: str) -> Iterator[Issue]:
    """What is wrong with one answer to a question."""
    name, value = value_of(answer)
    if not name:
        return
    allowed = ANSWER_TYPES.get(str(item.get("type")))
    if allowed is not None and name not in allowed:
        text = f"An answer to a question of type {item['type']} cannot be a {name[5:]}"
        yield Issue("error", "structure", text, f"{where}.{name}")
        return
    for text in _wrong(item, name, value):
        yield Issue("error", "value", text, f"{where}.{name}")


def options_problems(item: Tree, answers: list[Tree], where: str) -> Iterator[Issue]:
    """An option that excludes the others stands alone."""
    exclusive = [
        option
        for option in item.get("answerOption") or ()
        if extension(option, _CORE + "questionnaire-optionExclusive") == [True]
    ]
    given = [value_of(answer)[1] for answer in answers]
    if len(given) > 1 and any(_same(value_of(o)[1], g) for o in exclusive for g in given):
        yield Issue("error", "value", "This option excludes all others", where)


def _wrong(item: Tree, name: str, value: Any) -> Iterator[str]:
    options = item.get("answerOption")
    is_open = item.get("type") == "open-choice" and name == "valueString"
    if options and not is_open and not any(_same(value_of(o)[1], value) for o in options):
        yield "The answer is not one of the options"
    yield from _out_of_limits(item, value)
    if isinstance(value, str):
        yield from _wrong_text(item, value)
    if name == "valueAttachment" and isinstance(value, dict):
        types = extension(item, _CORE + "mimeType")
        if types and value.get("contentType") not in types:
            yield "The content type is not one that the question allows"
    if name == "valueReference" and isinstance(value, dict):
        yield from _wrong_reference(item, value)
    places = extension(item, _CORE + "maxDecimalPlaces")
    if places and isinstance(value, Decimal) and -int(str(value.as_tuple().exponent)) > places[0]:
        yield "The number has more decimal places than the question allows"


def _wrong_text(item: Tree, value: str) -> Iterator[str]:
    longest = item.get("maxLength")
    if isinstance(longest, int) and len(value) > longest:
        yield f"The answer is longer than {longest} characters"
    shortest = extension(item, _CORE + "minLength")
    if shortest and len(value) < shortest[0]:
        yield f"The answer is shorter than {shortest[0]} characters"
    for pattern in extension(item, _CORE + "regex"):
        try:
            fits = re2.fullmatch(str(pattern), value)
        except re2.error:
            continue
        if not fits:
            yield "The answer has not the form that the question asks for"


def _wrong_reference(item: Tree, value: Tree) -> Iterator[str]:
    allowed = extension(item, _CORE + "questionnaire-referenceResource")
    parts = str(value.get("reference", "")).split("/")
    if allowed and len(parts) > 1 and parts[-2][:1].isupper() and parts[-2] not in allowed:
        yield "The reference is not to a type that the question allows"


def _out_of_limits(item: Tree, value: Any) -> Iterator[str]:
    for least in extension(item, _CORE + "minValue", _SDC + "sdc-questionnaire-minQuantity"):
        if _order(value, least) == -1:
            yield "The answer is less than the least that is allowed"
    for most in extension(item, _CORE + "maxValue", _SDC + "sdc-questionnaire-maxQuantity"):
        if _order(value, most) == 1:
            yield "The answer is greater than the most that is allowed"


def _order(one: Any, other: Any) -> int | None:
    """-1, 0, 1; None where there is no telling."""
    if isinstance(one, dict) and isinstance(other, dict):
        return _order_of_quantities(one, other)
    if isinstance(one, str) and isinstance(other, str):
        return _order_of_moments(one, other)
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return (one > other) - (one < other)
    return None


def _order_of_moments(one: str, other: str) -> int | None:
    if ":" in one[:3]:  # times of day are ordered as text
        return (one > other) - (one < other)
    (low, high), (other_low, other_high) = interval(one), interval(other)
    if high <= other_low:
        return -1
    # A month is beyond its own last day, as the reference implementation has it.
    return 1 if low >= other_high else 0


def _order_of_quantities(one: Tree, other: Tree) -> int | None:
    left, right = one.get("value"), other.get("value")
    if not isinstance(left, int | Decimal) or not isinstance(right, int | Decimal):
        return None
    if (one.get("system"), one.get("code")) == (other.get("system"), other.get("code")):
        if one.get("unit") == other.get("unit") or one.get("code"):
            return (left > right) - (left < right)
        return None
    if not one.get("system") == other.get("system") == _UCUM:
        return None
    try:
        return ucum.compare(Decimal(left), str(one["code"]), Decimal(right), str(other["code"]))
    except (KeyError, ucum.NotAUnit, ucum.NotComparable):
        return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        if "reference" in one:
            return bool(one["reference"] == other.get("reference"))
        return (one.get("system"), one.get("code")) == (other.get("system"), other.get("code"))
    return bool(one == other)
