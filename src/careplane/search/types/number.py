"""Number search (FHIR R4, 3.1.1.4.6): a prefix and a number, as precise as it is written."""

from __future__ import annotations

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.numbers import asked
from careplane.search.plan import Node, Number, any_of


def _number(criterion: Criterion) -> Node:
    return any_of(*(_one(criterion, value) for value in criterion.values))


def _one(criterion: Criterion, text: str) -> Node:
    found = asked(text)
    if found is None:
        raise criterion.invalid(
            "write a number of at most 80 digits, such as 100, 5.40 or 1e-2, after one of "
            "eq ne gt lt ge le sa eb ap or nothing"
        )
    return Number(criterion.parameter.param, found.prefix, float(found.low), float(found.high))


MODIFIERS: Modifiers = {"": _number}
