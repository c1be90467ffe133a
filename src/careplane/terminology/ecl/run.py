"""What an expression constraint finds, as places of a code system in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from careplane.terminology.ecl import syntax as s
from careplane.terminology.ecl.refine import Attributes, refined
from careplane.terminology.stored import layout, masks
from careplane.terminology.stored.shelf import Shelf
from careplane.terminology.stored.ways import worded
from careplane.terminology.words import asked


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
    places = list(masks.places(start))
    if node.way in ("<", "<<"):
        found = await _below(shelf, places)
    elif node.way in (">", ">>"):
        found = masks.of_places(shelf.size, await shelf.above(places))
    else:
        beside = bytearray(shelf.size)
        async for _, links in shelf.all_links(places):
            down = node.way in ("<!", "<<!")
            for place in layout.unpacked(links.children if down else links.parents):
                beside[place] = 1
        found = bytes(beside)
    itself = node.way in ("<<", ">>", "<<!", ">>!")
    return masks.either(found, start) if itself else found


async def _below(shelf: Shelf, places: list[int]) -> bytes:
    """What is below any of the places. What is below one that was looked at is below it as a whole,
    with all that is below that."""
    found = bytearray(shelf.size)
    async for place, links in shelf.all_links(places):
        if not found[place]:
            runs = layout.unpacked(links.runs)
            for at in range(0, len(runs), 2):
                found[runs[at] : runs[at + 1]] = b"\1" * (runs[at + 1] - runs[at])
    return bytes(found)


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
