"""Which subscriptions a change may concern, without asking each: a dictionary of handles.

A handle is something that a filter demands to be equal: a reference, a code, an id. A subscription
stands under the handles of its most telling criterion; one without any stands under its type. What
is found this way is checked in full afterwards, so a handle may say too much, never too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from careplane.interop.subscriptions.topic import Interaction
from careplane.search.match import Subject
from careplane.search.plan import And, Ids, Node, Or, Reference, Token

Handle: TypeAlias = tuple[str, ...]
_Shelf: TypeAlias = dict[Handle, dict[str, None]]
_ALL: Handle = ()
_MOST = 1000
"""Handles of one subscription and type; with more it stands under its type."""


def handles(node: Node) -> frozenset[Handle] | None:
    """Handles of which every resource that matches has one; None where there is no such set."""
    match node:
        case Reference(param, targets):
            return frozenset((param, type, id) for type, id in targets)
        case Ids(ids):
            return frozenset(("_id", id) for id in ids)
        case Token(param, codings) if all(coding.code is not None for coding in codings):
            return frozenset((param, coding.code or "") for coding in codings)
        case And(parts):
            found = [one for one in map(handles, parts) if one]
            return min(found, key=_worth) if found else None
        case Or(parts):
            sets = [handles(part) for part in parts]
            if None in sets:
                return None
            return frozenset(handle for one in sets if one for handle in one)
    return None


def _worth(found: frozenset[Handle]) -> tuple[int, int]:
    """A patient tells more than a code, and `_id` as much; then the fewer the better."""
    codes = sum(len(handle) == 2 and handle[0] != "_id" for handle in found)
    return min(codes, 1), len(found)


class Index:
    """Ids of subscriptions by type, interaction and handle."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[str, Interaction], _Shelf] = {}
        self._types: frozenset[str] = frozenset()
        self._places: dict[str, list[tuple[tuple[str, Interaction], Handle]]] = {}

    def put(
        self, id: str, interactions: Mapping[str, Iterable[Interaction]], nodes: Mapping[str, Node]
    ) -> None:
        """Enter a subscription: for each type, when it looks and what must match."""
        self.drop(id)
        places = self._places[id] = []
        for type, node in nodes.items():
            found = handles(node)
            under = found if found and len(found) <= _MOST else (_ALL,)
            for interaction in interactions.get(type, ()):
                shelf = self._shelves.setdefault((type, interaction), {})
                for handle in under:
                    shelf.setdefault(handle, {})[id] = None
                    places.append(((type, interaction), handle))
        self._types |= {type for (type, _), _ in places}

    def drop(self, id: str) -> None:
        """Take a subscription out."""
        for key, handle in self._places.pop(id, ()):
            shelf = self._shelves[key]
            shelf[handle].pop(id, None)
            if not shelf[handle]:
                del shelf[handle]
            if not shelf:
                del self._shelves[key]
                self._types = frozenset(type for type, _ in self._shelves)

    def watches(self, type: str) -> bool:
        """Whether anybody looks at changes of this type."""
        return type in self._types

    def candidates(self, subject: Subject, interactions: Iterable[Interaction]) -> dict[str, None]:
        """Subscriptions that such a change may concern, in the order in which they were entered."""
        found: dict[str, None] = {}
        for interaction in interactions:
            shelf = self._shelves.get((subject.type, interaction))
            if shelf:
                _gather(found, shelf, subject)
        return found


def _gather(found: dict[str, None], shelf: _Shelf, subject: Subject) -> None:
    # Every write comes by here, and nearly always there is nothing: no objects are made for that.
    for handle in (_ALL, ("_id", subject.id), *subject.rows.references):
        if here := shelf.get(handle):
            found.update(here)
    for param, _, code in subject.rows.tokens:
        if here := shelf.get((param, code)):
            found.update(here)
