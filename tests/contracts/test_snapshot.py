"""What RecordStore.snapshot promises, over every engine: how things were, whatever is written."""

from __future__ import annotations

import random

import pytest

from careplane.search.plan import EVERYTHING, Coding, Node, Token
from careplane.search.rows import Param, Rows, TokenRow
from careplane.storage.ports.records import Put, SnapshotQuery, Tenant, Unit, Version
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store

pytestmark = pytest.mark.anyio
T, OTHER = Tenant(1), Tenant(2)
CODE = Param("Observation.code")
MARKED: Node = Token(CODE, (Coding(None, "a", any_system=True),))
"""Matches half of what is written, by its rows and by its bytes."""


class Hand:
    """Writes at random, and keeps what it wrote."""

    def __init__(self, store: Store, clock: Hands, seed: int) -> None:
        self.store, self.clock, self.random = store, clock, random.Random(seed)
        self.log: list[Version] = []
        self.rows: dict[tuple[str, str], Rows] = {}

    async def write(self, count: int) -> None:
        for _ in range(count):
            self.clock.now += 1000 * self.random.randrange(3)
            type = self.random.choice(("Observation", "Observation", "Patient"))
            id = str(self.random.randrange(12))
            at = self._version(type, id)
            deletes = at is not None and not at.deleted and self.random.random() < 0.25
            code = self.random.choice("ab")
            new = Rows(tokens=[TokenRow(CODE, None, code)])
            rows, rest = (Rows(), b"") if deletes else (new, code.encode())
            old = self.rows.get((type, id), Rows())
            put = Put(
                type, id, "DELETE" if deletes else "PUT", rest, rows, at.version if at else 0, old
            )
            self.log += (await self.store.commit(T, Unit((put,)))).versions
            self.rows[type, id] = rows

    def _version(self, type: str, id: str) -> Version | None:
        return next((v for v in reversed(self.log) if (v.type, v.id) == (type, id)), None)

    def expected(self, query: SnapshotQuery) -> list[Version]:
        """By the definition."""
        newest = {(v.type, v.id): v for v in self.log if v.t <= query.at and v.type == query.type}
        return sorted(
            (
                v
                for v in newest.values()
                if v.deleted == query.deletions
                and (query.since is None or v.last_updated >= query.since)
                and (query.before is None or v.last_updated < query.before)
                and (query.where == EVERYTHING or v.deleted or v.rest == b"a")
            ),
            key=lambda version: version.t,
        )


async def _all(hand: Hand, query: SnapshotQuery, writes: int) -> list[Version]:
    """Every slice, with others writing in between."""
    found: list[Version] = []
    while True:
        page = await hand.store.snapshot(T, query)
        assert len(page.versions) + len(page.unchecked) <= query.count
        rights = [v for v in page.unchecked if query.where == EVERYTHING or v.rest in (b"a", b"")]
        slice = sorted((*page.versions, *rights), key=lambda version: version.t)
        assert all(v.t > query.after for v in slice)
        found += slice
        if page.next is None:
            return found
        assert page.next > query.after
        query = SnapshotQuery(
            query.type, query.at, query.where, query.since, query.before,
            page.next, query.count, query.deletions,
        )  # fmt: skip
        await hand.write(writes)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("writes", [0, 3])
async def test_each_resource_is_there_once_as_it_was(
    store: Store, clock: Hands, seed: int, writes: int
) -> None:
    hand = Hand(store, clock, seed)
    await hand.write(60)
    at, instant = await store.horizon(T)
    assert at == hand.log[-1].t
    assert instant == hand.log[-1].last_updated
    since, before = hand.log[20].last_updated, hand.log[45].last_updated
    for where in (EVERYTHING, MARKED):
        for low, high in ((None, None), (since, None), (since, before)):
            for deletions in (False, True):
                query = SnapshotQuery(
                    "Observation", at, where, low, high, count=3, deletions=deletions
                )
                assert await _all(hand, query, writes) == hand.expected(query)


async def test_of_an_empty_store_and_of_others_there_is_nothing(store: Store, clock: Hands) -> None:
    assert await store.horizon(T) == (0, 0)
    hand = Hand(store, clock, 7)
    await hand.write(10)
    at, _ = await store.horizon(OTHER)
    page = await store.snapshot(OTHER, SnapshotQuery("Observation", at))
    assert (page.versions, page.unchecked, page.next) == ((), (), None)
    page = await store.snapshot(T, SnapshotQuery("Basic", at))
    assert page.versions == ()
