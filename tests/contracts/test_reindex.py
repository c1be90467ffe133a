"""What engines promise of index rows that are made anew, and of definitions that rows follow."""

from __future__ import annotations

import pytest

from careplane.kernel.errors import Outdated
from careplane.search.plan import (
    Coding,
    Date,
    Has,
    Ids,
    Node,
    Number,
    Prefix,
    Query,
    Reference,
    Text,
    TextMode,
    Token,
    Uri,
    UriMode,
)
from careplane.search.rows import (
    DateRow,
    NumberRow,
    Param,
    QuantityRow,
    ReferenceRow,
    Rows,
    StringRow,
    TokenRow,
    UriRow,
)
from careplane.storage.ports.records import (
    DEFINING,
    HistoryQuery,
    Put,
    Receipt,
    Reindex,
    Tenant,
    Unit,
)
from tests.contracts.engines import Store

T, OTHER = Tenant(1), Tenant(2)
NEW, WORD, LINK = Param("Patient.new@1"), Param("Patient.word@1"), Param("Patient.link@1")
OLD = Param("Patient.old")

pytestmark = pytest.mark.anyio


def put(type: str, id: str, expect: int = 0, rows: Rows | None = None, old: Rows | None = None):
    return Put(type, id, "PUT", b"{}", rows or Rows(), expect, old or Rows())


def gone(type: str, id: str, expect: int, old: Rows | None = None) -> Put:
    return Put(type, id, "DELETE", b"", Rows(), expect, old or Rows())


def token(param: Param, code: str) -> Node:
    return Token(param, (Coding(None, code, any_system=True),))


async def commit(store: Store, *puts: Put, defined: int | None = None) -> Receipt:
    return await store.commit(T, Unit(puts, defined=defined))


async def ids(store: Store, where: Node, tenant: Tenant = T) -> list[str]:
    page = await store.search(tenant, Query(frozenset({"Patient"}), where))
    return [version.id for version in page.versions]


def everything(n: int) -> Rows:
    """A row of each kind."""
    return Rows(
        tokens=[TokenRow(NEW, "http://s", f"c{n}")],
        strings=[StringRow(WORD, f"w{n}", f"W{n}")],
        references=[ReferenceRow(LINK, "Organization", f"o{n}")],
        uris=[UriRow(Param("Patient.uri@1"), f"urn:{n}")],
        dates=[DateRow(Param("Patient.date@1"), n, n + 1)],
        numbers=[NumberRow(Param("Patient.number@1"), float(n), float(n))],
        quantities=[QuantityRow(Param("Patient.quantity@1"), float(n), float(n), None, "mg", None)],
    )


async def test_rows_are_written_beside_those_that_are_there(store: Store) -> None:
    rows = Rows(tokens=[TokenRow(OLD, None, "x")])
    await commit(store, put("Patient", "a", rows=rows), put("Patient", "b"))
    items = [Reindex("Patient", id, 1, everything(n), Rows()) for n, id in enumerate("ab")]
    assert await store.reindex(T, items, 0) == ["changed", "changed"]
    assert await store.reindex(T, items, 0) == ["same", "same"]
    assert await ids(store, token(NEW, "c0")) == ["a"]
    assert await ids(store, Text(WORD, TextMode.STARTS, ("w1",))) == ["b"]
    assert await ids(store, token(OLD, "x")) == ["a"]
    assert await ids(store, token(NEW, "c0"), OTHER) == []


async def test_rows_that_are_gone_are_removed_and_no_others(store: Store) -> None:
    await commit(store, put("Patient", "a", rows=everything(1)))
    item = Reindex("Patient", "a", 1, Rows(tokens=[TokenRow(NEW, "http://s", "c1")]), everything(1))
    assert await store.reindex(T, [item], 0) == ["changed"]
    assert await store.reindex(T, [item], 0) == ["same"]
    assert await ids(store, token(NEW, "c1")) == ["a"]
    assert await ids(store, Text(WORD, TextMode.STARTS, ("w1",))) == []


async def test_a_reference_that_is_new_can_be_followed(store: Store) -> None:
    await commit(store, put("Patient", "a"), put("Organization", "o7"))
    await store.reindex(T, [Reindex("Patient", "a", 1, everything(7), Rows())], 0)
    where = Has("Patient", LINK, Ids(frozenset({"a"})))
    page = await store.search(T, Query(frozenset({"Organization"}), where))
    assert [version.id for version in page.versions] == ["o7"]


async def test_no_version_is_written(store: Store) -> None:
    await commit(store, put("Patient", "a"))
    before = await store.history(T, HistoryQuery(frozenset()))
    await store.reindex(T, [Reindex("Patient", "a", 1, everything(1), Rows())], 0)
    after = await store.history(T, HistoryQuery(frozenset()))
    assert after.versions == before.versions
    assert await store.changes(T, 0) == list(before.versions)


async def test_what_has_moved_on_is_left_alone(store: Store) -> None:
    await commit(store, put("Patient", "a"), put("Patient", "b"), put("Patient", "c"))
    await commit(store, put("Patient", "a", 1), gone("Patient", "b", 1))
    names = [("a", 1), ("b", 1), ("b", 2), ("never", 1), ("never", 0), ("c", 1)]
    items = [Reindex("Patient", id, version, everything(1), Rows()) for id, version in names]
    assert await store.reindex(T, items, 0) == ["moved"] * 5 + ["changed"]
    assert await ids(store, token(NEW, "c1")) == ["c"]


async def test_a_write_after_it_removes_what_it_wrote(store: Store) -> None:
    await commit(store, put("Patient", "a"))
    await store.reindex(T, [Reindex("Patient", "a", 1, everything(1), Rows())], 0)
    await commit(store, put("Patient", "a", 1, everything(2), old=everything(1)))
    assert await ids(store, token(NEW, "c1")) == []
    assert await ids(store, token(NEW, "c2")) == ["a"]


async def test_rows_that_a_version_should_have_had_are_written_where_they_lack(
    store: Store,
) -> None:
    """An update writes the difference to what the version before should have had."""
    await commit(store, put("Patient", "a"))
    await commit(store, put("Patient", "a", 1, everything(1), old=everything(1)))
    item = Reindex("Patient", "a", 2, everything(1), Rows())
    await store.reindex(T, [item], 0)
    assert await store.reindex(T, [item], 0) == ["same"]
    for where in (
        token(NEW, "c1"),
        Text(WORD, TextMode.STARTS, ("w1",)),
        Reference(LINK, frozenset({("Organization", "o1")})),
        Uri(Param("Patient.uri@1"), UriMode.EXACT, ("urn:1",)),
        Date(Param("Patient.date@1"), Prefix.EQ, 0, 3),
        Number(Param("Patient.number@1"), Prefix.GE, 0.5, 0.5),
    ):
        assert await ids(store, where) == ["a"], where
    await commit(store, put("Patient", "a", 2, Rows(), old=everything(1)))
    assert await ids(store, Date(Param("Patient.date@1"), Prefix.EQ, 0, 3)) == []


async def test_a_unit_that_knows_old_definitions_is_refused(store: Store) -> None:
    first = (await commit(store, put(DEFINING, "p"), defined=0)).versions[0].t
    with pytest.raises(Outdated):
        await commit(store, put("Patient", "a"), defined=first - 1)
    assert await store.read(T, "Patient", "a") is None
    await commit(store, put("Patient", "a"), defined=first)
    await commit(store, put("Patient", "b"))  # whoever makes no rows of them says nothing
    second = (await commit(store, gone(DEFINING, "p", 1), defined=first)).versions[0].t
    with pytest.raises(Outdated):
        await commit(store, put("Patient", "c"), defined=first)
    await commit(store, put("Patient", "c"), defined=second)
    await store.commit(OTHER, Unit((put("Patient", "c"),), defined=0))


async def test_rows_of_old_definitions_are_refused(store: Store) -> None:
    await commit(store, put("Patient", "a"))
    t = (await commit(store, put(DEFINING, "p"))).versions[0].t
    item = Reindex("Patient", "a", 1, everything(1), Rows())
    with pytest.raises(Outdated):
        await store.reindex(T, [item], t - 1)
    assert await ids(store, token(NEW, "c1")) == []
    assert await store.reindex(T, [item], t) == ["changed"]


async def test_newest_is_that_of_a_type(store: Store) -> None:
    assert await store.newest(T, DEFINING) == 0
    first = await commit(store, put(DEFINING, "p"), put("Patient", "a"))
    assert await store.newest(T, DEFINING) == first.versions[0].t
    assert await store.newest(T, "Patient") == first.versions[1].t
    last = await commit(store, gone(DEFINING, "p", 1))
    assert await store.newest(T, DEFINING) == last.versions[0].t
    assert await store.newest(OTHER, DEFINING) == 0


async def test_current_gives_every_resource_once_in_an_order_that_stays(store: Store) -> None:
    names = ["1", "10", "9", "a", "A", "018f428e-34f6-4707-8009-5ad742f901e7", "x-1", "gone"]
    await commit(store, *(put("Patient", id) for id in names), put("Group", "other"))
    await commit(store, gone("Patient", "gone", 1), put("Patient", "9", 1))
    await commit(
        store, put("Group", "g", rows=Rows(references=[ReferenceRow(LINK, "Patient", "named")]))
    )
    found, after = [], None
    while page := await store.current(T, "Patient", after, 3):
        found += page
        after = page[-1].id
    assert sorted(version.id for version in found) == sorted(set(names) - {"gone"})
    assert {version.id: version.version for version in found}["9"] == 2
    await commit(store, gone("Patient", found[2].id, found[2].version))
    rest = await store.current(T, "Patient", found[2].id)
    assert rest == found[3:]
    assert await store.current(T, "Device") == []
    assert await store.current(OTHER, "Patient") == []
