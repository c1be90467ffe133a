"""Which concepts a selection means, as sets of places: filters, words, and being active."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from careplane.kernel.errors import Unsupported
from careplane.terminology.concepts import Filter, Selection
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.shelf import Shelf
from careplane.terminology.stored.ways import (
    BY_CODE,
    BY_FLAG,
    BY_LINK,
    BY_VALUE,
    Way,
    looked_through,
    worded,
)
from careplane.terminology.words import asked

_CODE = ("concept", "code")
_LINKS = ("parent", "child")
_TEXTS = ("display", "definition")
Special = Callable[[Shelf, Filter], Awaitable[bytes | None]]
"""Filters that a code system has of its own; None for one that it does not know either."""


class Selecting:
    """Selections of one code system. `declared` are the codes of its properties."""

    def __init__(self, shelf: Shelf, declared: frozenset[str], special: Special) -> None:
        self._shelf = shelf
        self._declared = declared | set(shelf.head.names)
        self._special = special

    async def mask(self, selection: Selection) -> bytes:
        """The places of what is selected. Raises Unsupported and Invalid as `Concepts.select`."""
        mask = masks.every(self._shelf.size)
        for filter in selection.filters:
            mask = masks.both(mask, await self.filtered(filter))
        if selection.active_only:
            mask = masks.without(mask, await self._shelf.posted((layout.INACTIVE,)))
        for word in asked(selection.text):
            mask = masks.both(mask, await worded(self._shelf, word))
        return mask

    async def filtered(self, filter: Filter) -> bytes:
        """The places that pass one filter."""
        mask = self._shelf.masks.get(filter)
        if mask is None:
            mask = await self._filtered(filter)
            self._shelf.masks.put(filter, mask)
        return mask

    async def _filtered(self, filter: Filter) -> bytes:
        special = await self._special(self._shelf, filter)
        if special is not None:
            return special
        ways = self._ways(filter.property)
        return await ways.get(filter.op, looked_through)(self._shelf, filter)

    def _ways(self, property: str) -> Mapping[str, Way]:
        if property in _CODE:
            return BY_CODE
        if property in _LINKS:
            return BY_LINK
        if property == "inactive":
            return BY_FLAG
        if property in _TEXTS:
            return {}
        if property in self._declared:
            return BY_VALUE
        raise Unsupported(f"The code system has no property {property[:64]!r} to filter by.")
