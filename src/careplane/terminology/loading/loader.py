"""Loading a release: everything is seen once it is whole, or nothing of it."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.storage.ports.terminology import Row, TerminologyStore
from careplane.terminology.loading.bodies import Bodies
from careplane.terminology.loading.hierarchy import Order, ordered
from careplane.terminology.loading.postings import Postings
from careplane.terminology.loading.release import Fact, Release
from careplane.terminology.loading.shelves import FactShelves
from careplane.terminology.stored import layout
from careplane.terminology.stored.layout import Body, Links

T = TypeVar("T")
Step = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is, 0 where nobody knows."""
_ROWS = 4_000
_OFTEN = 20_000
_NONE = array("I")


class Loaded(Struct, frozen=True):
    """One version of a code system that is in the store now."""

    number: int
    url: str
    version: str
    concepts: int
    designations: int


async def load(store: TerminologyStore, release: Release, scratch: Path, step: Step) -> Loaded:
    """`scratch` is a folder with room for what the release says. Raises what the release does,
    Invalid or TooLarge for a hierarchy that cannot be one; Stale where somebody else begins to
    load the same. After that, or when it is broken off, the store is as it was."""
    header = release.header
    url, version = header["url"], header.get("version", "")
    step("Reading the hierarchy", 0, 0)
    order = ordered(_counted(release.hierarchy(), "Reading the hierarchy", step))
    if not order.places:
        raise Invalid("The release has no concepts.")
    if not header.get("caseSensitive", True):
        _require_distinct(order)
    number = await store.begin(url, version)
    try:
        with tempfile.TemporaryDirectory(prefix="terminology-", dir=scratch) as folder:
            shelves = FactShelves(Path(folder), len(order.places))
            for fact in _counted(release.facts(), "Reading concepts", step):
                shelves.add(_place(order, fact), fact)
            bodies = Bodies()
            await _write(store, number, header, order, shelves, bodies, step)
        await store.finish(number, bodies.head(header))
    except BaseException:
        await store.drop(number)
        await store.sweep()
        raise
    return Loaded(number, url, version, len(order.places), bodies.designations)


async def _write(
    store: TerminologyStore,
    number: int,
    header: Tree,
    order: Order,
    shelves: FactShelves,
    bodies: Bodies,
    step: Step,
) -> None:
    exact = bool(header.get("caseSensitive", True))
    postings = Postings()
    rows: list[Row] = []
    size = len(order.places)
    for place, body in _bodies(order, shelves, bodies, postings):
        key = layout.key(body.code, case_sensitive=exact)
        rows.append(Row(place, key, _links(order, place), layout.encode(body)))
        if len(rows) == _ROWS or place == size - 1:
            await store.put(number, rows, postings.taken() if postings.is_full else [])
            step("Writing concepts", place + 1, size)
            rows.clear()
    last = iter(postings.taken())
    while some := list(islice(last, _OFTEN)):
        await store.put(number, [], some)


def _bodies(
    order: Order, shelves: FactShelves, bodies: Bodies, postings: Postings
) -> Iterator[tuple[int, Body]]:
    codes = [""] * len(order.places)
    for code, place in order.places.items():
        codes[place] = code
    for places, facts in shelves.taken():
        for place in places[: max(0, len(codes) - places.start)]:
            parents = [codes[parent] for parent in order.parents[place]]
            body = bodies.of(codes[place], parents, facts.get(place, ()), place, postings)
            if parents:
                postings.add(layout.with_any("parent"), place)
            if order.children[place]:
                postings.add(layout.with_any("child"), place)
            yield place, body


def _links(order: Order, place: int) -> bytes:
    links = Links(
        layout.packed(order.parents[place]),
        layout.packed(order.children[place]),
        layout.packed(order.runs.get(place, _NONE)),
    )
    return layout.encode(links)


def _place(order: Order, fact: Fact) -> int:
    place = order.places.get(fact.code)
    if place is None:
        raise Invalid(f"The release describes a concept that it does not list: {fact.code[:100]}.")
    return place


def _require_distinct(order: Order) -> None:
    """No two codes are one in a code system without regard to case."""
    folded: dict[str, str] = {}
    for code in order.places:
        other = folded.setdefault(code.casefold(), code)
        if other != code:
            raise Invalid(f"Two codes differ in case alone: {other[:100]} and {code[:100]}.")


def _counted(items: Iterable[T], what: str, step: Step) -> Iterator[T]:
    for number, item in enumerate(items, 1):
        if not number % _OFTEN:
            step(what, number, 0)
        yield item
