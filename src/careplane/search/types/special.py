"""What is asked of the record itself: `_id` and `_lastUpdated` (FHIR R4, 3.1.1.4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.dates import prefixed_span
from careplane.search.plan import Everything, Ids, Node, Not, Nothing, Updated, any_of
from careplane.search.rows import Param
from careplane.search.syntax import unescape

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def _ids(criterion: Criterion) -> Node:
    ids = frozenset(map(unescape, criterion.values))
    if not all(map(_ID.fullmatch, ids)):
        raise criterion.invalid("an id has 1 to 64 letters, digits, hyphens or dots")
    return Ids(ids)


def _other_ids(criterion: Criterion) -> Node:
    return Not(_ids(criterion))


def _updated(criterion: Criterion) -> Node:
    return any_of(*(_one(criterion, value) for value in criterion.values))


def _one(criterion: Criterion, text: str) -> Node:
    asked = prefixed_span(text, criterion.setting.now)
    if asked is None:
        raise criterion.invalid(
            "write a date or instant that exists, after one of eq ne gt lt ge le sa eb ap or none"
        )
    return Updated(*asked)


def _missing(criterion: Criterion) -> Node:
    """Every record has both."""
    if criterion.values == ("true",):
        return Nothing()
    if criterion.values == ("false",):
        return Everything()
    raise criterion.invalid("write true or false")


MODIFIERS: Mapping[Param, Modifiers] = {
    Param("Resource._id"): {"": _ids, "not": _other_ids, "missing": _missing},
    Param("Resource._lastUpdated"): {"": _updated, "missing": _missing},
}
"""By parameter: what is special is no type, but each has its own way."""
