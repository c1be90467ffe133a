"""Measures the PostgreSQL engine on the public synthetic patients, in a schema of its own:
`python -m tools.measure_postgres postgresql://...`. It writes what it found, and the plan of the
usual search, between the marks of docs/postgres.md. As many copies of the patients as are named
are stored, each under ids of its own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
from msgspec.structs import replace

from careplane.kernel.clock import system_clock
from careplane.search.plan import Query, SortBy, SortKey, Token
from careplane.search.rows import Param
from careplane.storage.engines import postgres
from careplane.storage.engines.postgres.find import Finder
from careplane.storage.engines.postgres.sessions import QUICK
from careplane.storage.engines.postgres.store import names_of
from careplane.storage.ports.records import Put, Unit
from tools.measure_store import (
    AUDIT,
    KEY,
    MARKS,
    ROOT,
    TENANT,
    bundles,
    chart_queries,
    micros,
    over,
    rate,
    rows_of,
    table,
)

PAGE = ROOT / "docs" / "postgres.md"
SIZES = """SELECT c.relname, pg_total_relation_size(c.oid), pg_relation_size(c.oid)
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')
ORDER BY c.relkind DESC, 2 DESC"""
Rows = list[tuple[str, str]]


def copies(puts: list[Put], count: int) -> Iterator[list[Put]]:
    """The same resources again, and what they refer to, under other ids."""

    def other(id: str, number: int) -> str:
        return f"{id[:-4]}{number:04x}" if len(id) == 36 and number else id

    for number in range(count):
        yield [
            replace(
                put,
                id=other(put.id, number),
                rows=replace(
                    put.rows,
                    references=[
                        r._replace(id=other(r.id, number)) for r in put.rows.references
                    ],
                ),
            )
            for put in puts
        ]  # fmt: skip


async def measure(url: str, puts: list[Put], count: int) -> tuple[int, Rows, Rows, str]:
    store = postgres.open(url, KEY, system_clock)
    await store.warm()
    stored = {(p.type, p.id): p for some in copies(puts, count) for p in some}
    everything = list(stored.values())
    units = [
        partial(store.commit, TENANT, Unit(tuple(everything[at : at + 250]), audit=AUDIT))
        for at in range(0, len(everything), 250)
    ]
    speed = [("units of 250, over 6 tasks", rate(len(everything), await over(6, units)))]
    connection = await asyncpg.connect(url, server_settings=QUICK)
    await connection.execute("VACUUM ANALYZE")
    keys = [(put.type, put.id) for put in everything[::7]][:20_000]
    reads = [partial(store.read, TENANT, *key) for key in keys]
    await over(8, reads[:100])
    speed.append(("reads by id, over 32 tasks", rate(len(reads), await over(32, reads))))
    speed += await searches(store, chart_queries(everything)[:2_000])
    singles = [
        partial(store.commit, TENANT, Unit((replace(put, id=str(uuid.uuid4())),), audit=AUDIT))
        for put in everything[:4_000]
    ]
    speed.append(("units of 1, over 32 tasks", rate(len(singles), await over(32, singles))))
    seconds = await over(32, [lambda: store.append(TENANT, AUDIT)] * 10_000)
    speed.append(("an audit record, over 32 tasks", micros(10_000, seconds)))
    sizes = await bytes_of(connection, len(everything) + len(singles))
    plan = await explained(connection, chart_queries(everything[:3_000])[0])
    await connection.close()
    await store.close()
    return len(everything), speed, sizes, plan


async def searches(store: postgres.PostgresStore, queries: list[Query]) -> Rows:
    found = []
    jobs = [partial(store.search, TENANT, query) for query in queries]
    await over(32, jobs[:200])
    found.append(("patient + code + date, over 32 tasks", rate(len(jobs), await over(32, jobs))))
    newest = (SortKey(Param("Observation.date"), SortBy.DATE, descending=True),)
    codes = [Query(q.types, p, count=10) for q in queries[:300] for p in _codes(q)]
    for name, asked in (
        ("patient + code + date, one by one", queries[:300]),
        ("the same, newest first", [replace(q, sort=newest) for q in queries[:300]]),
        ("code alone, first 10", codes),
    ):
        jobs = [partial(store.search, TENANT, query) for query in asked]
        await over(1, jobs[:20])
        start = time.perf_counter()
        await over(1, jobs)
        found.append((name, micros(len(jobs), time.perf_counter() - start)))
    return found


def _codes(query: Query) -> list[Token]:
    return [part for part in getattr(query.where, "parts", ()) if isinstance(part, Token)]


async def bytes_of(connection: asyncpg.Connection, count: int) -> Rows:
    """Bytes a resource: of each table with its indexes, and of each index."""
    found = [(row[0], row[1] / count) for row in await connection.fetch(SIZES)]
    tables = await connection.fetchval(
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
    )
    rows = [(name, f"{size:,.0f}") for name, size in found if size >= 5]
    return [("**everything**", f"**{tables / count:,.0f}**"), *rows]


async def explained(connection: asyncpg.Connection, query: Query) -> str:
    """The plan of a search as the engine asks it."""
    statement = Finder(TENANT, names_of(KEY)).page(query, None)
    lines = await connection.fetch(
        f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, SUMMARY ON) {statement.text}", *statement.args
    )
    return "\n".join(row[0][:110] for row in lines)


def main() -> None:
    address, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    joint = "&" if "?" in address else "?"
    schema = f"careplane_measure_{uuid.uuid4().hex[:8]}"
    puts = list({(p.type, p.id): p for some in bundles() for p in some}.values())
    load = f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before)"
    try:
        number, speed, sizes, plan = asyncio.run(
            measure(f"{address}{joint}search_path={schema}", puts, count)
        )
    finally:
        asyncio.run(dropped(address, schema))
    rows = f"{number:,} resources, {rows_of(puts):.1f} rows each, the database beside, on {load}."
    text = "\n\n".join(
        [
            rows,
            table(("what", "measured"), speed),
            table(("table with its indexes, index", "bytes a resource"), sizes),
            f"The plan of patient + code + date:\n\n```\n{plan}\n```",
        ]
    )
    print(text)
    keep(PAGE, text)


def keep(page: Path, text: str) -> None:
    """Write the measured part of a page anew."""
    head, _, rest = page.read_text().partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    page.write_text(f"{head}{MARKS[0]}\n{text}\n{MARKS[1]}{tail}")


async def dropped(address: str, schema: str) -> None:
    """Take away a schema with all that is in it."""
    connection = await asyncpg.connect(address)
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.close()


if __name__ == "__main__":
    main()
