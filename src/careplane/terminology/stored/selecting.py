"""Which concepts a filter means (FHIR R4, 4.9.5), as sets of places."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import re2

from careplane.kernel.errors import CareplaneError, Invalid, Issue, Unsupported
from careplane.search.words import words
from careplane.terminology.concepts import Filter, Selection
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.shelf import Shelf

_CODE = ("concept", "code")
_LINKS = ("parent", "child")
_LONGEST_REGEX = 1_000
_SHOWN = 100
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
            mask = masks.without(mask, await self._kept((layout.INACTIVE,)))
        for word in words(selection.text).split():
            mask = masks.both(mask, await self._worded(word))
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
        if filter.property in _CODE:
            ways: Mapping[str, Way] = _BY_CODE
        elif filter.property in _LINKS:
            ways = _BY_LINK
        elif filter.property == "display":
            ways = _BY_DISPLAY
        elif filter.property == "inactive" and "inactive" not in self._shelf.head.names:
            ways = _BY_FLAG
        elif filter.property in self._declared:
            ways = _BY_VALUE
        else:
            raise _refused(Unsupported, "not-supported", filter, "it has no such property")
        way = ways.get(filter.op)
        if way is None:
            raise _refused(Unsupported, "not-supported", filter, "it has no such operator for that")
        return await way(self._shelf, filter)

    async def _worded(self, word: str) -> bytes:
        prefix = f"{layout.WORD}{word}"
        mask = self._shelf.masks.get(prefix)
        if mask is None:
            mask = masks.none(self._shelf.size)
            async for names in self._shelf.names(prefix):
                mask = masks.either(mask, await self._shelf.posted(names))
            self._shelf.masks.put(prefix, mask)
        return mask

    async def _kept(self, names: tuple[str, ...]) -> bytes:
        mask = self._shelf.masks.get(names)
        if mask is None:
            mask = await self._shelf.posted(names)
            self._shelf.masks.put(names, mask)
        return mask


Way = Callable[[Shelf, Filter], Awaitable[bytes]]


def listed(value: str) -> list[str]:
    """The values of `in` and `not-in`."""
    return [text for part in value.split(",") if (text := part.strip())]


async def below(shelf: Shelf, code: str, *, itself: bool) -> bytes:
    """What is below a concept; nothing where there is no such concept."""
    place = await shelf.place(code)
    if place is None:
        return masks.none(shelf.size)
    mask = masks.of_runs(shelf.size, await shelf.runs(place))
    return masks.either(mask, masks.of_places(shelf.size, (place,))) if itself else mask


async def above(shelf: Shelf, code: str, *, itself: bool) -> bytes:
    """What is above a concept."""
    place = await shelf.place(code)
    if place is None:
        return masks.none(shelf.size)
    return masks.of_places(shelf.size, [*await shelf.above(place), *([place] if itself else [])])


async def beside(shelf: Shelf, code: str, *, children: bool) -> bytes:
    """What is right below a concept, or right above it."""
    place = await shelf.place(code)
    if place is None:
        return masks.none(shelf.size)
    links = await shelf.links(place)
    raw = links.children if children else links.parents
    return masks.of_places(shelf.size, layout.unpacked(raw))


async def leaves(shelf: Shelf, mask: bytes) -> bytes:
    """Those of the places that have nothing below them."""
    return masks.without(mask, await shelf.posted((layout.with_any("child"),)))


async def _is_a(shelf: Shelf, filter: Filter) -> bytes:
    return await below(shelf, filter.value, itself=True)


async def _descendants(shelf: Shelf, filter: Filter) -> bytes:
    return await below(shelf, filter.value, itself=False)


async def _is_not_a(shelf: Shelf, filter: Filter) -> bytes:
    return _not(shelf, await below(shelf, filter.value, itself=True))


async def _generalizes(shelf: Shelf, filter: Filter) -> bytes:
    return await above(shelf, filter.value, itself=True)


async def _children(shelf: Shelf, filter: Filter) -> bytes:
    return await beside(shelf, filter.value, children=True)


async def _leaves(shelf: Shelf, filter: Filter) -> bytes:
    return await leaves(shelf, await below(shelf, filter.value, itself=False))


async def _code(shelf: Shelf, filter: Filter) -> bytes:
    place = await shelf.place(filter.value)
    return masks.of_places(shelf.size, () if place is None else (place,))


async def _codes(shelf: Shelf, filter: Filter) -> bytes:
    places = await shelf.places(listed(filter.value))
    return masks.of_places(shelf.size, places.values())


async def _no_codes(shelf: Shelf, filter: Filter) -> bytes:
    return _not(shelf, await _codes(shelf, filter))


async def _code_like(shelf: Shelf, filter: Filter) -> bytes:
    meets = _pattern(filter)
    found = shelf.all_bodies(masks.every(shelf.size))
    return masks.of_places(shelf.size, [place async for place, body in found if meets(body.code)])


async def _code_there(shelf: Shelf, filter: Filter) -> bytes:
    return masks.every(shelf.size) if _truth(filter) else masks.none(shelf.size)


async def _linked(shelf: Shelf, filter: Filter) -> bytes:
    return await beside(shelf, filter.value, children=filter.property == "parent")


async def _linked_any(shelf: Shelf, filter: Filter) -> bytes:
    found = masks.none(shelf.size)
    for code in listed(filter.value):
        found = masks.either(found, await beside(shelf, code, children=filter.property == "parent"))
    return found


async def _linked_none(shelf: Shelf, filter: Filter) -> bytes:
    return _not(shelf, await _linked_any(shelf, filter))


async def _display(shelf: Shelf, filter: Filter) -> bytes:
    return await _displayed(shelf, lambda text: text == filter.value)


async def _display_in(shelf: Shelf, filter: Filter) -> bytes:
    wanted = set(listed(filter.value))
    return await _displayed(shelf, lambda text: text in wanted)


async def _display_like(shelf: Shelf, filter: Filter) -> bytes:
    return await _displayed(shelf, _pattern(filter))


async def _display_there(shelf: Shelf, filter: Filter) -> bytes:
    wanted = _truth(filter)
    return await _displayed(shelf, lambda text: bool(text) is wanted)


async def _displayed(shelf: Shelf, meets: Callable[[str], bool]) -> bytes:
    found = shelf.all_bodies(masks.every(shelf.size))
    return masks.of_places(
        shelf.size, [place async for place, body in found if meets(body.display)]
    )


async def _flag(shelf: Shelf, filter: Filter) -> bytes:
    mask = await shelf.posted((filter.property,))
    return mask if _truth(filter) else _not(shelf, mask)


async def _value(shelf: Shelf, filter: Filter) -> bytes:
    return await shelf.posted((layout.with_value(filter.property, filter.value),))


async def _values(shelf: Shelf, filter: Filter) -> bytes:
    values = listed(filter.value)
    return await shelf.posted([layout.with_value(filter.property, value) for value in values])


async def _no_values(shelf: Shelf, filter: Filter) -> bytes:
    return _not(shelf, await _values(shelf, filter))


async def _value_there(shelf: Shelf, filter: Filter) -> bytes:
    mask = await shelf.posted((layout.with_any(filter.property),))
    return mask if _truth(filter) else _not(shelf, mask)


async def _value_like(shelf: Shelf, filter: Filter) -> bytes:
    meets, prefix = _pattern(filter), layout.values_of(filter.property)
    mask = masks.none(shelf.size)
    async for names in shelf.names(prefix):
        some = [name for name in names if meets(name[len(prefix) :])]
        mask = masks.either(mask, await shelf.posted(some))
    return mask


def _not(shelf: Shelf, mask: bytes) -> bytes:
    return masks.without(masks.every(shelf.size), mask)


def _truth(filter: Filter) -> bool:
    if filter.value not in ("true", "false"):
        raise _refused(Invalid, "value", filter, "write true or false")
    return filter.value == "true"


def _pattern(filter: Filter) -> Callable[[str], bool]:
    """Whether a text is like the regular expression, as a whole; in time linear in the text."""
    if len(filter.value) > _LONGEST_REGEX:
        raise _refused(Invalid, "value", filter, "the regular expression is too long")
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(filter.value, options)
    except re2.error:
        raise _refused(
            Invalid, "value", filter, "this is no regular expression of RE2's kind"
        ) from None
    return lambda text: pattern.fullmatch(text) is not None


def _refused(kind: type[CareplaneError], code: str, filter: Filter, text: str) -> CareplaneError:
    where = f"{filter.property[:_SHOWN]} {filter.op}"
    whole = f"The code system cannot be filtered by {where}: {text}."
    return kind(whole, issues=(Issue("error", code, whole),))


_BY_CODE: Mapping[str, Way] = {
    "=": _code,
    "in": _codes,
    "not-in": _no_codes,
    "regex": _code_like,
    "exists": _code_there,
    "is-a": _is_a,
    "descendent-of": _descendants,
    "is-not-a": _is_not_a,
    "generalizes": _generalizes,
    "child-of": _children,
    "descendent-leaf": _leaves,
}
_BY_LINK: Mapping[str, Way] = {
    "=": _linked,
    "in": _linked_any,
    "not-in": _linked_none,
    "exists": _value_there,
}
_BY_DISPLAY: Mapping[str, Way] = {
    "=": _display,
    "in": _display_in,
    "regex": _display_like,
    "exists": _display_there,
}
_BY_FLAG: Mapping[str, Way] = {"=": _flag}
_BY_VALUE: Mapping[str, Way] = {
    "=": _value,
    "in": _values,
    "not-in": _no_values,
    "regex": _value_like,
    "exists": _value_there,
}
