"""Which items of a questionnaire are asked: enableWhen (FHIR R4, Questionnaire.item.enableWhen)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.answers import value_of

Answers = dict[str, list[Any]]
"""Link id -> the values that were given to it, anywhere in the response."""

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def is_enabled(item: Tree, answers: Answers) -> bool:
    """Whether the conditions of an item hold; an item without conditions is asked."""
    conditions = [c for c in item.get("enableWhen") or () if isinstance(c, dict)]
    if not conditions:
        return True
    held = [_holds(condition, answers) for condition in conditions]
    return all(held) if item.get("enableBehavior") == "all" else any(held)


def _holds(condition: Tree, answers: Answers) -> bool:
    given = answers.get(str(condition.get("question")), [])
    _, expected = value_of({k.replace("answer", "value", 1): v for k, v in condition.items()})
    match condition.get("operator"):
        case "exists":
            return bool(given) is expected
        case "=":
            return any(_equal(one, expected) for one in given)
        case "!=":
            return bool(given) and not any(_equal(one, expected) for one in given)
        case str(symbol) if symbol in _ORDERS:
            return any(_ordered(_ORDERS[symbol], one, expected) for one in given)
    return True


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        if "system" in other and one.get("system") != other["system"]:
            return False
        key = "code" if "code" in other else "value" if "value" in other else "reference"
        return bool(one.get(key) == other.get(key))
    return bool(one == other)


def _ordered(order: Callable[[Any, Any], bool], one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = one.get("value"), other.get("value")
    alike = isinstance(one, str) == isinstance(other, str)
    return alike and isinstance(one, str | int | Decimal) and order(one, other)
