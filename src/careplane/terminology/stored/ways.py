"""What each operator of a filter means (FHIR R4, 4.9.5), as sets of places: a table for each kind
of property."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from careplane.kernel.errors import Invalid, Unsupported
from careplane.terminology.concepts import Concept, Filter
from careplane.terminology.filters import test_of
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.shelf import Shelf

_PAGE = 5_000
Way = Callable[[Shelf, Filter], Awaitable[bytes]]


async def worded(shelf: Shelf, word: str) -> bytes:
    """Who has a word that begins so, in its display or a designation."""
    prefix = f"{layout.WORD}{word[: layout.MOST_LETTERS]}"
    mask = shelf.masks.get(prefix)
    if mask is None:
        mask = masks.none(shelf.size)
        async for names in shelf.names(prefix):
            mask = masks.either(mask, await shelf.posted(names))
        shelf.masks.put(prefix, mask)
    return mask


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
    return masks.of_places(shelf.size, [*await shelf.above([place]), *([place] if itself else [])])


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


async def _linked(shelf: Shelf, filter: Filter) -> bytes:
    return await beside(shelf, filter.value, children=filter.property == "parent")


async def _linked_any(shelf: Shelf, filter: Filter) -> bytes:
    found = masks.none(shelf.size)
    for code in listed(filter.value):
        found = masks.either(found, await beside(shelf, code, children=filter.property == "parent"))
    return found


async def _linked_none(shelf: Shelf, filter: Filter) -> bytes:
    return _not(shelf, await _linked_any(shelf, filter))


async def _flag(shelf: Shelf, filter: Filter) -> bytes:
    mask = await shelf.posted((layout.INACTIVE,))
    if filter.value == "false":
        return _not(shelf, mask)
    return mask if filter.value == "true" else masks.none(shelf.size)


async def _value(shelf: Shelf, filter: Filter) -> bytes:
    return await _with_long(shelf, filter, [filter.value])


async def _values(shelf: Shelf, filter: Filter) -> bytes:
    return await _with_long(shelf, filter, listed(filter.value))


async def _with_long(shelf: Shelf, filter: Filter, values: list[str]) -> bytes:
    """Who has one of the values: short ones have postings, long ones are compared."""
    short = [value for value in values if layout.is_short(value)]
    mask = await shelf.posted([layout.with_value(filter.property, value) for value in short])
    if len(short) == len(values):
        return mask
    long = await shelf.posted((layout.with_long(filter.property),))
    return masks.either(mask, await _among(shelf, filter, long))


async def _value_like(shelf: Shelf, filter: Filter) -> bytes:
    is_like, prefix = _like(filter), layout.values_of(filter.property)
    mask = masks.none(shelf.size)
    async for names in shelf.names(prefix):
        some = [name for name in names if is_like(name[len(prefix) :])]
        mask = masks.either(mask, await shelf.posted(some))
    long = await shelf.posted((layout.with_long(filter.property),))
    return masks.either(mask, await _among(shelf, filter, long))


async def _code_like(shelf: Shelf, filter: Filter) -> bytes:
    is_like = _like(filter)
    mask = bytearray(shelf.size)
    for start in range(0, shelf.size, _PAGE):
        places = list(range(start, min(start + _PAGE, shelf.size)))
        for place, code in zip(places, await shelf.codes(places), strict=True):
            mask[place] = is_like(code)
    return bytes(mask)


def _like(filter: Filter) -> Callable[[str], bool]:
    """Whether a text is like the regular expression. Raises Invalid for what is none."""
    test = test_of(Filter("code", "regex", filter.value), _Known())
    return lambda text: test(Concept(text))


async def _no_values(shelf: Shelf, filter: Filter) -> bytes:
    return _not(shelf, await _values(shelf, replace(filter, op="in")))


async def _value_there(shelf: Shelf, filter: Filter) -> bytes:
    mask = await shelf.posted((layout.with_any(filter.property),))
    return mask if _truth(filter) else _not(shelf, mask)


async def looked_through(shelf: Shelf, filter: Filter) -> bytes:
    """Concept by concept, for what nothing is laid out for: regular expressions, texts."""
    if filter.property == "child":
        raise Unsupported(f"The operator {filter.op[:20]!r} is not offered for 'child'.")
    return await _among(shelf, filter, masks.every(shelf.size))


async def _among(shelf: Shelf, filter: Filter, mask: bytes) -> bytes:
    test, head = test_of(filter, _Known()), shelf.head
    some = shelf.all_bodies(mask)
    places = [place async for place, body in some if test(layout.concept_of(body, head))]
    return masks.of_places(shelf.size, places)


class _Known:
    """A hierarchy of which nothing is asked: the property is known, and is not of it."""

    def above(self, code: str) -> frozenset[str]:
        """Nothing."""
        return frozenset()

    below = above

    def right_below(self, code: str) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def has_property(self, code: str) -> bool:
        """It is known."""
        return True


def _not(shelf: Shelf, mask: bytes) -> bytes:
    return masks.without(masks.every(shelf.size), mask)


def _truth(filter: Filter) -> bool:
    if filter.value not in ("true", "false"):
        raise Invalid("The value of a filter with the operator 'exists' is true or false.")
    return filter.value == "true"


BY_CODE: Mapping[str, Way] = {
    "regex": _code_like,
    "=": _code,
    "in": _codes,
    "not-in": _no_codes,
    "is-a": _is_a,
    "descendent-of": _descendants,
    "is-not-a": _is_not_a,
    "generalizes": _generalizes,
    "child-of": _children,
    "descendent-leaf": _leaves,
}
BY_LINK: Mapping[str, Way] = {
    "=": _linked,
    "in": _linked_any,
    "not-in": _linked_none,
    "exists": _value_there,
}
BY_FLAG: Mapping[str, Way] = {"=": _flag}
BY_VALUE: Mapping[str, Way] = {
    "=": _value,
    "in": _values,
    "not-in": _no_values,
    "regex": _value_like,
    "exists": _value_there,
}
