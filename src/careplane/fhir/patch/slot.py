"""One element of an object of a tree, with all its repeats, as a list: what operations work on.

JSON keeps a primitive's value and its id and extensions in two members (2.6.2.3); here they are one
pair, so that nothing that moves or goes loses its other half.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import starmap, zip_longest
from typing import Any, NamedTuple

from careplane.fhir.tree import Tree


class Pair(NamedTuple):
    """One repeat of an element: its JSON value, and what stands beside it under `_name`."""

    value: Any
    beside: Tree | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """The member `name` of an object, an array if it `repeats`."""

    owner: Tree
    name: str
    repeats: bool

    def read(self) -> list[Pair]:
        """Its repeats, one or none where it does not repeat."""
        value, beside = self._both()
        if not self.repeats:
            return [] if value is None and beside is None else [Pair(value, beside)]
        return list(starmap(Pair, zip_longest(_as_list(value), _as_list(beside))))

    def __len__(self) -> int:
        return max(len(_as_list(part)) for part in self._both())

    def write(self, pairs: list[Pair]) -> None:
        """Put these in place of what is there; with none, the member goes."""
        if self.repeats:
            self._set(self.name, [pair.value for pair in pairs])
            self._set("_" + self.name, [pair.beside for pair in pairs])
        else:
            last = pairs[-1] if pairs else Pair(None)
            self._set(self.name, last.value)
            self._set("_" + self.name, last.beside)

    def _both(self) -> tuple[Any, Any]:
        return self.owner.get(self.name), self.owner.get("_" + self.name)

    def _set(self, name: str, content: Any) -> None:
        missing = all(one is None for one in content) if self.repeats else content is None
        if not missing:
            self.owner[name] = content
        elif name in self.owner:
            del self.owner[name]


def _as_list(value: Any) -> list[Any]:
    """An array as it is; a value that should be in one, in one: patches meet what they made."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
