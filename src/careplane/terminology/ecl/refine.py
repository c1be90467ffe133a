"""Refinements of an expression constraint: which concepts have what attributes.

Most are answered from postings alone. Where it counts how often something is said, or in which
relationship group, the concepts that come into question are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from msgspec import Struct

from careplane.kernel.errors import Issue, Unsupported
from careplane.terminology.ecl import syntax as s
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.layout import Body
from careplane.terminology.stored.shelf import Shelf

Run = Callable[[Shelf, s.Expression], Awaitable[bytes]]
_ONCE = s.Times()


class _Meant(Struct):
    """An attribute, looked up: its values that count, by its number, and who has one of them."""

    times: s.Times
    values: dict[int, set[str]]
    mask: bytes
    reverse: bool


class _Grouped(Struct):
    how: _Looked
    times: s.Times


class _Joined(Struct):
    parts: list[_Looked]
    all: bool


_Looked: TypeAlias = _Meant | _Grouped | _Joined


class Attributes:
    """Attributes of the concepts of one code system; `run` answers expressions."""

    def __init__(self, shelf: Shelf, run: Run) -> None:
        self.shelf = shelf
        self._run = run

    async def named(self, name: s.Expression) -> list[str]:
        """The attributes that a name means, of those that are used at all."""
        used = [code for code in self.shelf.head.names if code.isdecimal()]
        if isinstance(name, s.Everything):
            return used
        if isinstance(name, s.One):
            return [name.code] if name.code in used else []
        mask = await self._run(self.shelf, name)
        places = await self.shelf.places(used)
        return [code for code, place in places.items() if mask[place]]

    async def meant(self, node: s.Attribute) -> _Meant:
        """Look an attribute up."""
        shelf = self.shelf
        names = await self.named(node.name)
        if node.reverse:
            if not isinstance(node.value, _EXPRESSIONS):
                raise _unsupported("reversed attributes of numbers and texts")
            sources = await self._run(shelf, node.value)
            if node.compare == "!=":
                sources = masks.without(masks.every(shelf.size), sources)
            return _Meant(node.times, {}, await self.targets(names, sources), reverse=True)
        numbers = {name: number for number, name in enumerate(shelf.head.names)}
        values: dict[int, set[str]] = {}
        mask = masks.none(shelf.size)
        for name in names:
            found = await self._values(name, node)
            values[numbers[name]] = found
            for some in _pieces(found):
                posted = await shelf.posted([layout.with_value(name, value) for value in some])
                mask = masks.either(mask, posted)
        return _Meant(node.times, values, mask, reverse=False)

    async def targets(self, names: Iterable[str], sources: bytes) -> bytes:
        """The values of attributes of some concepts."""
        codes: list[str] = []
        for name in names:
            prefix = layout.values_of(name)
            async for some in self.shelf.names(prefix):
                found = await self.shelf.postings(some)
                codes += [
                    key[len(prefix) :]
                    for key, places in found.items()
                    if any(sources[place] for place in places)
                ]
        places = await self.shelf.places(codes)
        return masks.of_places(self.shelf.size, places.values())

    async def _values(self, name: str, node: s.Attribute) -> set[str]:
        """Values of an attribute that meet the comparison."""
        prefix, value = layout.values_of(name), node.value
        if isinstance(value, s.One) and node.compare == "=":
            return {value.code}
        found: set[str] = set()
        wanted = await self._run(self.shelf, value) if isinstance(value, _EXPRESSIONS) else b""
        async for some in self.shelf.names(prefix):
            texts = [key[len(prefix) :] for key in some]
            if isinstance(value, s.Everything):
                found.update(texts if node.compare == "=" else ())
            elif isinstance(value, _EXPRESSIONS):
                places = await self.shelf.places(texts)
                is_wanted = node.compare == "="
                found.update(
                    code for code, place in places.items() if bool(wanted[place]) is is_wanted
                )
            else:
                found.update(text for text in texts if _meets(text, node.compare, value))
        return found


async def refined(attributes: Attributes, mask: bytes, how: s.Refinement) -> bytes:
    """Those of the places that are as the refinement says."""
    looked = await _looked(attributes, how)
    found = masks.both(mask, _maybe(attributes.shelf.size, looked))
    if _is_sure(looked):
        return found
    every = attributes.shelf.all_bodies(found)
    places = [place async for place, body in every if _holds(looked, place, body, None)]
    return masks.of_places(attributes.shelf.size, places)


async def _looked(attributes: Attributes, how: s.Refinement) -> _Looked:
    if isinstance(how, s.Attribute):
        return await attributes.meant(how)
    if isinstance(how, s.Group):
        return _Grouped(await _looked(attributes, how.how), how.times)
    parts = [await _looked(attributes, part) for part in how.parts]
    return _Joined(parts, isinstance(how, s.Both))


def _maybe(size: int, looked: _Looked, *, grouped: bool = False) -> bytes:
    """Who may be so: nobody else is. What is not said in one group may be said in another."""
    if isinstance(looked, _Joined):
        found = [_maybe(size, part, grouped=grouped) for part in looked.parts]
        if not looked.all:
            return masks.either(*found)
        mask = found[0]
        for other in found[1:]:
            mask = masks.both(mask, other)
        return mask
    if looked.times.least == 0:
        never = isinstance(looked, _Meant) and looked.times.most == 0 and not grouped
        every = masks.every(size)
        return masks.without(every, looked.mask) if never else every  # type: ignore[union-attr]
    if isinstance(looked, _Meant):
        return looked.mask
    return _maybe(size, looked.how, grouped=True)


def _is_sure(looked: _Looked) -> bool:
    """Whether all that may be so are so."""
    if isinstance(looked, _Joined):
        return all(map(_is_sure, looked.parts))
    return isinstance(looked, _Meant) and (
        looked.times == _ONCE or looked.times in (s.Times(0, 0), s.Times(0))
    )


def _holds(looked: _Looked, place: int, body: Body, group: int | None) -> bool:
    """Whether a concept is so; within one relationship group if one is named."""
    if isinstance(looked, _Joined):
        found = (_holds(part, place, body, group) for part in looked.parts)
        return all(found) if looked.all else any(found)
    if isinstance(looked, _Grouped):
        if group is not None:
            raise _unsupported("groups inside of groups")
        groups = {said.group for said in body.properties if said.group}
        count = sum(_holds(looked.how, place, body, one) for one in groups)
        return _within(count, looked.times)
    if looked.reverse:
        if group is not None or looked.times not in (_ONCE, s.Times(0, 0)):
            raise _unsupported("how often something is reversed, or in which group")
        return bool(looked.mask[place]) is (looked.times == _ONCE)
    count = sum(
        any(text in looked.values.get(said.name, ()) for text in layout.texts(said.value))
        for said in body.properties
        if group is None or said.group == group
    )
    return _within(count, looked.times)


def _within(count: int, times: s.Times) -> bool:
    return count >= times.least and (times.most is None or count <= times.most)


def _meets(text: str, compare: s.Compare, value: object) -> bool:
    if isinstance(value, bool):
        return (text == ("true" if value else "false")) is (compare == "=")
    if isinstance(value, str):
        return (text == value) is (compare == "=")
    assert isinstance(value, Decimal)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return {
        "=": number == value,
        "!=": number != value,
        "<": number < value,
        "<=": number <= value,
        ">": number > value,
        ">=": number >= value,
    }[compare]


def _pieces(values: set[str], most: int = 5_000) -> Iterable[list[str]]:
    listed = sorted(values)
    for at in range(0, len(listed), most):
        yield listed[at : at + most]


def _unsupported(text: str) -> Unsupported:
    whole = f"The expression constraint asks for what is not offered: {text}."
    return Unsupported(whole, issues=(Issue("error", "not-supported", whole),))


_EXPRESSIONS = (
    s.Everything, s.One, s.Along, s.Members, s.All, s.Any, s.Minus, s.Dotted, s.Refined, s.Filtered,
)  # fmt: skip
