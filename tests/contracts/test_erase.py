"""What is erased is gone for good, over every engine: from reads, searches, histories, changes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.kernel.errors import Stale
from careplane.search.fold import fold
from careplane.search.plan import Query, Reference, Text, TextMode
from careplane.search.rows import ReferenceRow, Rows, StringRow
from careplane.storage.ports.records import (
    Erased,
    Erasure,
    HistoryQuery,
    Superseded,
    Tenant,
    Unit,
)
from tests.contracts import material as m
from tests.contracts.engines import Store

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
ROWS = Rows(strings=[StringRow(m.NAME, fold("Smith"), "Smith")])
BOTH = Rows(
    strings=[StringRow(m.NAME, fold("Smith"), "Smith")],
    references=[ReferenceRow(m.SUBJECT, "Patient", "1")],
)


async def write(store: Store, *puts: m.Put, tenant: Tenant = ONE) -> None:
    await store.commit(tenant, Unit(puts))


async def found(store: Store, node: object, tenant: Tenant = ONE) -> list[str]:
    page = await store.search(tenant, Query(frozenset(), node))  # type: ignore[arg-type]
    return [f"{v.type}/{v.id}" for v in page.versions]


async def history(store: Store, type: str, id: str) -> list[int]:
    page = await store.history(ONE, HistoryQuery(frozenset({type}), id))
    return [v.version for v in page.versions]


NAMED = Text(m.NAME, TextMode.STARTS, ("smi",))


async def test_a_record_is_as_if_it_had_never_been(store: Store) -> None:
    await write(store, m.put("Patient", "1", ROWS, rest=b'{"a":1}'))
    await write(store, m.put("Patient", "1", ROWS, expect=1, old=ROWS, rest=b'{"a":2}'))
    await write(store, m.put("Observation", "o", BOTH), m.put("Patient", "2", ROWS))
    await write(store, m.put("Patient", "1", ROWS), tenant=TWO)
    await store.erase(ONE, Erasure((Erased("Patient", "1", 2, ROWS),), audit=b"purged"))
    assert await store.read(ONE, "Patient", "1") is None
    assert await store.vread(ONE, "Patient", "1", 1) is None
    assert await store.vread(ONE, "Patient", "1", 2) is None
    assert await history(store, "Patient", "1") == []
    assert await found(store, NAMED) == ["Observation/o", "Patient/2"]
    refers = Reference(m.SUBJECT, frozenset({("Patient", "1")}))
    assert await found(store, refers) == ["Observation/o"]
    assert await store.counts(ONE) == {"Observation": 1, "Patient": 1}
    assert [(v.type, v.id) for v in await store.changes(ONE, 0)] == [
        ("Observation", "o"), ("Patient", "2"),
    ]  # fmt: skip
    assert await found(store, NAMED, TWO) == ["Patient/1"]
    assert b"purged" in [record for _, record in await store.tail(ONE)]


async def test_it_can_be_written_anew_with_the_same_texts(store: Store) -> None:
    await write(store, m.put("Patient", "1", ROWS))
    await store.erase(ONE, Erasure((Erased("Patient", "1", 1, ROWS),)))
    await write(store, m.put("Patient", "2", ROWS), m.put("Patient", "1", ROWS))
    assert sorted(await found(store, NAMED)) == ["Patient/1", "Patient/2"]
    assert await history(store, "Patient", "1") == [1]
    assert await store.counts(ONE) == {"Patient": 2}


async def test_no_t_is_used_again(store: Store) -> None:
    await write(store, m.put("Patient", "1", ROWS))
    await write(store, m.put("Patient", "2"))
    (*_, last) = await store.changes(ONE, 0)
    await store.erase(ONE, Erasure((Erased("Patient", "2", 1, Rows()),)))
    await write(store, m.put("Patient", "3"))
    assert [v.id for v in await store.changes(ONE, last.t)] == ["3"]
    page = await store.history(ONE, HistoryQuery(frozenset(), since=last.last_updated))
    assert {v.id for v in page.versions} == {"1", "3"}


async def test_superseded_versions_go_and_the_current_one_never(store: Store) -> None:
    for n in range(4):
        old = ROWS if n else Rows()
        await write(store, m.put("Patient", "1", ROWS, expect=n, old=old, rest=b"{%d}" % n))
    some = (Superseded("Patient", "1", 1), Superseded("Patient", "1", 3))
    await store.erase(ONE, Erasure(versions=some))
    assert await history(store, "Patient", "1") == [4, 2]
    assert await store.vread(ONE, "Patient", "1", 1) is None
    with pytest.raises(Stale):
        await store.erase(ONE, Erasure(versions=(Superseded("Patient", "1", 4),)))
    await store.erase(ONE, Erasure(versions=some))  # once more changes nothing
    await write(store, m.put("Patient", "1", ROWS, expect=4, old=ROWS))
    assert await history(store, "Patient", "1") == [5, 4, 2]
    assert await found(store, NAMED) == ["Patient/1"]


async def test_what_has_changed_in_between_is_left_alone(store: Store) -> None:
    await write(store, m.put("Patient", "1", ROWS), m.put("Patient", "2"))
    both = (Erased("Patient", "2", 1, Rows()), Erased("Patient", "1", 7, ROWS))
    with pytest.raises(Stale):
        await store.erase(ONE, Erasure(both, audit=b"not kept"))
    assert await store.counts(ONE) == {"Patient": 2}
    assert await store.tail(ONE) == []


async def test_a_deleted_record_goes_too(store: Store) -> None:
    await write(store, m.put("Patient", "1", ROWS))
    await write(store, m.deletion("Patient", "1", expect=1, old=ROWS))
    await store.erase(ONE, Erasure((Erased("Patient", "1", 2, Rows()),)))
    assert await store.read(ONE, "Patient", "1") is None
    assert await history(store, "Patient", "1") == []
    assert await store.counts(ONE) == {}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    wanted=st.dictionaries(m.keys, m.rows, min_size=4, max_size=12),
    queries=st.lists(m.queries, min_size=10, max_size=20),
    data=st.data(),
)
def test_searches_find_what_is_left(wanted, queries, data):
    """Every engine finds what one finds in which the rest was never written; order aside."""
    import asyncio
    import tempfile
    from pathlib import Path

    from tests.contracts.conftest import Hands
    from tests.contracts.engines import ENGINES

    gone = data.draw(st.sets(st.sampled_from(sorted(wanted)), min_size=1))

    async def run(engine: str) -> None:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            store = ENGINES[engine](Path(one), Hands())
            plain = ENGINES["memory"](Path(other), Hands())
            await write(store, *(m.put(*key, rows) for key, rows in wanted.items()))
            left = {key: rows for key, rows in wanted.items() if key not in gone}
            if left:
                await write(plain, *(m.put(*key, rows) for key, rows in left.items()))
            records = tuple(Erased(*key, 1, wanted[key]) for key in sorted(gone))
            await store.erase(ONE, Erasure(records))
            for query in queries:
                assert await store.count(ONE, query) == await plain.count(ONE, query), query
            await store.close()

    for engine in ("memory", "sqlite"):
        asyncio.run(run(engine))
