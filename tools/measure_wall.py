"""What row-level security costs the database: `python -m tools.measure_wall postgresql://...`, as a
superuser, in a schema of its own, on the machine of the database.

Each statement in turn on a connection behind the wall and on one without it: microseconds of
processor of the two server processes, which others on the machine change little. Written between
the marks of decision 0054.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import asyncpg

from careplane.kernel.clock import system_clock
from careplane.storage.engines import postgres
from careplane.storage.engines.postgres.find import Finder
from careplane.storage.engines.postgres.reader import _READ
from careplane.storage.engines.postgres.sessions import CAREFUL, QUICK, TENANT
from careplane.storage.engines.postgres.store import names_of
from careplane.storage.engines.postgres.wall import enter
from careplane.storage.ports.records import Put, Tenant, Unit
from tools.measure_store import AUDIT, KEY, MARKS, ROOT, bundles, chart_queries

PAGE = ROOT / "docs" / "decisions" / "0054-row-level-security.md"
ONE = Tenant(1)
TENANTS, FILES, TIMES = 2, 3, 1500
Statement = tuple[str, Sequence[object]]


async def _filled(url: str) -> list[Put]:
    store = postgres.open(url, KEY, system_clock)
    puts = list({(p.type, p.id): p for some in islice(bundles(), FILES) for p in some}.values())
    for n in range(1, TENANTS + 1):
        for at in range(0, len(puts), 250):
            await store.commit(Tenant(n), Unit(tuple(puts[at : at + 250]), audit=AUDIT))
    await store.close()
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return puts


def _statements(puts: Sequence[Put]) -> dict[str, list[Statement]]:
    names = names_of(KEY)
    idents = [names.ident(ONE, put.type, put.id) for put in puts[:400]]
    pages = [Finder(ONE, names, few=True).page(query, None) for query in chart_queries(puts)[:50]]
    return {
        "a read by id": [(_READ, (ONE, [ident])) for ident in idents],
        "20 reads in one statement": [
            (_READ, (ONE, idents[at : at + 20])) for at in range(0, 400, 20)
        ],
        "patient + code + date": [(page.text, page.args) for page in pages],
    }


async def measure(url: str) -> list[str]:
    puts = await _filled(url)
    rows = ["| statement | without the wall | behind it | more |", "| --- | ---: | ---: | ---: |"]
    for kind, settings in (("planned once", QUICK), ("planned each time", CAREFUL)):
        low = await asyncpg.connect(url, server_settings=settings)
        high = await asyncpg.connect(url, server_settings=settings)
        if await enter(high):
            raise SystemExit("The wall does not stand.")
        await high.execute(f"SELECT set_config('{TENANT}', '1', false)")
        for name, statements in _statements(puts).items():
            without, behind = await _compared(low, high, statements)
            more = behind - without
            rows.append(f"| {name}, {kind} | {without:.1f} us | {behind:.1f} us | {more:+.1f} us |")
        if settings is QUICK:
            give: list[Statement] = [("SELECT set_config($1, $2, false)", (TENANT, "1"))]
            _, alone = await _compared(low, high, give)
            rows.append(f"| another tenant than before, a round trip and | | {alone:.1f} us | |")
        await low.close()
        await high.close()
    return rows


async def _compared(
    low: asyncpg.Connection, high: asyncpg.Connection, statements: Sequence[Statement]
) -> tuple[float, float]:
    """Microseconds of processor for a statement on each."""
    for text, args in statements[:10]:
        assert len(await low.fetch(text, *args)) == len(await high.fetch(text, *args))
    spent = {low: 0, high: 0}
    for n in range(TIMES):
        text, args = statements[n % len(statements)]
        for connection in (low, high) if n % 2 else (high, low):
            before = _spent(connection)
            await connection.fetch(text, *args)
            spent[connection] += _spent(connection) - before
    return spent[low] / TIMES / 1000, spent[high] / TIMES / 1000


def _spent(connection: asyncpg.Connection) -> int:
    """Nanoseconds of processor of its server process (proc(5))."""
    return int(Path(f"/proc/{connection.get_server_pid()}/schedstat").read_text().split()[0])


def main() -> None:
    address = sys.argv[1]
    joint = "&" if "?" in address else "?"
    schema = f"careplane_wall_{uuid.uuid4().hex[:8]}"
    rows = asyncio.run(measure(f"{address}{joint}search_path={schema}"))
    begin, end = MARKS
    before, _, rest = PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n" + "\n".join(rows) + f"\n{end}{after}")


if __name__ == "__main__":
    main()
