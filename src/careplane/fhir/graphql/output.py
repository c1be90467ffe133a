"""One object of the answer: names in the order of the query, each with one value or a list of them
(R4, graphql.html, Data Flattening Directives)."""

from __future__ import annotations

from typing import Any

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect


class Output:
    """Collects values under names. Several fields may give to one name only by `@flatten`, and then
    all values must be of one type."""

    __slots__ = ("_tree", "_types")

    def __init__(self) -> None:
        self._tree: Tree = {}
        self._types: dict[str, tuple[str, bool]] = {}

    def add(self, name: str, value: Any, type: str, is_list: bool) -> None:
        """One more value. Raises Incorrect for a second one where a single one was promised."""
        known = self._types.setdefault(name, (type, is_list))
        if known[0] != type:
            raise Incorrect(
                f"{name[:64]!r} would hold values of the types {known[0]} and {type}; "
                "give one of them an alias."
            )
        if is_list and known[1]:
            self._tree.setdefault(name, []).append(value)
        elif name in self._tree:
            raise Incorrect(f"There is more than one value for {name[:64]!r}, a single one.")
        else:
            self._tree[name] = value

    def empty(self, name: str, type: str) -> None:
        """A list without values, unless there are some already."""
        if self._types.setdefault(name, (type, True)) == (type, True):
            self._tree.setdefault(name, [])

    def tree(self) -> Tree:
        """What was collected."""
        return self._tree
