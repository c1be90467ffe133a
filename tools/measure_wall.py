"""What row-level security costs: `python -m tools.measure_wall postgresql://superuser@...`, in a
schema of its own, on the machine of the database. The same work in turns behind the wall and
without it, for one tenant and for many in turn: microseconds of processor for each request, of the
database and of this process, which others on the machine change little. Medians, between the marks
of decision 0054.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from unittest import mock

import asyncpg

from careplane.kernel.clock import system_clock
from careplane.storage.engines import postgres
from careplane.storage.engines.postgres import store as engine
from careplane.storage.engines.postgres.sessions import Sessions
from careplane.storage.engines.postgres.wall import ROLE, enter
from careplane.storage.ports.records import Put, Tenant, Unit
from tools.measure_store import AUDIT, KEY, MARKS, ROOT, bundles, chart_queries, over

PAGE = ROOT / "docs" / "decisions" / "0054-row-level-security.md"
TENANTS = 8
ROUNDS = 7
TASKS = 32
FILES = 4
Jobs = Sequence[Callable[[], Awaitable[object]]]
Work = Callable[[postgres.PostgresStore], Jobs]


async def _down(connection: object) -> str:
    """Instead of `wall.enter`: stay who one is."""
    return ""


async def _opened(url: str, *, walled: bool) -> postgres.PostgresStore:
    """With its connections open, of the one kind or the other, as many as there will be."""
    store = postgres.open(url, KEY, system_clock, postgres.Limits(quick=4, careful=3))
    kinds = (store._quick, store._careful, store._writing, store._auditing)

    async def rest(connection: object) -> None:
        await asyncio.sleep(0.5)

    with mock.patch.object(engine, "enter", enter if walled else _down):
        for sessions in kinds:
            await asyncio.gather(*[sessions.run(None, rest) for _ in range(4)])
    if not walled:
        for sessions in kinds:
            _tell_nobody(sessions)
    role = await store._quick.run(None, lambda c: c.fetchval("SELECT current_user::text"))
    if (role == ROLE) != walled:
        raise SystemExit("The wall is not as it should be for this measurement.")
    return store


def _tell_nobody(sessions: Sessions) -> None:
    """As before there was a wall: no session is told its tenant."""
    run = sessions.run
    sessions.run = lambda tenant, work: run(None, work)  # type: ignore[method-assign]


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


def _works(puts: Sequence[Put]) -> dict[str, Work]:
    keys = [(put.type, put.id) for put in puts] * 6
    queries = chart_queries(puts) * 40

    def tenant(n: int, many: int) -> Tenant:
        return Tenant(n % many + 1)

    def reads(many: int) -> Work:
        return lambda s: [partial(s.read, tenant(n, many), *k) for n, k in enumerate(keys[:12_000])]

    def searches(many: int) -> Work:
        return lambda s: [
            partial(s.search, tenant(n, many), q) for n, q in enumerate(queries[:1_500])
        ]

    return {
        "reads by id": reads(1),
        f"reads by id of {TENANTS} tenants in turn": reads(TENANTS),
        "patient + code + date": searches(1),
        f"the same of {TENANTS} tenants in turn": searches(TENANTS),
    }


def _spent(store: postgres.PostgresStore) -> float:
    """Seconds of processor of this process, and of those of the database that serve the store."""
    kinds = (store._quick, store._careful, store._writing, store._auditing)
    pids = [connection.get_server_pid() for one in kinds for connection, _ in one._free]
    stats = [Path(f"/proc/{pid}/schedstat").read_text() for pid in pids]
    return time.process_time() + sum(int(text.split()[0]) for text in stats) / 1e9


async def measure(url: str) -> list[str]:
    puts = await _filled(url)
    low, high = await _opened(url, walled=False), await _opened(url, walled=True)
    rows = [f"| work, over {TASKS} tasks | without the wall | behind it | cost |"]
    rows.append("| --- | ---: | ---: | ---: |")
    for name, work in _works(puts).items():
        spent: dict[str, list[float]] = {"low": [], "high": []}
        for _ in range(ROUNDS):
            for kind, store in (("low", low), ("high", high)):
                jobs, before = work(store), _spent(store)
                await over(TASKS, jobs)
                spent[kind].append((_spent(store) - before) / len(jobs) * 1e6)
        without, behind = (median(spent[kind][1:]) for kind in ("low", "high"))
        rows.append(
            f"| {name} | {without:,.0f} us | {behind:,.0f} us | {behind / without - 1:+.1%} |"
        )
        print(rows[-1], flush=True)
    await low.close()
    await high.close()
    return rows


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
