"""What engines promise of a search that asks for the same far records at very many places, as a
restriction over all types does: an answer, and not at the price of asking so often."""

from __future__ import annotations

import pytest

from careplane.search.plan import (
    EVERYTHING,
    Chain,
    Coding,
    Has,
    Node,
    Not,
    Query,
    SortBy,
    SortKey,
    Token,
    all_of,
    any_of,
)
from careplane.search.rows import ReferenceRow, Rows, TokenRow
from careplane.storage.ports.records import Put, Tenant, Unit
from tests.contracts import material as m
from tests.contracts.engines import Store

pytestmark = pytest.mark.anyio
T = Tenant(1)
SOME, MANY = 300, 5_000
"""With seven values for each place the second would be more than PostgreSQL takes (32,767)."""


def _observed(id: str, of: str, code: str) -> Put:
    rows = Rows(
        tokens=[TokenRow(m.CODE, "s", code)], references=[ReferenceRow(m.SUBJECT, "Patient", of)]
    )
    return m.put("Observation", id, rows)


def _at(number: int, *places: Node) -> Node:
    """Any of so many codes, each where one of these holds."""
    return any_of(
        *(
            all_of(Token(m.CODE, (Coding("s", f"c{n}"),)), places[n % len(places)])
            for n in range(number)
        )
    )


@pytest.fixture
async def filled(store: Store) -> Store:
    groups = [ReferenceRow(m.MEMBER, "Patient", "in")]
    await store.commit(
        T,
        Unit(
            (
                m.put("Patient", "in"),
                m.put("Patient", "out"),
                m.put("Group", "g", Rows(references=groups, tokens=[TokenRow(m.TAG, "s", "t")])),
                _observed("a", "in", "c0"),
                _observed("b", "out", "c1"),
                _observed("c", "in", f"c{SOME - 1}"),
                _observed("d", "in", "other"),
            )
        ),
    )
    return store


_OF_GROUP = Has("Group", m.MEMBER, Token(m.TAG, (Coding("s", "t"),)))
_PATIENTS = frozenset({"Patient"})
INSIDE = Chain(m.SUBJECT, _PATIENTS, _OF_GROUP)
OUTSIDE = Chain(m.SUBJECT, _PATIENTS, Not(_OF_GROUP))
NOBODY = Chain(m.SUBJECT, frozenset({"Location"}), EVERYTHING)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((INSIDE,), ["a", "c"]),
        ((OUTSIDE,), ["b"]),
        ((INSIDE, OUTSIDE), ["a", "b"]),
        ((Not(INSIDE),), ["b"]),
        ((NOBODY,), []),
        ((all_of(INSIDE, Not(NOBODY)),), ["a", "c"]),
    ],
)
@pytest.mark.parametrize("sort", [(), (SortKey(m.CODE, SortBy.TOKEN),)])
async def test_it_is_answered(
    filled: Store, places: tuple[Node, ...], expected: list[str], sort: tuple[SortKey, ...]
) -> None:
    query = Query(frozenset({"Observation"}), _at(SOME, *places), sort=sort, total=True)
    page = await filled.search(T, query)
    assert [version.id for version in page.versions] == expected
    assert page.total == len(expected)


async def test_it_is_answered_however_many_they_are(filled: Store) -> None:
    query = Query(frozenset({"Observation"}), _at(MANY, INSIDE))
    assert [version.id for version in (await filled.search(T, query)).versions] == ["a", "c"]
