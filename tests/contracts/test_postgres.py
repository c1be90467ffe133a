"""What PostgreSQL alone can get wrong: many processes, lost connections, keys, migrations."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Fault, Stale
from careplane.search import plan
from careplane.search.fold import fold
from careplane.search.plan import Coding, Query, SortBy, SortKey, Token
from careplane.search.rows import Param, ReferenceRow, Rows, TokenRow
from careplane.storage.engines import postgres
from careplane.storage.engines.postgres.names import Names
from careplane.storage.ports.records import Guard, Put, Tenant, Unit
from tests import postgres as server
from tests.contracts import material as m
from tests.support import ROOT

KEY = bytes(range(32))
T = Tenant(0)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(url: str, **limits: Any) -> AsyncIterator[postgres.PostgresStore]:
    store = postgres.open(url, KEY, system_clock, postgres.Limits(quick=2, careful=1, **limits))
    try:
        yield store
    finally:
        await store.close()


def coded(id: str, code: str) -> Put:
    return m.put("Patient", id, Rows(tokens=[TokenRow(m.CODE, "s", code)]))


def with_code(code: str) -> Query:
    return Query(frozenset({"Patient"}), Token(m.CODE, (Coding("s", code),)), count=2)


async def test_of_many_that_create_on_a_condition_one_does() -> None:
    url = server.url()
    async with opened(url) as one, opened(url) as two, opened(url) as three:
        stores = (one, two, three)

        async def create(number: int, code: str) -> bool:
            guard = Guard(with_code(code), frozenset())
            unit = Unit((coded(f"{code}-{number}", code),), (guard,), b"audit")
            try:
                await stores[number % 3].commit(T, unit)
            except Stale:
                return False
            return True

        for turn in range(25):
            code = f"c{turn}"
            won = await asyncio.gather(*[create(number, code) for number in range(64)])
            assert sum(won) == 1
            assert await two.count(T, with_code(code)) == 1
        assert await one.counts(T) == {"Patient": 25}
        assert len(await three.tail(T)) == 25


async def test_of_many_that_update_one_version_one_does() -> None:
    url = server.url()
    async with opened(url) as one, opened(url) as two:
        await one.commit(T, Unit((m.put("Patient", "p"),)))
        for version in range(1, 20):
            units = [Unit((m.put("Patient", "p", expect=version),)) for _ in range(16)]
            done = await asyncio.gather(
                *[(one, two)[n % 2].commit(T, unit) for n, unit in enumerate(units)],
                return_exceptions=True,
            )
            assert sorted(type(answer).__name__ for answer in done) == ["Receipt"] + ["Stale"] * 15


async def test_units_that_meet_in_any_order_never_lock_each_other() -> None:
    url = server.url()
    ids = [f"p{n}" for n in range(12)]

    async def busy(store: postgres.PostgresStore, seed: int) -> int:
        order, done = random.Random(seed), 0
        for _ in range(15):
            mine = order.sample(ids, 6)
            found = await store.read_many(T, [("Patient", id) for id in mine])
            puts = [
                m.put("Patient", id, expect=v.version if v else 0)
                for id, v in zip(mine, found, strict=True)
            ]
            try:
                await store.commit(T, Unit(tuple(puts)))
            except Stale:
                continue
            done += 1
        return done

    async with opened(url) as one, opened(url) as two:
        done = await asyncio.gather(*[busy((one, two)[n % 2], n) for n in range(16)])
        assert sum(done) * 6 == len(await one.changes(T, 0, 100_000))


async def test_who_follows_the_changes_misses_none() -> None:
    url = server.url()
    seen: list[tuple[int, str]] = []
    written = asyncio.Event()

    async def write(store: postgres.PostgresStore, name: str) -> None:
        for n in range(40):
            puts = [m.put("Patient", f"{name}-{n}-{k}") for k in range(n % 3 + 1)]
            await store.commit(T, Unit(tuple(puts)))

    async def follow(store: postgres.PostgresStore) -> None:
        after = 0
        while True:
            ended = written.is_set()
            some = await store.changes(T, after, 7)
            seen.extend((v.t, v.id) for v in some)
            after = some[-1].t if some else after
            if ended and not some:
                return

    async with opened(url) as one, opened(url) as two, opened(url) as three:
        following = asyncio.create_task(follow(three))
        await asyncio.gather(*[write((one, two)[n % 2], f"w{n}") for n in range(8)])
        written.set()
        await following
        assert seen == [(v.t, v.id) for v in await one.changes(T, 0, 100_000)]
        assert len(seen) == await two.count(T, Query(frozenset())) == 8 * 79


async def test_who_follows_the_trail_misses_nothing() -> None:
    url = server.url()
    seen: list[bytes] = []

    async def write(store: postgres.PostgresStore, name: int) -> None:
        for n in range(30):
            await store.append(T, b"a%d-%d" % (name, n))
            await store.commit(T, Unit((), audit=b"u%d-%d" % (name, n)))

    async with opened(url) as one, opened(url) as two:
        writing = [asyncio.create_task(write((one, two)[n % 2], n)) for n in range(6)]
        after, ended = 0, False
        while not ended:
            ended = all(task.done() for task in writing)
            while some := await two.tail(T, after, 11):
                seen += [record for _, record in some]
                after = some[-1][0]
        await asyncio.gather(*writing)
        assert sorted(seen) == sorted(
            b"%c%d-%d" % (kind, name, n) for kind in b"au" for name in range(6) for n in range(30)
        )
        for name in range(6):
            mine = [r for r in seen if r.startswith(b"u%d-" % name)]
            assert mine == [b"u%d-%d" % (name, n) for n in range(30)]


async def _kill(url: str, name: str) -> int:
    """End every connection of this name."""
    connection = await asyncpg.connect(url)
    try:
        killed = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
            name,
        )
    finally:
        await connection.close()
    return len(killed)


async def test_killed_connections_under_load_are_busy_at_worst() -> None:
    url, name = server.url(), f"killed-{random.randrange(10**9)}"
    ended = asyncio.Event()
    stored: list[str] = []
    refused: list[BaseException] = []

    async def write(store: postgres.PostgresStore, name: int) -> None:
        n = 0
        while not ended.is_set():
            n += 1
            id = f"{name}-{n}"
            guard = Guard(with_code(id), frozenset())
            try:
                await store.commit(T, Unit((coded(id, id),), (guard,), id.encode()))
            except Busy as busy:
                refused.append(busy)
                there = await _soon(partial(store.read, T, "Patient", id))
                assert there is None, "it said Busy, and it was stored"
            else:
                stored.append(id)

    async def read(store: postgres.PostgresStore) -> None:
        while not ended.is_set():
            try:
                await store.search(T, with_code("1-1"))
                await store.read(T, "Patient", "1-1")
                await store.append(T, b"read")
            except Busy as busy:
                refused.append(busy)
            await asyncio.sleep(0)

    async with opened(f"{url}&application_name={name}") as store:
        await store.warm()
        loads = [write(store, n) for n in range(8)] + [read(store) for _ in range(4)]
        tasks = [asyncio.create_task(load) for load in loads]
        killed = 0
        for _ in range(8):
            await asyncio.sleep(0.15)
            killed += await _kill(url, name)
        ended.set()
        await asyncio.gather(*tasks)
        assert killed > 8
        await store.commit(T, Unit((m.put("Patient", "after"),)))
        found = await store.read_many(T, [("Patient", id) for id in stored])
        assert all(found)
        assert await store.count(T, Query(frozenset())) == len(stored) + 1
        units = [r for _, r in await store.tail(T, 0, 100_000) if r != b"read"]
        assert sorted(units) == sorted(id.encode() for id in stored)


async def _soon(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """The answer of a store whose connections are being killed."""
    while True:
        try:
            return await ask()
        except Busy:
            await asyncio.sleep(0.01)


class _Way:
    """A way to the database that can be closed and opened again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._folder = query.get("host", [""])[0]
        self._host, self._port = parts.hostname or "localhost", parts.port or 5432
        user = parts.netloc.rpartition("@")[0]
        self._url = (
            f"postgresql://{user}@127.0.0.1:{{port}}{parts.path}"
            f"?search_path={query['search_path'][0]}"
        )
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self._url.format(port=self.port)

    async def close(self) -> None:
        assert self._server
        self._server.close()
        for line in self._lines:
            line.transport.abort()
        await asyncio.sleep(0.05)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._folder:
            path = f"{self._folder}/.s.PGSQL.{self._port}"
            there_reader, there_writer = await asyncio.open_unix_connection(path)
        else:
            there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        self._lines |= {writer, there_writer}
        await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))
        self._lines -= {writer, there_writer}


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def test_a_database_that_goes_away_is_busy_until_it_is_back() -> None:
    way = _Way(server.url())
    async with opened(await way.open()) as store:
        await store.commit(T, Unit((m.put("Patient", "before"),)))
        await way.close()
        asks: list[Callable[[], Coroutine[Any, Any, Any]]] = [
            lambda: store.commit(T, Unit((m.put("Patient", "while"),))),
            lambda: store.read(T, "Patient", "before"),
            lambda: store.search(T, Query(frozenset())),
            lambda: store.append(T, b"audit"),
        ]
        for _ in range(2):
            for ask in asks:
                with pytest.raises(Busy, match="try again"):
                    await ask()
        await way.open()
        assert await store.read(T, "Patient", "before")
        await store.commit(T, Unit((m.put("Patient", "after"),)))
        await store.append(T, b"audit")
        assert await store.counts(T) == {"Patient": 2}
        await way.close()


async def test_a_store_may_start_before_its_database() -> None:
    way = _Way(server.url())
    url = await way.open()
    await way.close()
    async with opened(url) as store:
        await store.warm()
        assert await store.check() == ["The database cannot be reached now: try again"]
        await way.open()
        await store.commit(T, Unit((m.put("Patient", "p"),)))
        assert await store.check() == []
        await way.close()


async def test_processes_that_start_together_make_one_schema() -> None:
    url = server.url()
    stores = [postgres.open(url, KEY, system_clock) for _ in range(6)]
    states = [postgres.open_state(url) for _ in range(3)]
    await asyncio.gather(
        *[store.commit(T, Unit((m.put("Patient", f"p{n}"),))) for n, store in enumerate(stores)],
        *[state.put(T, "space", f"k{n}", b"") for n, state in enumerate(states)],
    )
    assert await stores[0].counts(T) == {"Patient": 6}
    await asyncio.gather(*[one.close() for one in (*stores, *states)])


async def test_a_migration_that_was_interrupted_goes_on() -> None:
    url = server.url()
    async with opened(url) as store:
        await store.commit(T, Unit((m.put("Patient", "p"),)))
    connection = await asyncpg.connect(url)
    steps = list((ROOT / "src/careplane/storage/sql/postgres").glob("*.sql"))
    assert await connection.fetchval("SELECT max(number) FROM migration") == len(steps)
    schema = await connection.fetchval("SELECT current_schema()")
    await connection.execute(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
    await connection.execute(
        "CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, "
        "applied timestamptz NOT NULL DEFAULT now())"
    )  # the lock was taken, nothing was applied
    await connection.close()
    async with opened(url) as store:
        await store.commit(T, Unit((m.put("Patient", "p"),)))


async def test_tenants_do_not_wait_for_each_other() -> None:
    url = server.url()
    async with opened(url) as store:
        await store.commit(T, Unit((m.put("Patient", "p"),)))
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute("SELECT FROM sequence WHERE tenant = $1 FOR UPDATE", T)
            await connection.execute("SELECT FROM audit_sequence WHERE tenant = $1 FOR UPDATE", T)
            waiting = asyncio.create_task(store.commit(T, Unit((m.put("Patient", "q"),))))
            async with asyncio.timeout(10):
                other = await store.commit(Tenant(2), Unit((m.put("Patient", "p"),), (), b"unit"))
                assert [record for _, record in await store.tail(Tenant(2))] == [b"unit"]
            assert not waiting.done()
        await waiting
        await connection.close()
        assert other.versions[0].t == 1
        assert await store.horizon(Tenant(9)) == (0, 0)


_FIRST = files("careplane.storage") / "sql" / "postgres" / "0001_first.sql"
_BY_THE_VERSION_BEFORE = """
UPDATE sequence SET t = 7, rid = 3, updated = 1700000000000;
INSERT INTO tally VALUES (5, 'Patient', 3), (6, 'Patient', 1);
INSERT INTO outbox (tenant, record) VALUES (5, 'waits'), (6, 'too');
INSERT INTO audit VALUES (1, 5, 'first'), (2, 8, 'of nobody');
UPDATE audit_sequence SET last = 2;
"""


async def test_a_database_of_the_version_before_goes_on_where_it_was() -> None:
    url = server.url()
    async with opened(url) as store:
        await store.warm()
    connection = await asyncpg.connect(url)
    schema = await connection.fetchval("SELECT current_schema()")
    await connection.execute(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
    await connection.execute(_FIRST.read_text())
    await connection.execute(
        "CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, "
        "applied timestamptz NOT NULL DEFAULT now()); INSERT INTO migration VALUES (1, 'first')"
    )
    await connection.execute(_BY_THE_VERSION_BEFORE)
    async with opened(url) as store:
        for tenant in (Tenant(5), Tenant(6)):
            receipt = await store.commit(tenant, Unit((m.put("Patient", "new"),), (), b"unit"))
            assert receipt.versions[0].t == 8
        old = "SELECT add_audit(ARRAY[8, 5], ARRAY['by the old'::bytea, 'way'])"
        assert await connection.fetchval(old) == 4
        await store.append(Tenant(8), b"by the new")
        trails = {n: [r for _, r in await store.tail(Tenant(n))] for n in (5, 6, 8)}
    assert trails == {
        5: [b"first", b"waits", b"unit", b"way"],
        6: [b"too", b"unit"],
        8: [b"of nobody", b"by the old", b"by the new"],
    }
    assert await connection.fetchval("SELECT min(rid) FROM resource") == 4
    await connection.close()


async def test_a_database_of_a_newer_careplane_is_left_alone() -> None:
    url = server.url()
    async with opened(url) as store:
        await store.warm()
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO migration (number, name) VALUES (999, 'later')")
    await connection.close()
    async with opened(url) as store:
        with pytest.raises(Fault, match="newer Careplane"):
            await store.read(T, "Patient", "p")


async def test_another_key_does_not_fit() -> None:
    url = server.url()
    async with opened(url) as store:
        await store.commit(T, Unit((m.put("Patient", "p"),)))
    other = postgres.open(url, bytes(32), system_clock)
    with pytest.raises(Fault, match="key does not fit"):
        await other.read(T, "Patient", "p")
    await other.close()


async def test_a_search_that_takes_too_long_is_busy() -> None:
    url = server.url()
    async with opened(url, search_seconds=1) as store:
        await store.commit(T, Unit((m.put("Patient", "p"),)))
        by_code = Query(frozenset({"Patient"}), sort=(SortKey(m.CODE, SortBy.TOKEN),))
        assert len((await store.search(T, by_code)).versions) == 1
        other = await asyncpg.connect(url)
        async with other.transaction():
            await other.execute("LOCK TABLE term")  # as long as it wants
            with pytest.raises(Busy, match="takes too long"):
                await store.search(T, by_code)
            assert await store.read(T, "Patient", "p")
        await other.close()
        assert len((await store.search(T, by_code)).versions) == 1


async def test_two_resources_whose_hashes_meet_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Names, "ident", lambda self, tenant, type, id: 7)
    async with opened(server.url()) as store:
        await store.commit(T, Unit((m.put("Patient", "one"),)))
        with pytest.raises(Fault, match="same number"):
            await store.commit(T, Unit((m.put("Patient", "two"),)))
        assert await store.read(T, "Patient", "two") is None
        assert await store.vread(T, "Patient", "two", 1) is None
        assert await store.read(T, "Patient", "one") is not None


async def test_texts_that_postgres_cannot_keep_or_index_are_kept_all_the_same() -> None:
    long, odd = "x" * 100_000, "a\0b"
    rows = Rows(
        strings=[m.StringRow(m.NAME, fold(text), text) for text in (long, odd)],
        tokens=[TokenRow(m.CODE, None, long)],
        references=[ReferenceRow(Param("Observation.subject"), "Patient", "y" * 64)],
    )
    async with opened(server.url()) as store:
        await store.commit(T, Unit((m.put("Patient", "p", rows),)))
        for node in (
            plan.Text(m.NAME, plan.TextMode.STARTS, (long[:500],)),
            plan.Text(m.NAME, plan.TextMode.EXACT, (odd,)),
            plan.Text(m.NAME, plan.TextMode.CONTAINS, (fold(odd),)),
            Token(m.CODE, (Coding(None, long),)),
        ):
            assert await store.count(T, Query(frozenset(), node)) == 1
        wrong = plan.Text(m.NAME, plan.TextMode.STARTS, (long[:500] + "z",))
        assert await store.count(T, Query(frozenset(), wrong)) == 0
