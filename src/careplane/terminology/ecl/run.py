"""What an expression constraint finds, as places of a code system in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from careplane.terminology.ecl import syntax as s
from careplane.terminology.ecl.refine import Attributes, refined
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.selecting import above, below, beside, worded
from careplane.terminology.stored.shelf import Shelf
from careplane.terminology.words import asked

_MOST_STARTS = 2_000
"""Concepts from which one goes up, or to children, one by one."""


async def run(shelf: Shelf, expression: s.Expression) -> bytes:
    """The places that the expression means. An identifier that is not there finds nothing."""
    known = ("ecl", expression)
    mask = shelf.masks.get(known)
    if mask is None:
        mask = await _RUNS[type(expression)](shelf, expression)
        shelf.masks.put(known, mask)
    return mask


async def _everything(shelf: Shelf, _: s.Everything) -> bytes:
    return masks.without(masks.every(shelf.size), await shelf.posted((layout.INACTIVE,)))


async def _one(shelf: Shelf, node: s.One) -> bytes:
    place = await shelf.place(node.code)
    return masks.of_places(shelf.size, () if place is None else (place,))


async def _along(shelf: Shelf, node: s.Along) -> bytes:
    start = await run(shelf, node.of)
    found = masks.none(shelf.size)
    if isinstance(node.of, s.One):
        found = await _from(shelf, node.of.code, node.way)
    elif node.way in ("<", "<<") and isinstance(node.of, s.Everything):
        found = await shelf.posted((layout.with_any("parent"),))
    elif node.way in (">", ">>") and isinstance(node.of, s.Everything):
        found = await shelf.posted((layout.with_any("child"),))
    else:
        for code in await shelf.codes(await _starts(shelf, start, node.way)):
            found = masks.either(found, await _from(shelf, code, node.way))
    itself = node.way in ("<<", ">>", "<<!", ">>!")
    return masks.either(found, start) if itself else found


async def _starts(shelf: Shelf, mask: bytes, way: s.Way) -> list[int]:
    """The places to start from. What is below one of them is so anyway: going down, it is left
    out."""
    places: list[int] = []
    covered = bytearray(shelf.size)
    for place in masks.places(mask):
        if way in ("<", "<<") and covered[place]:
            continue
        places.append(place)
        if way in ("<", "<<"):
            runs = await shelf.runs(place)
            for at in range(0, len(runs), 2):
                covered[runs[at] : runs[at + 1]] = b"\1" * (runs[at + 1] - runs[at])
    return places


async def _from(shelf: Shelf, code: str, way: s.Way) -> bytes:
    if way in ("<", "<<"):
        return await below(shelf, code, itself=False)
    if way in (">", ">>"):
        return await above(shelf, code, itself=False)
    return await beside(shelf, code, children=way in ("<!", "<<!"))


async def _members(shelf: Shelf, node: s.Members) -> bytes:
    if isinstance(node.of, s.One):
        return await shelf.posted((f"{layout.MEMBER}{node.of.code}",))
    if isinstance(node.of, s.Everything):
        return await shelf.posted([f"{layout.MEMBER}{code}" for code in shelf.head.sets])
    wanted = await run(shelf, node.of)
    places = await shelf.places(shelf.head.sets)
    sets = [code for code, place in places.items() if wanted[place]]
    return await shelf.posted([f"{layout.MEMBER}{code}" for code in sets])


async def _all(shelf: Shelf, node: s.All) -> bytes:
    found = masks.every(shelf.size)
    for part in node.parts:
        found = masks.both(found, await run(shelf, part))
    return found


async def _any(shelf: Shelf, node: s.Any) -> bytes:
    return masks.either(*[await run(shelf, part) for part in node.parts])


async def _minus(shelf: Shelf, node: s.Minus) -> bytes:
    return masks.without(await run(shelf, node.one), await run(shelf, node.other))


async def _dotted(shelf: Shelf, node: s.Dotted) -> bytes:
    attributes = Attributes(shelf, run)
    sources = await run(shelf, node.of)
    return await attributes.targets(await attributes.named(node.attribute), sources)


async def _refined(shelf: Shelf, node: s.Refined) -> bytes:
    return await refined(Attributes(shelf, run), await run(shelf, node.of), node.how)


async def _filtered(shelf: Shelf, node: s.Filtered) -> bytes:
    everything = isinstance(node.of, s.Everything) and node.active is not None
    found = masks.every(shelf.size) if everything else await run(shelf, node.of)
    if node.active is not None:
        inactive = await shelf.posted((layout.INACTIVE,))
        found = masks.without(found, inactive) if node.active else masks.both(found, inactive)
    if node.texts:
        any = masks.none(shelf.size)
        for text in node.texts:
            one = found
            for word in asked(text):
                one = masks.both(one, await worded(shelf, word))
            any = masks.either(any, one)
        found = any
    return found


_Run: TypeAlias = Callable[[Shelf, Any], Awaitable[bytes]]
_RUNS: dict[type[s.Expression], _Run] = {
    s.Everything: _everything,
    s.One: _one,
    s.Along: _along,
    s.Members: _members,
    s.All: _all,
    s.Any: _any,
    s.Minus: _minus,
    s.Dotted: _dotted,
    s.Refined: _refined,
    s.Filtered: _filtered,
}
