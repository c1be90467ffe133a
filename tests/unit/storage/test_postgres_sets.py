"""Where sets that do not depend on the candidate stand in a statement of PostgreSQL."""

from __future__ import annotations

import pytest

from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.plans.scope import FALSE, Scope

ONCE = "SELECT a FROM (SELECT one) s0"
TWICE = "WITH s0 AS MATERIALIZED (SELECT one) SELECT a FROM s0 JOIN s0"


def _scope() -> Scope:
    return Scope(7, Names(bytes(32)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT a", "SELECT a"),
        ("SELECT a FROM {0}", ONCE),
        ("SELECT a FROM {0} JOIN {0}", TWICE),
        ("EXPLAIN (FORMAT JSON) SELECT a FROM {0}", f"EXPLAIN (FORMAT JSON) {ONCE}"),
        ("EXPLAIN (FORMAT JSON) SELECT a FROM {0} JOIN {0}", f"EXPLAIN (FORMAT JSON) {TWICE}"),
        ("WITH found AS (b) SELECT a FROM {0} JOIN {0}",
         "WITH s0 AS MATERIALIZED (SELECT one), found AS (b) SELECT a FROM s0 JOIN s0"),
        ("SELECT a FROM {1}", "SELECT a FROM (SELECT two FROM (SELECT one) s0) s1"),
        ("SELECT a FROM {1} JOIN {1}",
         "WITH s1 AS MATERIALIZED (SELECT two FROM (SELECT one) s0) SELECT a FROM s1 JOIN s1"),
        ("SELECT a FROM {0} JOIN {1}",
         "WITH s0 AS MATERIALIZED (SELECT one) SELECT a FROM s0 JOIN (SELECT two FROM s0) s1"),
        ("SELECT a FROM {1} JOIN {1} JOIN {0}",
         "WITH s0 AS MATERIALIZED (SELECT one), s1 AS MATERIALIZED (SELECT two FROM s0) "
         "SELECT a FROM s1 JOIN s1 JOIN s0"),
    ],
)  # fmt: skip
def test_once_where_it_is_used_and_in_front_where_it_is_used_more(text: str, expected: str) -> None:
    scope = _scope()
    inner = scope.set_of("inner", lambda: "SELECT one")
    outer = scope.set_of("outer", lambda: f"SELECT two FROM {inner}")
    assert scope.statement(text.format(inner, outer)) == (expected, [])


def test_a_set_is_made_once_and_no_set_is_none() -> None:
    scope, made = _scope(), []
    assert scope.set_of("a", lambda: made.append(1) or "SELECT one") == scope.set_of("a", list)  # type: ignore[func-returns-value, arg-type]
    assert made == [1]
    assert scope.set_of("none", lambda: FALSE) == scope.set_of("none", lambda: "SELECT") == FALSE


def test_the_values_of_a_set_are_numbered_with_the_others_and_the_tenant_is_bound_once() -> None:
    scope = _scope()
    scope.bind("left out", "text")
    some = scope.set_of("some", lambda: f"SELECT {scope.bind('in', 'text')}")
    text = f"SELECT {scope.bind(1, 'bigint')} FROM {some} JOIN {some}, {scope.mine('r')}"
    assert scope.mine("v") == "v.tenant = $4::integer"
    told, values = scope.statement(f"{text}, {scope.mine('v')}")
    assert values == ["in", 1, 7]
    assert told == (
        "WITH s0 AS MATERIALIZED (SELECT $1::text) "
        "SELECT $2::bigint FROM s0 JOIN s0, r.tenant = $3::integer, v.tenant = $3::integer"
    )


def test_of_more_values_than_a_statement_takes_those_alike_have_one_place() -> None:
    scope = _scope()
    places = [scope.bind(n % 3, "bigint") for n in range(40_000)]
    text = f"SELECT {', '.join(places)}, {scope.bind(1, 'text')}, {scope.bind([1], 'bigint[]')}"
    told, values = scope.statement(text)
    assert values == [0, 1, 2, 1, [1]]
    assert told.startswith("SELECT $1::bigint, $2::bigint, $3::bigint, $1::bigint, ")
    assert told.endswith("$4::text, $5::bigint[]")
