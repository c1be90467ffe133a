"""From a field such as `ConditionList(clinical_status: active)` to a search (R4, graphql.html,
Searching resources and Reverse References)."""

from __future__ import annotations

import re
from decimal import Decimal

from careplane.fhir.graphql.asks import BySearch
from careplane.fhir.graphql.checker import reference_of
from careplane.fhir.graphql.query import Field, Scalar, Selection, Value, many
from careplane.fhir.graphql.schema import CONNECTION, LIST
from careplane.fhir.tree import Tree

_NOT_CRITERIA = ("fhirpath", "_reference", "cursor", "_cursor")
_COMMA = re.compile(r"(?<!\\),")


def search_of(field: Field, focus: Tree | None) -> BySearch:
    """The search; `focus` is the resource that `_reference` leads to."""
    whole = field.name.endswith(LIST)
    type = field.name.removesuffix(LIST if whole else CONNECTION)
    pairs = [
        (_code(name), _text(value)) for name, value in field.arguments if name not in _NOT_CRITERIA
    ]
    if focus is not None:
        code = reference_of(type, field)
        assert code is not None  # it was checked
        pairs.append((code, f"{focus['resourceType']}/{focus['id']}"))
    cursor = field.argument("cursor", "_cursor")
    return BySearch(
        type,
        tuple(pairs),
        whole,
        cursor=None if cursor is None else str(cursor),
        total=not whole and _counts(field.selections),
    )


def _code(name: str) -> str:
    """A search parameter by its name in GraphQL, which has no hyphens."""
    return name if name.startswith("_") else name.replace("_", "-")


def _text(value: Value) -> str:
    """One value, or alternatives; a comma inside of a value is a comma."""
    return ",".join(_COMMA.sub(r"\\,", _one(one)) for one in many(value))


def _one(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _counts(selections: tuple[Selection, ...]) -> bool:
    return any(
        one.name == "count" if isinstance(one, Field) else _counts(one.selections)
        for one in selections
    )
