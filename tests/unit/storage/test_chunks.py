"""Audit records in chunks: whatever goes in comes out, under its number, and damage is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from careplane.kernel.errors import Fault
from careplane.storage.engines.sqlite.chunks import Chunks, Numbered
from careplane.storage.engines.sqlite.migrate import migrate
from careplane.storage.engines.sqlite.runs import MIXED, PACKED, PLAIN
from careplane.storage.ports.audit import Together

if TYPE_CHECKING:
    from sqlite3 import Connection

RECORDS = st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=40)), max_size=30)


def opened() -> Connection:
    connection: Connection = dbapi2.connect(":memory:", isolation_level=None)
    migrate(connection, "audit")
    return connection


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = opened()
    yield made
    made.close()


def add(chunks: Chunks, *records: tuple[int, bytes]) -> None:
    tenants, some = [tenant for tenant, _ in records], [record for _, record in records]
    chunks.add(chunks.last() + 1, tenants, some)


def forms(connection: Connection) -> list[tuple[int, int, int]]:
    sql = "SELECT first, last, form FROM chunk ORDER BY last"
    return connection.execute(sql).fetchall()


@given(st.lists(RECORDS, max_size=4), st.frozensets(st.integers(1, 60)), st.integers(0, 40))
def test_what_goes_in_comes_out(
    batches: list[list[tuple[int, bytes]]], gone: frozenset[int], after: int
) -> None:
    connection = opened()
    chunks = Chunks(connection)
    for batch in batches:
        add(chunks, *batch)
    chunks.forget(gone)
    everything = [one for batch in batches for one in batch]
    left = [Numbered(n, *one) for n, one in enumerate(everything, 1) if n not in gone]
    assert list(chunks.behind(after)) == [one for one in left if one.seq > after]
    for tenant in (1, 2):
        wanted = [one for one in left if one.seq > after and one.tenant == tenant]
        assert list(chunks.behind(after, tenant)) == wanted
        for count in (3, 200):
            few = wanted[:count]
            whole = b"".join(one.record for one in few)
            told = Together(few[0].seq, few[-1].seq, whole) if few else None
            assert chunks.together(after, tenant, count) == told
    asked = [7, 3, 100, 12]
    assert chunks.find(asked) == {n: one.record for n in asked for one in left if one.seq == n}
    connection.close()


def test_many_records_take_few_rows_and_few_bytes(connection: Connection) -> None:
    chunks = Chunks(connection)
    add(chunks, *((1, b"who did what %06d to which records, and when" % n) for n in range(600)))
    assert forms(connection) == [(1, 250, PACKED), (251, 500, PACKED), (501, 600, PACKED)]
    (size,) = connection.execute("SELECT sum(length(records)) FROM chunk").fetchone()
    assert size < 600 * 12


def test_a_large_record_stands_alone(connection: Connection) -> None:
    chunks = Chunks(connection)
    add(chunks, (1, b"a"), (1, b"b" * 100_000), (2, b"c"), (2, b"d"))
    add(chunks, (1, b"c"), (2, b"d"))
    assert forms(connection) == [(1, 1, PLAIN), (2, 2, PLAIN), (3, 4, PACKED), (5, 6, MIXED)]


def test_numbers_are_not_used_again(connection: Connection) -> None:
    chunks = Chunks(connection)
    add(chunks, (1, b"a"), (1, b"b"), (1, b"c"))
    chunks.forget([3])
    assert chunks.last() == 3
    assert [one.seq for one in chunks.behind(0)] == [1, 2]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE chunk SET first = first - 1",
        "UPDATE chunk SET records = x'00'",
        "UPDATE chunk SET records = substr(records, 1, 12)",
        "UPDATE chunk SET form = 2",
    ],
)
def test_damage_is_told(connection: Connection, damage: str) -> None:
    chunks = Chunks(connection)
    chunks.add(5, [1, 1], [b"a" * 50, b"b" * 50])
    connection.execute(damage)
    with pytest.raises(Fault, match=r"Audit records [45] to 6 cannot be read"):
        list(chunks.behind(0))


def test_a_bomb_is_not_inflated(connection: Connection) -> None:
    import zstandard

    bomb = zstandard.ZstdCompressor(19).compress(bytes(1 << 28))
    connection.execute("INSERT INTO chunk VALUES (2, 1, 1, 1, ?)", (bomb,))
    with pytest.raises(Fault, match="damaged"):
        list(Chunks(connection).behind(0))


def test_a_trail_of_before_is_read_on(connection: Connection) -> None:
    old: Connection = dbapi2.connect(":memory:", isolation_level=None)
    old.execute("CREATE TABLE audit (seq INTEGER PRIMARY KEY, tenant INTEGER, record BLOB)")
    old.executemany("INSERT INTO audit VALUES (?, ?, ?)", [(3, 1, b"a"), (7, 2, b"b")])
    old.execute("CREATE TABLE moved (outbox_id)")
    old.execute("CREATE TABLE moved_from (source, id)")
    old.execute("CREATE TABLE filed (term, recorded, seq)")
    old.execute("CREATE TABLE filed_to (seq)")
    old.execute("PRAGMA user_version = 3")
    migrate(old, "audit")
    assert list(Chunks(old).behind(0)) == [Numbered(3, 1, b"a"), Numbered(7, 2, b"b")]
    old.close()
