"""What the contract of moving is tried on: installations of every engine, and a small world that
has everything which is easily lost on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from careplane.app.moving.compare import compare
from careplane.search.plan import Query
from careplane.search.rows import ReferenceRow, Rows
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryMove, MemoryState, MemoryStore
from careplane.storage.keys.bodies import patient_of
from careplane.storage.ports.moving import Kept, Source, Target
from careplane.storage.ports.records import Erased, Erasure, HistoryQuery, Superseded, Tenant, Unit
from careplane.storage.ports.state import StateStore
from tests import postgres as server
from tests.contracts import material as m
from tests.contracts.engines import Store

ONE, TWO = Tenant(1), Tenant(2)
KEY = bytes(range(32))
ORIGIN = b"o" * 32


@dataclass
class Installation:
    """How to open one: to use it, to read it, to fill it."""

    open: Callable[[], tuple[Store, StateStore]]
    source: Callable[[], Awaitable[Source]]
    target: Callable[[], Awaitable[Target]]
    by_tenant: bool = False
    """Whether each tenant has numbers of its own."""


def _memory(folder: Path) -> Installation:
    store, state = MemoryStore(Steps()), MemoryState()
    store.close = state.close = _stay  # type: ignore[method-assign]
    move = MemoryMove(store, state)

    async def whole() -> MemoryMove:
        return move

    return Installation(lambda: (store, state), whole, whole)


async def _stay() -> None:
    """What is in memory would be gone."""


class Steps:
    """A clock that goes on by a second at every look."""

    def __init__(self) -> None:
        self._now = 1_700_000_000_000_000

    def __call__(self) -> int:
        self._now += 1_000_000
        return self._now


def on_sqlite(folder: Path) -> Installation:
    folder.mkdir()

    async def source() -> Source:
        return sqlite.SqliteSource(folder, KEY)

    async def target() -> Target:
        return sqlite.SqliteTarget(folder, KEY)

    def use() -> tuple[Store, StateStore]:
        return sqlite.open(folder, KEY, Steps()), sqlite.open_state(folder, KEY)

    return Installation(use, source, target)


def on_postgres(folder: Path) -> Installation:
    url = server.url()

    def use() -> tuple[Store, StateStore]:
        limits = postgres.Limits(quick=2, careful=2)
        return postgres.open(url, KEY, Steps(), limits), postgres.open_state(url)

    return Installation(
        use,
        lambda: postgres.open_source(url, KEY),
        lambda: postgres.open_target(url, KEY),
        by_tenant=True,
    )


INSTALLATIONS: dict[str, Callable[[Path], Installation]] = {
    "memory": _memory,
    "sqlite": on_sqlite,
    "postgres": on_postgres,
}
PAIRS = [
    ("memory", "sqlite"),
    ("memory", "postgres"),
    ("sqlite", "memory"),
    ("sqlite", "postgres"),
    ("postgres", "memory"),
    ("postgres", "sqlite"),
]


Index = Callable[[Kept], Rows]


async def moved(source: Source, target: Target, rows: Index, origin: bytes = ORIGIN) -> None:
    """As `app.moving` does it, with rows that were made before."""
    reached = await target.begin(origin)
    async for places in source.places(reached.place):
        await target.put_places(places)
    async for versions in source.versions(reached.t):
        found = [rows(kept) for kept in versions]
        pairs = zip(versions, found, strict=True)
        patients = [patient_of(kept.version.type, kept.version.id, one) for kept, one in pairs]
        await target.put_versions(versions, found, patients)
    async for records in source.audited(reached.seq):
        await target.put_audited(records)
    async for notes in source.noted(reached.note):
        await target.put_noted(notes)
    await target.settle(await source.marks())


async def carried(here: Installation, there: Installation, rows: Index) -> None:
    """All of it, compared and finished."""
    source, target = await here.source(), await there.target()
    try:
        await moved(source, target, rows)
        report = await compare(source, target, unheard)
        assert (report.different, report.differences) == (0, [])
        assert report.source == report.target
        await target.finish()
    finally:
        await source.close()
        await target.close()


def unheard(what: str, more: int, part: float) -> None:
    """Nobody looks."""


class World:
    """What was written, with the rows of what is current."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Tenant, str, str], Rows] = {}
        self.at: dict[tuple[Tenant, str, str], int] = {}

    def index(self, kept: Kept) -> Rows:
        version = kept.version
        if not kept.current or version.deleted:
            return Rows()
        return self.rows[kept.tenant, version.type, version.id]

    def put(self, tenant: Tenant, type: str, id: str, rows: Rows, rest: bytes) -> m.Put:
        key = (tenant, type, id)
        old, expect = self.rows.get(key, Rows()), self.at.get(key, 0)
        self.rows[key], self.at[key] = rows, expect + 1
        return m.put(type, id, rows, expect=expect, old=old, rest=rest)

    def deletion(self, tenant: Tenant, type: str, id: str) -> m.Put:
        key = (tenant, type, id)
        old, self.rows[key] = self.rows[key], Rows()
        self.at[key] += 1
        return m.deletion(type, id, expect=self.at[key] - 1, old=old)

    def erased(self, tenant: Tenant, type: str, id: str) -> Erased:
        key = (tenant, type, id)
        return Erased(type, id, self.at.pop(key), self.rows.pop(key))


def body(n: int) -> bytes:
    return b'},"note":[{"text":"%s"}],"v":1.00}' % (b"%d " % n * (n % 90))


async def fill(here: Installation, rows: Sequence[Rows]) -> World:
    """Two tenants, or one where each has numbers of its own: updates, deletions, targets that are
    not there, things erased, an audit trail and state."""
    return await filled(here, rows, (ONE,) if here.by_tenant else (ONE, TWO))


async def filled(here: Installation, rows: Sequence[Rows], tenants: Sequence[Tenant]) -> World:
    """As `fill`, for these."""
    world = World()
    store, state = here.open()
    some = [*rows, Rows(), Rows(references=[ReferenceRow(m.SUBJECT, "Patient", "far-away")])]
    number = 0
    for tenant in tenants:
        for turn in range(3):
            for n, found in enumerate(some[turn:]):
                number += 1
                type, id = m.TYPES[n % 3], m.IDS[n % 6]
                put = world.put(tenant, type, id, found, body(number))
                await store.commit(tenant, Unit((put,), audit=b"unit %d" % number))
        await store.append(tenant, b"a read by %d" % tenant)
    key = next(iter(world.at))
    await store.commit(ONE, Unit((world.deletion(*key),)))
    gone = world.erased(*list(world.at)[-1])
    await store.erase(tenants[-1], Erasure((gone,), audit=b"purged"))
    type, id = "Patient", "many"
    for n in range(4):
        await store.commit(ONE, Unit((world.put(ONE, type, id, some[0], body(n)),)))
    olds = (Superseded(type, id, 1), Superseded(type, id, 3))
    await store.erase(ONE, Erasure(versions=olds))
    await store.commit(ONE, Unit((world.put(ONE, type, "last", some[0], body(1)),)))
    await store.erase(ONE, Erasure((world.erased(ONE, type, "last"),)))
    await state.put(ONE, "job", "a", b"1")
    await state.put(TWO, "job", "a", b"2")
    await state.put(ONE, "cursor", "z", b"\0\xff")
    await state.drop(ONE, "job", "a")
    await store.close()
    await state.close()
    return world


async def seen(here: Installation, queries: Sequence[Query]) -> dict[str, Any]:
    """Everything that can be asked."""
    store, state = here.open()
    found: dict[str, Any] = {}
    try:
        for tenant in (ONE, TWO):
            ask = f"tenant {tenant}: "
            found[ask + "changes"] = await store.changes(tenant, 0)
            found[ask + "counts"] = await store.counts(tenant)
            found[ask + "trail"] = list(await store.tail(tenant))
            page = await store.history(tenant, HistoryQuery(frozenset(), count=1000, total=True))
            found[ask + "history"] = (page.versions, page.total)
            for version in page.versions:
                key = (version.type, version.id)
                mine = HistoryQuery(frozenset(key[:1]), key[1])
                found[f"{ask}{key}"] = (
                    await store.read(tenant, *key),
                    [await store.vread(tenant, *key, n) for n in range(1, 6)],
                    (await store.history(tenant, mine)).versions,
                )
            for query in queries:
                page = await store.search(tenant, query)
                found[f"{ask}{query}"] = page.versions, await store.count(tenant, query)
        for space in ("job", "cursor"):
            found[space] = list(await state.scan(None, space))
    finally:
        await store.close()
        await state.close()
    return found
