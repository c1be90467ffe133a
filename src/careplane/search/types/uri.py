"""Uri search (FHIR R4, 3.1.1.4.13): exact, and along the path with `:above` and `:below`."""

from __future__ import annotations

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.plan import Node, Uri, UriMode
from careplane.search.syntax import unescape


def _exact(criterion: Criterion) -> Node:
    return Uri(criterion.parameter.param, UriMode.EXACT, _values(criterion))


def _below(criterion: Criterion) -> Node:
    return Uri(criterion.parameter.param, UriMode.BELOW, _urls(criterion))


def _above(criterion: Criterion) -> Node:
    return Uri(criterion.parameter.param, UriMode.ABOVE, _urls(criterion))


def _urls(criterion: Criterion) -> tuple[str, ...]:
    values = _values(criterion)
    if any(value[:4].lower() == "urn:" for value in values):
        raise criterion.invalid("a urn has no path; only URLs have something above and below")
    return values


def _values(criterion: Criterion) -> tuple[str, ...]:
    values = tuple(map(unescape, criterion.values))
    if not all(values):
        raise criterion.invalid("a value is empty")
    return values


MODIFIERS: Modifiers = {"": _exact, "below": _below, "above": _above}
