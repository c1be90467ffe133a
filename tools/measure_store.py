"""Measures the SQLite engine on the public synthetic patients: `python -m tools.measure_store`.

It stores them in a temporary folder, one process and no server, and writes what it found between
the marks of docs/store.md.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from careplane.fhir.codec import json
from careplane.fhir.validation import check
from careplane.kernel.clock import system_clock
from careplane.search.extract import extract
from careplane.search.plan import (
    And,
    Coding,
    Date,
    Prefix,
    Query,
    Reference,
    SortBy,
    SortKey,
    Token,
)
from careplane.search.rows import Param, Rows
from careplane.storage.engines import sqlite
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.layout import TABLES
from careplane.storage.ports.records import Put, Tenant, Unit

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CAREPLANE_TEST_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "store.md"
MARKS = "<!-- measured -->", "<!-- end -->"
KEY = bytes(range(32))
TENANT = Tenant(0)
AUDIT = b"a" * 120
HEAVY = ("version", "resource", *TABLES, "term", "name", "unit")


def bundles() -> Iterator[list[Put]]:
    """The resources of each file as puts, their references made literal."""
    for path in sorted((DATA / "synthea-r4").glob("*.json.gz")):
        with gzip.open(path) as file:
            text = file.read().decode()
        entries = json.parse(text.encode())["entry"]
        types = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in entries}
        literal = _LOCAL.sub(partial(_named, types), text)
        found = []
        for entry in json.parse(literal.encode())["entry"]:
            checked = check(json.dump(entry["resource"]))
            rows = extract(checked.struct)
            found.append(Put(checked.type, checked.id or "", "POST", checked.rest, rows, 0, Rows()))
        yield found


_LOCAL = re.compile(r"urn:uuid:([0-9a-f-]{36})")


def _named(types: dict[str, str], match: re.Match[str]) -> str:
    type = types.get(match.group())
    return f"{type}/{match.group(1)}" if type else match.group()


def rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.0f}/s"


def micros(count: int, seconds: float) -> str:
    return f"{seconds / count * 1e6:,.0f} µs"


async def over(tasks: int, jobs: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """Seconds for all jobs, so many at a time."""
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await job()

    start = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(tasks)])
    return time.perf_counter() - start


def rows_of(puts: Sequence[Put]) -> float:
    kinds = ("tokens", "strings", "references", "uris", "dates", "numbers", "quantities")

    def count(rows: Rows) -> int:
        own = sum(len(getattr(rows, kind)) for kind in kinds)
        return own + sum(1 + count(group.parts) for group in rows.composites)

    return sum(count(put.rows) for put in puts) / len(puts)


def chart_queries(puts: Sequence[Put]) -> list[Query]:
    """Patient, code and date of every 37th Observation."""
    subject, code, date = (Param(f"Observation.{name}") for name in ("subject", "code", "date"))
    queries = []
    for put in [put for put in puts if put.type == "Observation"][::37]:
        link = next(
            r
            for r in put.rows.references
            if r.type == "Patient" and r.param in (subject, "Observation.patient")
        )
        token = next(r for r in put.rows.tokens if r.param == code)
        when = next(r for r in put.rows.dates if r.param == date)
        where = And(
            (
                Reference(link.param, frozenset({(link.type, link.id)})),
                Token(code, (Coding(token.system, token.code),)),
                Date(date, Prefix.GE, when.low, when.high),
            )
        )
        queries.append(Query(frozenset({"Observation"}), where))
    return queries


def _codes(query: Query) -> list[Token]:
    parts = query.where.parts if isinstance(query.where, And) else ()
    return [part for part in parts if isinstance(part, Token)]


async def measure(folder: Path, puts: list[Put]) -> list[tuple[str, str]]:
    store = sqlite.open(folder, KEY, system_clock)
    start = time.perf_counter()
    for at in range(0, len(puts), 1000):
        await store.commit(TENANT, Unit(tuple(puts[at : at + 1000]), audit=AUDIT))
    found = [("units of 1,000 resources", rate(len(puts), time.perf_counter() - start))]
    await store.close()
    store = sqlite.open(folder, KEY, system_clock)
    keys = [(put.type, put.id) for put in puts[::3]]
    reads = [partial(store.read, TENANT, *key) for key in keys]
    await over(1, reads)
    seconds = await over(1, reads)
    found.append(("read by id", rate(len(keys), seconds)))
    queries = chart_queries(puts)
    newest = SortKey(Param("Observation.date"), SortBy.DATE, descending=True)
    by_code = [Query(q.types, part, count=10) for q in queries for part in _codes(q)]
    for name, asked in (
        ("patient + code + date", queries),
        ("the same, newest first", [Query(q.types, q.where, (newest,)) for q in queries]),
        ("code alone, first 10", by_code),
    ):
        jobs = [partial(store.search, TENANT, query) for query in asked]
        await over(1, jobs)
        found.append((name, micros(len(jobs), await over(1, jobs))))
    hits = [len((await store.search(TENANT, q)).versions) for q in queries]
    found.append(("(resources found by patient + code + date)", f"{sum(hits) / len(hits):.1f}"))
    again = [replace(put, id=f"again-{put.id}"[:64]) for put in puts[:8000]]
    singles = [partial(store.commit, TENANT, Unit((put,), audit=AUDIT)) for put in again]
    seconds = await over(32, singles)
    found.append(("units of 1, over 32 tasks", rate(len(again), seconds)))
    seconds = await over(32, [lambda: store.append(TENANT, AUDIT)] * 20_000)
    found.append(("an audit record, over 32 tasks", f"{seconds / 20_000 * 1e6:.1f} µs"))
    await store.close()
    return found


async def sizes(folder: Path, puts: list[Put]) -> list[tuple[str, str]]:
    """Bytes a resource by table: what dropping it sets free."""
    store = sqlite.open(folder, KEY, system_clock)
    for at in range(0, len(puts), 1000):
        await store.commit(TENANT, Unit(tuple(puts[at : at + 1000]), audit=AUDIT))
    await store.close()
    whole = sum(file.stat().st_size for file in folder.iterdir())
    found = [("**all files**", f"**{whole / len(puts):,.0f}**")]
    connection = connect(folder / "records.sqlite", key_for("records", KEY))
    page = int(connection.execute("PRAGMA page_size").fetchone()[0])
    for table in HEAVY:
        before = connection.execute("PRAGMA freelist_count").fetchone()[0]
        connection.execute(f"DROP TABLE {table}")
        freed = connection.execute("PRAGMA freelist_count").fetchone()[0] - before
        found.append((table, f"{freed * page / len(puts):,.0f}"))
    connection.close()
    return found


def table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join([f"| {a} | {b} |" for a, b in (head, ("---", "---:"), *rows)])


def main() -> None:
    puts = list({(p.type, p.id): p for some in bundles() for p in some}.values())
    load = f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before)"
    rows = f"{len(puts):,} resources, {rows_of(puts):.1f} rows each, on {load}."
    folders = [Path(tempfile.mkdtemp()) for _ in range(2)]
    try:
        speed = asyncio.run(measure(folders[0], puts))
        size = asyncio.run(sizes(folders[1], puts))
    finally:
        for folder in folders:
            shutil.rmtree(folder)
    text = "\n\n".join([rows, table(("what", "measured"), speed), table(("table", "bytes a resource"), size)])  # fmt: skip  # noqa: E501
    print(text)
    head, _, rest = PAGE.read_text().partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    PAGE.write_text(f"{head}{MARKS[0]}\n{text}\n{MARKS[1]}{tail}")


if __name__ == "__main__":
    main()
