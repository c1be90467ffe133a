"""Single answers: their type, options and limits (FHIR R4, Questionnaire.item)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import re2

from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import (
    CORE,
    SDC,
    extension,
    numbers,
    objects,
    order,
    same,
    value_of,
)
from careplane.kernel.errors import Issue

_CHOICES = frozenset(
    {"valueCoding", "valueString", "valueInteger", "valueDate", "valueTime", "valueReference"}
)
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
    "choice": _CHOICES,
    "open-choice": _CHOICES,
}
"""Questionnaire.item.type -> the values that its answers may have."""
LEAST = (CORE + "minValue", SDC + "minQuantity")
MOST = (CORE + "maxValue", SDC + "maxQuantity")
_BASE64 = 4 / 3


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
        value_of(option)[1]
        for option in objects(item.get("answerOption"))
        if extension(option, CORE + "questionnaire-optionExclusive") == [True]
    ]
    given = [value_of(answer)[1] for answer in answers]
    for index, value in enumerate(given if len(given) > 1 else ()):
        if any(same(value, one) for one in exclusive):
            text = "This option excludes all others"
            yield Issue("error", "value", text, f"{where}.answer[{index}]")


def _wrong(item: Tree, name: str, value: Any) -> Iterator[str]:
    options = objects(item.get("answerOption"))
    is_open = item.get("type") == "open-choice" and name == "valueString"
    if options and not is_open and not any(same(value, value_of(o)[1]) for o in options):
        yield "The answer is not one of the options"
    yield from _out_of_limits(item, value)
    if isinstance(value, str):
        yield from _wrong_text(item, value)
    if name == "valueAttachment" and isinstance(value, dict):
        yield from _wrong_attachment(item, value)
    if name == "valueReference" and isinstance(value, dict):
        yield from _wrong_reference(item, value)
    if name == "valueQuantity" and isinstance(value, dict):
        yield from _wrong_unit(item, value)
    for places in numbers(item, CORE + "maxDecimalPlaces"):
        if isinstance(value, Decimal) and -int(str(value.as_tuple().exponent)) > places:
            yield "The number has more decimal places than the question allows"


def _wrong_text(item: Tree, value: str) -> Iterator[str]:
    longest = item.get("maxLength")
    if isinstance(longest, int) and len(value) > longest:
        yield f"The answer is longer than {longest} characters"
    for shortest in numbers(item, CORE + "minLength"):
        if len(value) < shortest:
            yield f"The answer is shorter than {shortest} characters"
    for pattern in extension(item, CORE + "regex"):
        try:
            fits = re2.fullmatch(str(pattern), value)
        except re2.error:
            continue
        if not fits:
            yield "The answer has not the form that the question asks for"


def _wrong_attachment(item: Tree, value: Tree) -> Iterator[str]:
    types = extension(item, CORE + "mimeType")
    if types and value.get("contentType") not in types:
        yield "The content type is not one that the question allows"
    size, data = value.get("size"), value.get("data")
    if not isinstance(size, int):
        size = int(len(data) / _BASE64) if isinstance(data, str) else 0
    for most in numbers(item, CORE + "maxSize"):
        if size > most * 1_000_000:
            yield f"The attachment is larger than {most} megabytes"


def _wrong_reference(item: Tree, value: Tree) -> Iterator[str]:
    allowed = extension(item, CORE + "questionnaire-referenceResource")
    type = type_of(value)
    if allowed and type and type not in allowed:
        yield "The reference is not to a type that the question allows"


def type_of(reference: Tree) -> str | None:
    """The type that a reference leads to, as far as it says so."""
    named = reference.get("type")
    if isinstance(named, str):
        return named
    parts = str(reference.get("reference", "")).split("/")
    return parts[-2] if len(parts) > 1 and parts[-2][:1].isupper() else None


def _wrong_unit(item: Tree, value: Tree) -> Iterator[str]:
    options = extension(item, CORE + "questionnaire-unitOption")
    if options and not any(same(value, one) for one in options if isinstance(one, dict)):
        yield "The unit is not one of those that the question offers"


def _out_of_limits(item: Tree, value: Any) -> Iterator[str]:
    for least in extension(item, *LEAST):
        if order(value, least) == -1:
            yield "The answer is less than the least that is allowed"
    for most in extension(item, *MOST):
        if order(value, most) == 1:
            yield "The answer is greater than the most that is allowed"
    if isinstance(value, dict) and any(
        order(value, limit) is None for limit in extension(item, *LEAST, *MOST)
    ):
        yield "The answer cannot be compared with its limit: give a unit of UCUM of the same kind"
