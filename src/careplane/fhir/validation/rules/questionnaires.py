"""Rules about questionnaires themselves: what could never be answered, or never asked."""

from __future__ import annotations

from collections.abc import Iterator

import re2

from careplane.fhir.fhirpath import parse
from careplane.fhir.fhirpath.errors import NotFhirpath
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.answers import ANSWER_TYPES, LEAST, MOST, answer_problems
from careplane.fhir.validation.forms.values import (
    CORE,
    extension,
    numbers,
    objects,
    order,
    value_of,
)
from careplane.kernel.errors import Issue

_OCCURS = (CORE + "questionnaire-minOccurs", CORE + "questionnaire-maxOccurs")
_CONSTRAINT = CORE + "questionnaire-constraint"
_SILENT = ("group", "display")
_UNORDERED = frozenset({"valueBoolean", "valueCoding", "valueReference"})


def conditions(node: Node, where: str) -> Iterator[Issue]:
    """The answer that an enableWhen waits for is one that its question can have."""
    questions = dict(_questions(node.value))
    for item, place in _items(node.value, where):
        for index, condition in enumerate(objects(item.get("enableWhen"))):
            text = _never(condition, questions.get(str(condition.get("question"))))
            if text:
                yield Issue("error", "business-rule", text, f"{place}.enableWhen[{index}]")


def _never(condition: Tree, question: Tree | None) -> str | None:
    """Why a condition cannot hold."""
    asked = condition.get("operator")
    if question is None or asked == "exists":
        return None
    kind = str(question.get("type"))
    if kind in _SILENT:
        return f"An item of type {kind} has no answer that could be compared"
    name = next((n.replace("answer", "value", 1) for n in condition if n.startswith("answer")), "")
    allowed = ANSWER_TYPES.get(kind)
    if name and allowed is not None and name not in allowed:
        return f"A question of type {kind} is never answered by a {name[5:]}"
    if asked in (">", "<", ">=", "<=") and name in _UNORDERED:
        return f"A {name[5:]} is neither more nor less than another"
    return None


def options(node: Node, where: str) -> Iterator[Issue]:
    """Options and initial values are answers that the question can have."""
    item = node.value
    allowed = ANSWER_TYPES.get(str(item.get("type")))
    for index, option in enumerate(objects(item.get("answerOption"))):
        name, _ = value_of(option)
        if name and allowed is not None and name not in allowed:
            text = f"A question of type {item['type']} is never answered by a {name[5:]}"
            yield Issue("error", "structure", text, f"{where}.answerOption[{index}].{name}")
    for index, initial in enumerate(objects(item.get("initial"))):
        yield from answer_problems(item, initial, f"{where}.initial[{index}]")


def limits(node: Node, where: str) -> Iterator[Issue]:
    """Something lies within the limits of an item."""
    item = node.value
    for text in _contradictions(item):
        yield Issue("error", "business-rule", text, where)
    for pattern in extension(item, CORE + "regex"):
        try:
            re2.compile(str(pattern))
        except re2.error:
            text = "The regex is not looked at: it is wrong, or looks ahead, behind or back"
            yield Issue("warning", "not-supported", text, where)


def _contradictions(item: Tree) -> Iterator[str]:
    least, most = extension(item, *LEAST), extension(item, *MOST)
    if any(order(one, other) == 1 for one in least for other in most):
        yield "The least answer is greater than the greatest"
    few, many = (numbers(item, url) for url in _OCCURS)
    if any(one > other for one in few for other in many):
        yield "At least more answers than at most"
    if any(one > 1 for one in (*few, *many)) and item.get("repeats") is not True:
        yield "More than one answer to a question that does not repeat"
    longest = item.get("maxLength")
    if isinstance(longest, int) and any(n > longest for n in numbers(item, CORE + "minLength")):
        yield "The shortest answer is longer than the longest"


def constraints(node: Node, where: str) -> Iterator[Issue]:
    """The expression of a constraint is FHIRPath."""
    for one in objects(node.value.get("extension")):
        if one.get("url") != _CONSTRAINT:
            continue
        parts = {str(p.get("url")): value_of(p)[1] for p in objects(one.get("extension"))}
        expression = parts.get("expression")
        try:
            parse(expression if isinstance(expression, str) else "")
        except NotFhirpath as error:
            yield Issue("error", "invalid", f"Constraint {parts.get('key')}: {error.text}", where)


def _items(owner: Tree, where: str) -> Iterator[tuple[Tree, str]]:
    for index, item in enumerate(objects(owner.get("item"))):
        place = f"{where}.item[{index}]"
        yield item, place
        yield from _items(item, place)


def _questions(owner: Tree) -> Iterator[tuple[str, Tree]]:
    for item, _ in _items(owner, ""):
        yield str(item.get("linkId")), item
