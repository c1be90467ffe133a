"""Date search (FHIR R4, 3.1.1.4.7): a prefix and a date of any precision."""

from __future__ import annotations

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.dates import prefixed_span
from careplane.search.plan import Date, Node, any_of


def _date(criterion: Criterion) -> Node:
    return any_of(*(_one(criterion, value) for value in criterion.values))


def _one(criterion: Criterion, text: str) -> Node:
    asked = prefixed_span(text, criterion.setting.now)
    if asked is None:
        raise criterion.invalid(
            "write a date that exists, such as 2024, 2024-05, 2024-05-01 or 2024-05-01T10:00:00Z, "
            "after one of eq ne gt lt ge le sa eb ap or nothing"
        )
    return Date(criterion.parameter.param, *asked)


MODIFIERS: Modifiers = {"": _date}
