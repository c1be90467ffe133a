"""Row-level security: what a statement without its tenant comes to, on the engine's own
connections. Each of these fails where the wall is down (`wall.enter` leaves the role as it is)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Fault
from careplane.search.rows import (
    NARRATIVE,
    OTHER,
    DateRow,
    QuantityRow,
    Rows,
    StringRow,
    TokenRow,
    WordsRow,
)
from careplane.storage.engines import postgres
from careplane.storage.engines.postgres import wall
from careplane.storage.ports.records import Put, Tenant, Unit
from tests import postgres as server
from tests.contracts import material as m

KEY = bytes(range(32))
ONE, TWO = Tenant(1), Tenant(2)
ROWS = Rows(
    tokens=[TokenRow(m.CODE, "s", "c")],
    strings=[StringRow(m.NAME, "abc", "ABC")],
    dates=[DateRow(m.BIRTH, 0, m.DAY)],
    quantities=[QuantityRow(m.VALUE, 1.0, 1.0, "s", "kg", None)],
    words=[WordsRow(NARRATIVE, "seen"), WordsRow(OTHER, "told")],
)
_OF_SERVICES = (
    "INSERT INTO filed (tenant, term, recorded, seq) VALUES (1, 1, 1, 1), (2, 1, 1, 1)",
    "INSERT INTO filed_to (tenant, seq) VALUES (1, 0), (2, 0)",
    "INSERT INTO ledger_run (tenant, t, number, count) VALUES (1, 1, 0, 1), (2, 1, 1, 1)",
)
"""Rows of tables that the services beside requests fill."""
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url() -> str:
    return server.url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[postgres.PostgresStore]:
    """Two tenants with the same in every table."""
    opened = postgres.open(url, KEY, system_clock, postgres.Limits(quick=2, careful=1))
    state = postgres.open_state(url)
    try:
        for tenant in (ONE, TWO):
            puts = tuple(_put(n) for n in range(3))
            await opened.commit(tenant, Unit(puts, audit=b"written"))
            await opened.append(tenant, b"read")
            await opened.commit(tenant, Unit((_put(3),), audit=b"waits"))
            await state.put(tenant, "space", "key", b"value")
        owner = await asyncpg.connect(url)
        for sql in _OF_SERVICES:
            await owner.execute(sql)
        await owner.close()
        yield opened
    finally:
        await state.close()
        await opened.close()


async def walled(url: str) -> list[str]:
    """Tables with a tenant, by the catalogue."""
    connection = await asyncpg.connect(url)
    found = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "AND c.relnamespace = current_schema()::regnamespace ORDER BY 1"
    )
    await connection.close()
    return [row[0] for row in found]


async def test_a_query_that_forgets_its_tenant_sees_no_other(
    store: postgres.PostgresStore, url: str
) -> None:
    tables = await walled(url)
    assert len(tables) >= 12
    owner = await asyncpg.connect(url)
    for table in tables:
        text = f'SELECT tenant FROM "{table}"'
        there = {row[0] for row in await owner.fetch(text)}
        assert there == {1, 2}, f"{table}: the test proves nothing"
        for sessions in (store._quick, store._careful, store._writing, store._auditing):
            for tenant in (ONE, TWO, ONE):
                rows = await sessions.run(tenant, lambda c: c.fetch(text))  # noqa: B023
                assert {row[0] for row in rows} == {tenant}, table
            assert await sessions.run(None, lambda c: c.fetch(text)) == []  # noqa: B023
            assert await sessions.run(Tenant(3), lambda c: c.fetch(text)) == []  # noqa: B023
    await owner.close()


async def test_a_change_that_forgets_its_tenant_touches_no_other(
    store: postgres.PostgresStore, url: str
) -> None:
    owner = await asyncpg.connect(url)
    for table in await walled(url):
        mine = f'SELECT count(*) FROM "{table}" WHERE tenant = 2'
        before = await owner.fetchval(mine)
        for change in (f'UPDATE "{table}" SET tenant = 1', f'DELETE FROM "{table}"'):
            await store._writing.run(ONE, lambda c: c.execute(change))  # noqa: B023
            assert await owner.fetchval(mine) == before > 0, table
    await owner.close()


async def test_nothing_is_written_for_another(store: postgres.PostgresStore) -> None:
    text = "INSERT INTO tally (tenant, type, n) VALUES (2, 'Group', 7)"
    with pytest.raises(Fault):
        await store._writing.run(ONE, lambda c: c.execute(text))
    with pytest.raises(Fault):
        await store._writing.run(ONE, lambda c: c.execute("UPDATE tally SET tenant = 2"))
    assert (await store.counts(TWO)).get("Group") is None


async def test_a_connection_keeps_no_former_tenant(store: postgres.PostgresStore) -> None:
    """In any order, with more tenants than connections, and after an error."""

    async def look(n: int) -> None:
        tenant = (ONE, TWO, Tenant(3), None)[n % 4]

        async def work(connection: Any) -> None:
            rows = await connection.fetch("SELECT DISTINCT tenant FROM resource")
            assert {row[0] for row in rows} <= {tenant}
            if n % 5 == 0:
                await connection.execute("SELECT 1 / 0")

        try:
            await store._quick.run(tenant, work)
        except Fault:
            assert n % 5 == 0

    await asyncio.gather(*map(look, range(200)))


async def test_the_role_owns_nothing_and_passes_nothing_by(
    store: postgres.PostgresStore,
) -> None:
    async def about(connection: Any) -> Any:
        return await connection.fetchrow(
            "SELECT current_user::text AS name, rolsuper, rolbypassrls, (SELECT count(*) FROM "
            "pg_class WHERE relowner = r.oid) AS owns FROM pg_roles r WHERE rolname = current_user"
        )

    found = await store._quick.run(ONE, about)
    assert tuple(found) == (wall.ROLE, False, False, 0)
    for text in ("DELETE FROM installation", "DELETE FROM migration", "DROP TABLE version"):
        with pytest.raises(Fault):
            await store._writing.run(ONE, lambda c: c.execute(text))  # noqa: B023


async def test_without_the_wall_it_works_and_says_so(
    store: postgres.PostgresStore, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await asyncpg.connect(url)
    await owner.execute("ALTER TABLE version NO FORCE ROW LEVEL SECURITY")
    assert "version" in await wall.in_the_way(owner)
    other = postgres.open(url, KEY, system_clock)
    try:
        await other.warm()
        assert (await other.counts(ONE)) == {"Patient": 4}
        assert "Row-level security is not in force" in caplog.text
    finally:
        await other.close()
    assert await postgres.raised_wall(url) == ""
    await owner.close()


INDEXES = {
    "resource_keys": "SELECT 1 FROM resource WHERE keys && ARRAY[1::bigint]",
    "term_folded": "SELECT 1 FROM term WHERE param = 1 AND left(folded, 64) >= 'a' "
    "AND left(folded, 64) < 'b'",
    "words_all": "SELECT 1 FROM words WHERE narrative_words @@ 'a'::tsquery",
    "date_range_all": "SELECT 1 FROM date_range WHERE param = 1 AND wide = 0 AND low >= 1",
    "number_range_all": "SELECT 1 FROM number_range WHERE param = 1 AND unit = 0 AND wide = 0 "
    "AND low >= 1",
}
"""By what each index is for, a query with a condition of that kind."""


@pytest.mark.parametrize("index", INDEXES)
async def test_indexes_are_of_use_behind_the_wall(
    store: postgres.PostgresStore, url: str, index: str
) -> None:
    """The condition is tried by the index, although the wall's own comes first. There is no other
    index here, and tables are too small to be worth one."""
    table = index.partition("_keys")[0].removesuffix("_all").removesuffix("_folded")
    owner = await asyncpg.connect(url)
    transaction = owner.transaction()
    await transaction.start()
    if table in ("resource", "term", "words"):
        await owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    if table == "resource":
        await owner.execute("DROP INDEX resource_order, resource_updated")
    await owner.execute(f"SET LOCAL enable_seqscan = off; SET LOCAL ROLE {wall.ROLE}")
    await owner.execute("SET LOCAL careplane.tenant = '1'")
    plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {INDEXES[index]}"))
    await transaction.rollback()
    await owner.close()
    assert index in plan, plan
    condition = plan.partition("Index Cond:")[2].splitlines()[0]
    assert any(op in condition for op in ("&&", '"left"', "@@", "low")), plan


def _put(n: int) -> Put:
    return m.put("Patient", f"p{n}", ROWS)


async def test_an_ordinary_owner_is_walled_once_a_superuser_came_by(tmp_path: Path) -> None:
    """It owns its schema, and may neither make roles nor mark functions. A copy that it makes and
    puts back has everything, although policies are enforced for owners."""
    admin, name = server.url(), f"plain_{uuid.uuid4().hex[:8]}"
    boss = await asyncpg.connect(admin)
    schemas = [await boss.fetchval("SHOW search_path"), f"{name}_copy"]
    await boss.execute(f"CREATE ROLE {name} LOGIN")
    for schema in schemas:
        await boss.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {name}")
    url = admin.replace("://postgres:@", f"://{name}@")
    store = postgres.open(url, KEY, system_clock)
    await store.commit(ONE, Unit((_put(1),)))
    await store.close()
    assert wall.ROLE in await postgres.standing_wall(url), "no role, or no member of it"
    assert await postgres.raised_wall(url, admin) == ""
    store = postgres.open(url, KEY, system_clock)
    await store.commit(TWO, Unit((_put(1),)))
    text = "SELECT DISTINCT tenant FROM version"
    assert [r[0] for r in await store._quick.run(ONE, lambda c: c.fetch(text))] == [1]
    await store.close()
    vault = postgres.PostgresVault(url, KEY)
    await asyncio.to_thread(vault.copy, tmp_path)
    other = url.replace(schemas[0], schemas[1])
    again = postgres.PostgresVault(other, KEY)
    contents = await asyncio.to_thread(again.restore, tmp_path, tmp_path)
    assert contents.resources == {"Patient": 2}
    assert await postgres.standing_wall(other) == ""
    for schema in schemas:
        await boss.execute(f"DROP SCHEMA {schema} CASCADE")
    await boss.execute(f"DROP ROLE {name}")
    await boss.close()
