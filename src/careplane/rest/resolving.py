"""What a GraphQL query needs, fetched through the door: resources by id, all of a round in one
read, and searches with the cursors of their pages. Each resource is parsed once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from careplane.fhir.codec import json
from careplane.fhir.graphql import Ask, ById, BySearch, Page
from careplane.fhir.graphql.limits import MAX_RESOURCES, MAX_SEARCHES
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, Incorrect, NotFound, TooLarge
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.results import Found, Version
from careplane.rest.request import Pairs, Request
from careplane.rest.service import Service
from careplane.search.parse import DEFAULT_COUNT
from careplane.search.results import MAX_COUNT

_AT_ONCE = 4
MAX_BYTES = 20_000_000
"""Bytes of all resources of one query together."""

_WAY_BACK = 200
"""Pages whose cursors a later page remembers."""


class GraphPage(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor of a Connection carries. `before` are the engine's cursors of earlier pages;
    the first page has none."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    cursor: str | None
    before: tuple[str | None, ...]
    offset: int
    count: int | None


class Resolving:
    """Fetches for one query, and keeps what it fetched in `known`."""

    def __init__(self, service: Service, request: Request) -> None:
        self._service = service
        self._caller = request.caller
        self._trees: dict[tuple[str, str, int], Tree] = {}
        self._bytes = 0
        self._searches = 0
        self.known: dict[Ask, Tree | Page | None] = {}

    async def fetch(self, wanted: Sequence[Ask]) -> None:
        """All that is wanted. Raises TooLarge for what a query may not ask, and what a search
        raises; a resource that cannot be had is None."""
        reads = [ask for ask in wanted if isinstance(ask, ById)]
        searches = [ask for ask in wanted if isinstance(ask, BySearch)]
        self._searches += len(searches)
        if self._searches > MAX_SEARCHES:
            raise TooLarge(f"A query makes at most {MAX_SEARCHES} searches.")
        if len(self._trees) + len(reads) > MAX_RESOURCES:
            raise _too_many()
        await self._read([ask for ask in reads if ask.version is None])
        for ask in reads:
            if ask.version is not None:
                await self._vread(ask, ask.version)
        for start in range(0, len(searches), _AT_ONCE):
            await self._search_some(searches[start : start + _AT_ONCE])

    async def read(self, type: str, id: str) -> Tree:
        """The resource in focus. Raises NotFound, Gone and Forbidden."""
        return self._tree(await self._service.door.read(self._caller, c.Read(type, id)))

    async def _read(self, asks: list[ById]) -> None:
        if not asks:
            return
        command = c.ReadMany(tuple((ask.type, ask.id) for ask in asks))
        found = await self._service.door.read_many(self._caller, command)
        there = {(version.type, version.id): version for version in found}
        for ask in asks:
            version = there.get((ask.type, ask.id))
            self.known[ask] = None if version is None else self._tree(version)

    async def _vread(self, ask: ById, number: int) -> None:
        command = c.Vread(ask.type, ask.id, number)
        try:
            version = await self._service.door.vread(self._caller, command)
        except (NotFound, Forbidden):
            self.known[ask] = None
        else:
            self.known[ask] = self._tree(version)

    async def _search_some(self, asks: list[BySearch]) -> None:
        found = await asyncio.gather(*map(self._search, asks), return_exceptions=True)
        for ask, page in zip(asks, found, strict=True):
            if isinstance(page, BaseException):
                raise page
            self.known[ask] = page

    async def _search(self, ask: BySearch) -> Page:
        state = self._state(ask)
        size = _size(state.pairs)
        pairs = _with(state.pairs, "_count", str(MAX_COUNT if size is None else size), ask.whole)
        if ask.total and state.count is None:
            pairs = (*pairs, ("_total", "accurate"))
        command = c.Search(ask.type, pairs, c.Handling.STRICT, cursor=state.cursor)
        found = await self._service.door.search(self._caller, command)
        if ask.whole and size is None and found.next is not None:
            raise TooLarge(
                f"{ask.type}List matches more than {MAX_COUNT} resources; "
                f"narrow it, give a _count, or page through {ask.type}Connection."
            )
        trees = self._all(found.matches)
        return Page(trees) if ask.whole else self._page(state, found, trees, size)

    def _state(self, ask: BySearch) -> GraphPage:
        if ask.cursor is None:
            return GraphPage(ask.type, ask.pairs, None, (), 0, None)
        state = self._service.pages.open(ask.cursor, GraphPage)
        if state.type != ask.type:
            raise Incorrect("This cursor is of a Connection of another type.")
        return state

    def _page(
        self, state: GraphPage, found: Found, trees: tuple[Tree, ...], size: int | None
    ) -> Page:
        pagesize = DEFAULT_COUNT if size is None else size
        count = state.count if found.total is None else found.total
        seal, replace = self._service.pages.seal, msgspec.structs.replace
        here = replace(state, count=count)
        first = replace(here, cursor=None, before=(), offset=0)
        previous = next = None
        if state.before:
            offset = state.offset - pagesize
            previous = replace(
                here, cursor=state.before[-1], before=state.before[:-1], offset=offset
            )
        if found.next is not None:
            before = (*state.before, state.cursor)[-_WAY_BACK:]
            offset = state.offset + len(trees)
            next = replace(here, cursor=found.next, before=before, offset=offset)
        return Page(
            trees,
            count=count,
            offset=state.offset,
            pagesize=pagesize,
            first=seal(first),
            previous=seal(previous) if previous else None,
            next=seal(next) if next else None,
            last=None if next else seal(here),
        )

    def _all(self, versions: Iterable[Version]) -> tuple[Tree, ...]:
        return tuple(map(self._tree, versions))

    def _tree(self, version: Version) -> Tree:
        key = (version.type, version.id, version.version)
        if key not in self._trees:
            if len(self._trees) >= MAX_RESOURCES:
                raise _too_many()
            raw = whole(version)
            self._bytes += len(raw)
            if self._bytes > MAX_BYTES:
                raise TooLarge(f"A query looks at most at {MAX_BYTES} bytes of resources.")
            self._trees[key] = json.parse(raw)
        return self._trees[key]


def _size(pairs: Pairs) -> int | None:
    """The `_count` of a search, if it says one that can be read; the search refuses others."""
    asked = next((value for name, value in pairs if name == "_count"), None)
    if asked is None or not (asked.isascii() and asked.isdigit() and len(asked) < 10):
        return None
    return min(int(asked), MAX_COUNT)


def _with(pairs: Pairs, name: str, value: str, wanted: bool) -> Pairs:
    """The pairs with one more, where it is wanted and not there."""
    there = any(key == name for key, _ in pairs)
    return pairs if there or not wanted else (*pairs, (name, value))


def _too_many() -> TooLarge:
    return TooLarge(f"A query looks at most at {MAX_RESOURCES} resources; ask for less at once.")
