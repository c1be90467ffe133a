"""List navigation: which elements of a list a field is about (R4, graphql.html, Field Arguments),
and the names that `@slice` gives them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from careplane.fhir.fhirpath import Node, root_node
from careplane.fhir.fhirpath.functions.conversion import to_string
from careplane.fhir.fhirpath.items import truth
from careplane.fhir.graphql.limits import Budget
from careplane.fhir.graphql.query import Field, Scalar, Value, many
from careplane.fhir.tree import Tree

_LONGEST = 200
_NAVIGATION = ("fhirpath", "_offset", "_count")


class Navigation:
    """Selects elements for fields, on one budget."""

    __slots__ = ("_budget",)

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def elements(self, field: Field, items: list[Any], type: str, resource: Tree) -> list[Any]:
        """The elements that the arguments and `@first` leave, in their order."""
        for name, value in field.arguments:
            if name not in _NAVIGATION:
                items = [item for item in items if _has(item, name, value)]
        items = self.matching(field, items, type, resource)
        offset, count = field.argument("_offset"), field.argument("_count")
        if isinstance(offset, int):
            items = items[offset:]
        if isinstance(count, int):
            items = items[:count]
        return items[:1] if field.first else items

    def matching(
        self, field: Field, items: list[Any], type: str, resource: Tree | None
    ) -> list[Any]:
        """Those for which the FHIRPath of the field finds something that is not false. `resource`
        is what the elements stand in; None where they are resources themselves."""
        path = field.argument("fhirpath")
        if path is None:
            return items
        within = root_node(resource) if resource is not None else None
        return [
            item
            for index, item in enumerate(items)
            if self._holds(str(path), Node(item, type, None, within, field.name, index), index)
        ]

    def _holds(self, path: str, node: Node, index: int) -> bool:
        found = self._budget.paths.evaluate(path, node, index)
        return len(found) > 1 or (bool(found) and truth(found, "A filter") is True)

    def suffix(self, field: Field, item: Any, index: int, type: str, resource: Tree) -> str:
        """What `@slice` appends to the names of an element: `.` and what its path finds, nothing
        where it finds nothing."""
        if field.slice is None:
            return ""
        node = Node(item, type, None, root_node(resource), field.name, index)
        found = self._budget.paths.evaluate(field.slice, node, index)
        text = "".join(to_string(one) or "" for one in found)[:_LONGEST]
        return f".{text}" if text else ""


def _has(item: Any, name: str, wanted: Value) -> bool:
    if not isinstance(item, dict):
        return False
    found = item.get(name)
    values: Sequence[Any] = found if isinstance(found, list) else (found,)
    return any(_same(value, one) for value in values for one in many(wanted))


def _same(value: Any, wanted: Scalar) -> bool:
    """Equality of a JSON value with what a query says, where `1.0` is `1` and "1" is no number."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | Decimal) or isinstance(wanted, int | Decimal):
        return isinstance(value, int | Decimal) and value == wanted
    return isinstance(value, str) and value == wanted
