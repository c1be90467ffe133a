"""Which items of a questionnaire are asked: enableWhen (FHIR R4, Questionnaire.item.enableWhen).

A question may have been answered in several places, one for each repetition of a group. The nearest
counts: that in the same repetition, else in what is around it, and so on outward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects, order, same, value_of

_ORDERS: dict[str, Callable[[int], bool]] = {
    ">": lambda found: found > 0,
    "<": lambda found: found < 0,
    ">=": lambda found: found >= 0,
    "<=": lambda found: found <= 0,
}


class Answers:
    """The answers of a response, as an item sees them."""

    def __init__(self) -> None:
        self._inside: dict[int, dict[str, list[Any]]] = {}

    def given(self, around: Sequence[Tree], link: str) -> list[Any]:
        """The values that were given to a question. `around` are the parts of the response that an
        item is in, from the whole to the nearest."""
        for owner in reversed(around):
            inside = self._of(owner)
            if link in inside:
                return inside[link]
        return []

    def _of(self, owner: Tree) -> dict[str, list[Any]]:
        """Link id -> values, of all questions in a response, item or answer."""
        known = self._inside.get(id(owner))
        if known is None:
            known = self._inside[id(owner)] = {}
            for item in objects(owner.get("item")):
                answers = objects(item.get("answer"))
                mine = known.setdefault(str(item.get("linkId")), [])
                mine += [value for name, value in map(value_of, answers) if name]
                for part in (item, *answers):
                    for link, values in self._of(part).items():
                        known.setdefault(link, []).extend(values)
        return known


def is_enabled(item: Tree, answers: Answers, around: Sequence[Tree]) -> bool:
    """Whether the conditions of an item hold; an item without conditions is asked."""
    conditions = objects(item.get("enableWhen"))
    if not conditions:
        return True
    held = [_holds(c, answers.given(around, str(c.get("question")))) for c in conditions]
    return all(held) if item.get("enableBehavior") == "all" else any(held)


def _holds(condition: Tree, given: list[Any]) -> bool:
    _, expected = value_of({k.replace("answer", "value", 1): v for k, v in condition.items()})
    match condition.get("operator"):
        case "exists":
            return bool(given) is expected
        case "=":
            return any(_equal(one, expected) for one in given)
        case "!=":
            return bool(given) and not any(_equal(one, expected) for one in given)
        case str(symbol) if symbol in _ORDERS:
            found = (order(one, expected) for one in given)
            return any(_ORDERS[symbol](one) for one in found if one is not None)
    return True


def _equal(one: Any, other: Any) -> bool:
    """As `same`; a coding without a system asks for the code alone."""
    if isinstance(one, dict) and isinstance(other, dict) and other.keys() <= {"code", "display"}:
        return bool(one.get("code") == other.get("code"))
    return same(one, other)
