"""The hierarchy of a very large code system, as far as it is open: bounded whatever there is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from careplane.terminology.concepts import About, Concept, Filter, Selection
from careplane.web.definitions.branches import CHILDREN, Branch, branches, roots

pytestmark = pytest.mark.anyio
COUNT = 350_000
WIDE = 700


class Heap:
    """`Concepts` numbered as in a heap, each with 700 below it; it counts what it is asked for."""

    about = About("http://a.test/heap")

    def __init__(self) -> None:
        self.asked = 0

    async def find(self, code: str) -> Concept | None:
        self.asked += 1
        number = int(code)
        above = (str((number - 1) // WIDE),) if number else ()
        return Concept(code, f"Number {code}", parents=above)

    async def many(self, codes: Sequence[str]) -> dict[str, Concept]:
        return {code: found for code in codes if (found := await self.find(code))}

    async def children(self, code: str) -> Sequence[str]:
        self.asked += 1
        first = int(code) * WIDE + 1
        return [str(n) for n in range(first, min(first + WIDE, COUNT))]

    async def ancestors(self, code: str) -> Sequence[str]:
        raise NotImplementedError

    async def is_a(self, code: str, of: str) -> bool:
        raise NotImplementedError

    async def meets(self, code: str, filters: Sequence[Filter]) -> bool:
        raise NotImplementedError

    async def select(
        self, selection: Selection, *, after: str = "", skip: int = 0, limit: int = 1000
    ) -> Sequence[Concept]:
        assert selection.filters == (Filter("parent", "exists", "false"),)
        assert selection.active_only
        return [Concept("0", "Number 0")]

    async def count(self, selection: Selection) -> int:
        return COUNT


def size(tree: Sequence[Branch]) -> int:
    return sum(1 + size(one.branches) for one in tree)


async def grown(*opened: str) -> tuple[Heap, tuple[Branch, ...]]:
    heap = Heap()
    return heap, await branches(heap, await roots(heap, "", 50, inactive=False), frozenset(opened))


async def test_a_shut_tree_is_its_roots() -> None:
    heap, (root,) = await grown()
    assert (root.below, root.is_open, root.branches, root.more) == (WIDE, False, (), 0)
    assert heap.asked == 1


async def test_an_open_node_shows_some_of_its_children_and_how_many_more() -> None:
    heap, (root,) = await grown("0")
    assert [one.concept.code for one in root.branches] == [str(n) for n in range(1, CHILDREN + 1)]
    assert root.more == WIDE - CHILDREN
    assert heap.asked <= 2 * CHILDREN + 2


async def test_a_node_keeps_its_place_when_others_open() -> None:
    _, (root,) = await grown("0", "2")
    places = {one.concept.code: one.place for one in root.branches}
    assert places == {str(n): f"t-1-{n}" for n in range(1, CHILDREN + 1)}
    assert root.branches[1].branches[0].place == "t-1-2-1"


async def test_a_page_is_bounded_however_much_is_open() -> None:
    heap, tree = await grown(*map(str, range(COUNT)))
    assert size(tree) <= 1_000
    assert heap.asked <= 4_000
