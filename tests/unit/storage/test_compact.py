"""Codes and ids come back to the letter, in Python and in SQL, and none is taken for another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from careplane.storage.engines.sqlite.compact import compact, expand, expanded
from careplane.storage.relational.prefixes import following

CODES = st.one_of(
    st.text(max_size=40).filter(lambda text: "\0" not in text),
    st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
)


@given(CODES)
def test_it_comes_back(code: str) -> None:
    assert expand(compact(code)) == code


@given(st.lists(CODES, min_size=1, unique=True, max_size=20))
def test_sql_agrees(codes: list[str]) -> None:
    connection = dbapi2.connect(":memory:")
    connection.execute("CREATE TABLE t (code PRIMARY KEY)")
    connection.executemany("INSERT INTO t VALUES (?)", [(compact(code),) for code in codes])
    found = connection.execute(f"SELECT {expanded('code')} FROM t").fetchall()
    connection.close()
    assert sorted(text for (text,) in found) == sorted(codes)


@given(st.text(min_size=1), st.text())
def test_what_follows_a_prefix_is_above_all_that_begins_with_it(prefix: str, more: str) -> None:
    end = following(prefix)
    assert end is None or (prefix + more).encode("utf-8", "surrogatepass") < end.encode()
