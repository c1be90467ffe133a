"""What engines promise of the words of full-text search, whatever happens to a resource."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from careplane.search.plan import Chain, FullText, Has, Node, Not, Query, all_of
from careplane.search.rows import NARRATIVE, OTHER, ReferenceRow, Rows, WordsRow
from careplane.search.words import MAX_TEXT
from careplane.storage.engines import sqlite
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.store import RECORDS
from careplane.storage.ports.records import Erased, Erasure, Put, Reindex, Tenant, Unit
from tests.contracts import material as m
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
ALL = frozenset({NARRATIVE, OTHER})


def text(narrative: str, other: str = "") -> Rows:
    return Rows(words=[WordsRow(NARRATIVE, narrative), WordsRow(OTHER, other)])


def says(words: str, *, open: bool = False, texts: frozenset[m.Param] = ALL) -> Node:
    return FullText(texts, words, open)


async def write(store: Store, *puts: Put, tenant: Tenant = ONE) -> None:
    await store.commit(tenant, Unit(puts))


async def found(store: Store, where: Node, tenant: Tenant = ONE) -> list[str]:
    query = Query(frozenset(), where)
    page = await store.search(tenant, query)
    assert await store.count(tenant, query) == len(page.versions)
    return [version.id for version in page.versions]


async def test_the_current_version_is_searched_and_no_other(store: Store) -> None:
    old, new = text("heart", "one"), text("", "liver two")
    await write(store, m.put("Patient", "1", old))
    assert await found(store, says("heart")) == ["1"]
    await write(store, m.put("Patient", "1", new, expect=1, old=old))
    assert await found(store, says("heart")) == []
    assert await found(store, says("liver two")) == ["1"]
    await write(store, m.deletion("Patient", "1", expect=2, old=new))
    assert await found(store, says("liver")) == []
    await write(store, m.put("Patient", "1", old, expect=3))
    assert await found(store, says("heart")) == ["1"]
    assert await found(store, says("liver")) == []


async def test_each_text_by_itself_and_tenants_apart(store: Store) -> None:
    await write(store, m.put("Patient", "1", text("a b", "c")), m.put("Patient", "2"))
    await write(store, m.put("Patient", "3", text("a")), tenant=TWO)
    assert await found(store, says("a", texts=frozenset({NARRATIVE}))) == ["1"]
    assert await found(store, says("a", texts=frozenset({OTHER}))) == []
    assert await found(store, says("a b")) == ["1"]
    assert await found(store, says("b c")) == []
    assert await found(store, says("a"), TWO) == ["3"]
    assert await found(store, Not(says("a"))) == ["2"]
    assert await found(store, says("a", texts=frozenset())) == []


async def test_several_versions_in_one_unit_of_time(store: Store) -> None:
    first, second = text("a"), text("b")
    puts = [m.put("Patient", str(n), first) for n in range(300)]
    await write(store, *puts)
    again = [m.put("Patient", str(n), second, expect=1, old=first) for n in range(0, 300, 2)]
    await write(store, *again)
    query = Query(frozenset({"Patient"}), says("b"), total=True, count=10)
    page = await store.search(ONE, query)
    assert (len(page.versions), page.total) == (10, 150)
    assert await store.count(ONE, Query(frozenset(), says("a"))) == 150


async def test_along_references(store: Store) -> None:
    seen = Rows(
        references=[ReferenceRow(m.SUBJECT, "Patient", "1")],
        words=[WordsRow(NARRATIVE, "seen"), WordsRow(OTHER, "")],
    )
    await write(store, m.put("Patient", "1", text("heart")), m.put("Observation", "o", seen))
    patients = frozenset({"Patient"})
    assert await found(store, Chain(m.SUBJECT, patients, says("hea", open=True))) == ["o"]
    assert await found(store, Chain(m.SUBJECT, patients, says("seen"))) == []
    assert await found(store, Has("Observation", m.SUBJECT, says("seen"))) == ["1"]
    assert await found(store, Has("Observation", m.SUBJECT, says("heart"))) == []
    assert await found(store, all_of(says("seen"), Not(says("heart")))) == ["o"]


async def test_words_are_made_anew(store: Store) -> None:
    """Those of a resource that was written without, or with others, and changed without."""
    await write(store, m.put("Patient", "1"), m.put("Patient", "2", text("old")))
    await write(store, m.put("Patient", "2", expect=1))
    items = [
        Reindex("Patient", "1", 1, text("new", "more"), Rows()),
        Reindex("Patient", "2", 2, text("newer"), Rows()),
    ]
    assert await store.reindex(ONE, items, 0) == ["changed", "changed"]
    assert await store.reindex(ONE, items, 0) == ["same", "same"]
    assert await found(store, says("new", open=True)) == ["1", "2"]
    assert await found(store, says("old")) == []
    assert await store.reindex(ONE, [Reindex("Patient", "1", 1, Rows(), Rows())], 0) == ["same"]
    assert await found(store, says("more")) == ["1"]
    none = Reindex("Patient", "1", 1, text(""), Rows())
    assert await store.reindex(ONE, [none], 0) == ["changed"]
    assert await store.reindex(ONE, [none], 0) == ["same"]
    assert await found(store, says("more")) == []


async def test_what_is_erased_is_not_found(store: Store) -> None:
    """Also where the words came with another version, before full-text search was switched off."""
    await write(store, m.put("Patient", "1", text("a")), m.put("Patient", "2", text("a b")))
    await write(store, m.put("Patient", "1", expect=1))
    await store.erase(ONE, Erasure((Erased("Patient", "1", 2, Rows()),)))
    await store.erase(ONE, Erasure((Erased("Patient", "2", 1, text("a b")),)))
    assert await found(store, says("a")) == []
    await write(store, m.put("Patient", "2"))
    assert await found(store, says("a")) == []


async def test_a_text_may_be_as_long_as_it_is_kept(store: Store) -> None:
    """Of nothing but different words; and of one word, more often than a tsvector can count."""
    different = " ".join(f"{n:x}\U0010330f" for n in range(30_000))[:MAX_TEXT]
    last = different.rpartition(" ")[2]
    same = "so " * 60_000
    await write(store, m.put("Patient", "1", text(different.strip(), f"{same}on and so")))
    assert await found(store, says(last)) == ["1"]
    assert await found(store, says("so on and so")) == ["1"]
    assert await found(store, says("on so")) == []


async def test_a_deep_plan_of_many_terms(store: Store) -> None:
    await write(store, m.put("Patient", "1", text("a b c")))
    terms = [says(f"w{n}") for n in range(50)]
    assert await found(store, m.plan.Or((*terms, says("b c")))) == ["1"]
    assert await found(store, m.plan.And(tuple(Not(term) for term in terms))) == ["1"]


def test_what_is_erased_is_not_in_the_file(tmp_path: Path) -> None:
    """FTS5 alone would keep it until it merges."""

    async def run() -> None:
        store = sqlite.open(tmp_path, bytes(range(32)), Hands())
        await write(store, *[m.put("Patient", str(n), text(f"w{n}")) for n in range(50)])
        await write(store, m.put("Patient", "x", text("unmistakable", "inimitable")))
        rows = text("unmistakable", "inimitable")
        await store.erase(ONE, Erasure((Erased("Patient", "x", 1, rows),)))
        assert await found(store, says("w7")) == ["7"]
        await store.close()

    asyncio.run(run())
    connection = connect(tmp_path / RECORDS, key_for("records", bytes(range(32))))
    blocks = [row[0] for row in connection.execute("SELECT block FROM words_data")]
    assert not any(b"mistakable" in block or b"imitable" in block for block in blocks)
    assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()
