"""What resources take and how fast they are, measured: the tables as they are by default, uncut."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg

from careplane.kernel.clock import system_clock
from careplane.search.plan import Query
from careplane.storage.engines import postgres
from careplane.storage.engines.postgres.store import PostgresStore
from careplane.storage.ports.records import Put, Unit
from tools.measure_postgres import SIZES, copies
from tools.measure_store import AUDIT, KEY, TENANT, chart_queries, over

_UNIT, _TASKS, _ASKED = 250, 6, 1_000
_RECORDS = 20_000
_RECORD = bytes(250)
"""A read leaves 184 bytes, a search for some Observations of a patient some 440."""
_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one store: how many resources; bytes of each table (its heap and whatever it keeps beside)
    and of each index, as a whole; bytes of WAL while it was filled; resources a second meanwhile;
    microseconds of a read by id and of a search by patient, code and date, one at a time; bytes of
    an audit record with its place in the index."""

    count: int
    tables: dict[str, int]
    indexes: dict[str, int]
    wal: int
    rate: float
    read: float
    chart: float
    record: float

    def a_resource(self, *names: str) -> float:
        """Bytes a resource of some tables and indexes; of all without names."""
        sizes = {**self.tables, **self.indexes}
        return sum(sizes[name] for name in names or sizes) / self.count


async def measured(url: str, puts: Sequence[Put], number: int) -> Measured:
    """Store so many copies of the resources, and look."""
    store = postgres.open(url, KEY, system_clock)
    await store.warm()
    connection = await asyncpg.connect(url)
    wal = await connection.fetchval(_WAL)
    stored: set[tuple[str, str]] = set()
    seconds = 0.0
    for copy in copies(list(puts), number):
        some = [put for put in copy if (put.type, put.id) not in stored]
        stored.update((put.type, put.id) for put in some)
        units = [
            partial(store.commit, TENANT, Unit(tuple(some[at : at + _UNIT]), audit=AUDIT))
            for at in range(0, len(some), _UNIT)
        ]
        seconds += await over(_TASKS, units)
    count, wal = len(stored), await connection.fetchval(_WAL) - wal
    await connection.execute("VACUUM ANALYZE")
    tables, indexes = await _bytes(connection)
    keys = [(put.type, put.id) for put in puts[:: max(1, len(puts) // _ASKED)]]
    read = await _micros(store, keys)
    chart = await _micros_of_searches(store, chart_queries(puts)[:_ASKED])
    record = await _record(store, connection)
    await connection.close()
    await store.close()
    return Measured(count, tables, indexes, int(wal), count / seconds, read, chart, record)


async def _record(store: PostgresStore, connection: asyncpg.Connection) -> float:
    size = "SELECT pg_total_relation_size('audit')"
    before = await connection.fetchval(size)
    await over(32, [partial(store.append, TENANT, _RECORD)] * _RECORDS)
    return float(await connection.fetchval(size) - before) / _RECORDS


async def _bytes(connection: asyncpg.Connection) -> tuple[dict[str, int], dict[str, int]]:
    tables, indexes = {}, {}
    for name, whole, own in await connection.fetch(SIZES):
        is_index = await connection.fetchval(
            "SELECT relkind = 'i' FROM pg_class WHERE oid = $1::text::regclass", name
        )
        if is_index:
            indexes[name] = own
        else:
            within = await connection.fetchval("SELECT pg_indexes_size($1::text::regclass)", name)
            tables[name] = whole - within
    return tables, indexes


async def _micros(store: PostgresStore, keys: Sequence[tuple[str, str]]) -> float:
    for key in keys[:100]:
        await store.read(TENANT, *key)
    began = time.perf_counter()
    for key in keys:
        await store.read(TENANT, *key)
    return (time.perf_counter() - began) / len(keys) * 1e6


async def _micros_of_searches(store: PostgresStore, queries: Sequence[Query]) -> float:
    for query in queries[:100]:
        await store.search(TENANT, query)
    began = time.perf_counter()
    for query in queries:
        await store.search(TENANT, query)
    return (time.perf_counter() - began) / len(queries) * 1e6
