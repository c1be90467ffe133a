"""String search (FHIR R4, 3.1.1.4.8): starts with, on folded text; `:contains`, `:exact`."""

from __future__ import annotations

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.fold import fold
from careplane.search.plan import Node, Text, TextMode
from careplane.search.syntax import unescape


def _starts(criterion: Criterion) -> Node:
    return Text(criterion.parameter.param, TextMode.STARTS, _folded(criterion))


def _contains(criterion: Criterion) -> Node:
    return Text(criterion.parameter.param, TextMode.CONTAINS, _folded(criterion))


def _exact(criterion: Criterion) -> Node:
    return Text(criterion.parameter.param, TextMode.EXACT, tuple(map(unescape, criterion.values)))


def _folded(criterion: Criterion) -> tuple[str, ...]:
    folded = tuple(fold(unescape(value)) for value in criterion.values)
    if not all(folded):
        raise criterion.invalid("a value has neither a letter nor a digit; write at least one")
    return folded


MODIFIERS: Modifiers = {"": _starts, "contains": _contains, "exact": _exact}
