"""A store that was moved is the same as before, from every engine to every engine: reads, searches,
their order, histories, changes, the audit trail, state, and what comes next."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from careplane.app.moving.compare import compare
from careplane.kernel.errors import Busy, Conflict, Fault, NotFound
from careplane.search.plan import EVERYTHING, Query
from careplane.search.rows import Rows
from careplane.storage.engines import postgres, sqlite
from careplane.storage.ports.moving import Source, Target
from careplane.storage.ports.records import HistoryQuery, Unit
from tests import postgres as server
from tests.contracts import material as m
from tests.contracts.moving import (
    INSTALLATIONS,
    KEY,
    ONE,
    ORIGIN,
    PAIRS,
    TWO,
    Installation,
    Steps,
    carried,
    fill,
    filled,
    moved,
    on_postgres,
    on_sqlite,
    seen,
    unheard,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=INSTALLATIONS)
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    return INSTALLATIONS[request.param](tmp_path / "one")


IN_ORDER = [Query(frozenset(), EVERYTHING, count=1000), Query(frozenset({"Patient"}), count=1000)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(m.rows, min_size=5, max_size=9),
    queries=st.lists(m.queries, min_size=8, max_size=8),
)
def test_everything_is_as_before(first, second, rows, queries):
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            here = INSTALLATIONS[first](Path(folder) / "here")
            there = INSTALLATIONS[second](Path(folder) / "there")
            world = await fill(here, rows)
            before = await seen(here, [*IN_ORDER, *queries])
            await carried(here, there, world.index)
            after = await seen(there, [*IN_ORDER, *queries])
            for question, answer in before.items():
                assert after[question] == answer, question

    asyncio.run(run())


async def test_tenants_whose_numbers_are_apart_go_on_together(tmp_path: Path) -> None:
    there, back = INSTALLATIONS["postgres"](tmp_path / "b"), INSTALLATIONS["sqlite"](tmp_path / "c")
    here = INSTALLATIONS["sqlite"](tmp_path / "a")
    world = await fill(here, [Rows(), Rows()])
    before = await seen(here, IN_ORDER)
    await carried(here, there, world.index)
    await carried(there, back, world.index)
    assert await seen(back, IN_ORDER) == before


async def test_tenants_with_the_same_numbers_stay(tmp_path: Path) -> None:
    here = INSTALLATIONS["postgres"](tmp_path)
    await filled(here, [Rows()], (ONE, TWO))
    with pytest.raises(Conflict, match="several tenants"):
        await here.source()


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_counting_goes_on_where_it_was(first: str, second: str, tmp_path: Path) -> None:
    """What was erased last has had the highest numbers: they are not given again."""
    here, there = INSTALLATIONS[first](tmp_path / "a"), INSTALLATIONS[second](tmp_path / "b")
    world = await fill(here, [Rows()])
    source = await here.source()
    marks = await source.marks()
    await source.close()
    await carried(here, there, world.index)
    store, state = there.open()
    (version,) = (await store.commit(ONE, Unit((m.put("Patient", "new"),)))).versions
    assert version.t == marks.t + 1
    assert version.last_updated >= marks.last_updated
    await store.append(ONE, b"after")
    assert (await store.tail(ONE, marks.seq))[0] == (marks.seq + 1, b"after")
    assert (await state.put(ONE, "job", "new", b"") or 0) > marks.revision
    page = await store.search(ONE, Query(frozenset(), EVERYTHING, count=1000))
    assert page.versions[-1].id == "new"
    await store.close()
    await state.close()


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_what_was_interrupted_goes_on(first: str, second: str, tmp_path: Path) -> None:
    """At every batch, if each has one row; nothing opens the target meanwhile."""
    here, there = INSTALLATIONS[first](tmp_path / "a"), INSTALLATIONS[second](tmp_path / "b")
    world = await fill(here, [Rows()] * 6)
    before = await seen(here, IN_ORDER)
    source = await here.source()
    for step in range(4):
        target = await there.target()
        with pytest.raises(Killed):
            await moved(source, Dying(target, step * 9), world.index)
        await target.close()
        if second != "memory":
            with pytest.raises(Fault, match="not at its end"):
                await seen(there, IN_ORDER)
    other = await there.target()
    with pytest.raises(Conflict):
        await other.begin(b"x" * 32)
    await other.close()
    await source.close()
    await carried(here, there, world.index)
    assert await seen(there, IN_ORDER) == before


BETWEEN = [("sqlite", "postgres"), ("postgres", "sqlite")]


@pytest.mark.parametrize(("first", "second"), BETWEEN)
async def test_a_client_turns_the_page(first: str, second: str, tmp_path: Path) -> None:
    """A cursor that one engine gave is good for the other."""
    here, there = INSTALLATIONS[first](tmp_path / "a"), INSTALLATIONS[second](tmp_path / "b")
    world = await fill(here, [Rows()] * 6)
    search, history = Query(frozenset(), count=2), HistoryQuery(frozenset(), count=2)

    async def second_pages(one: Installation, *cursors: str | None) -> list[Any]:
        store, state = one.open()
        pages = [
            await store.search(ONE, replace(search, cursor=cursors[0])),
            await store.history(ONE, replace(history, cursor=cursors[1])),
        ]
        await store.close()
        await state.close()
        return pages

    cursors = [page.next for page in await second_pages(here, None, None)]
    before = await second_pages(here, *cursors)
    await carried(here, there, world.index)
    assert await second_pages(there, *cursors) == before
    assert all(page.versions for page in before)


class Tampering:
    """A source in which one thing is another."""

    def __init__(self, source: Source, was: Any, now: Any) -> None:
        self._source = source
        self._was = was
        self._now = now

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._source, name)
        if name in ("marks", "close"):
            return whole

        async def changed() -> Any:
            async for batch in whole():
                found = [self._now if row == self._was else row for row in batch]
                yield [row for row in found if row is not None]

        return changed


async def test_whatever_differs_is_named(tmp_path: Path) -> None:
    here = INSTALLATIONS["memory"](tmp_path / "a")
    await fill(here, [Rows()])
    source = await here.source()
    kept = (await anext(source.versions()))[0]
    place = (await anext(source.places()))[0]
    record = (await anext(source.audited()))[0]
    note = (await anext(source.noted()))[0]
    version = kept.version
    name = f"{version.type}/{version.id}"
    cases: list[tuple[Any, Any, list[str]]] = [
        (kept, replace(kept, version=replace(version, rest=version.rest[:-1] + b" ")),
         [f"{name}/_history/1 of tenant 1: another body"]),
        (kept, replace(kept, version=replace(version, last_updated=1, method="PATCH")),
         [f"{name}/_history/1 of tenant 1: another last_updated, method"]),
        (kept, replace(kept, tenant=TWO),
         [f"{name}/_history/1 of tenant 1: is not in the target",
          f"{name}/_history/1 of tenant 2: is not in the source"]),
        (kept, replace(kept, current=not kept.current),
         [f"{name}/_history/1 of tenant 1: another current"]),
        (kept, None, [f"{name}/_history/1 of tenant 1: is not in the target"]),
        (place, replace(place, born=99), [f"{name} of tenant 1, its place: another born"]),
        (record, replace(record, record=b"x"), ["audit record 1 of tenant 1: another record"]),
        (note, replace(note, entry=replace(note.entry, revision=9)),
         ["state cursor z of tenant 1: another revision"]),
    ]  # fmt: skip
    for was, now, said in cases:
        report = await compare(source, Tampering(source, was, now), unheard)
        assert (report.different, report.differences) == (len(said), said)
        assert report.source != report.target
    assert (await compare(source, source, unheard)).is_same


class Killed(Exception):
    """In the middle."""


class Dying:
    """A target whose process ends after some rows, each put by itself."""

    def __init__(self, target: Target, left: int) -> None:
        self._target = target
        self._left = left

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._target, name)
        if not name.startswith("put_"):
            return whole

        async def put(*columns: Sequence[Any]) -> None:
            for row in zip(*columns, strict=True):
                if not self._left:
                    raise Killed
                self._left -= 1
                await whole(*([one] for one in row))

        return put


async def test_a_store_in_use_is_no_target(one: Installation) -> None:
    await fill(one, [Rows()])
    before = await seen(one, IN_ORDER)
    target = await one.target()
    with pytest.raises(Conflict):
        await target.begin(ORIGIN)
    await target.close()
    assert await seen(one, IN_ORDER) == before


async def test_nobody_writes_to_a_source_of_files(tmp_path: Path) -> None:
    here = on_sqlite(tmp_path / "a")
    await fill(here, [Rows()])
    store, state = here.open()
    with pytest.raises(Busy, match="stop it"):
        await here.source()
    await store.close()
    source = await here.source()
    write = asyncio.create_task(state.put(ONE, "job", "new", b""))
    done, _ = await asyncio.wait([write], timeout=0.5)
    assert not done
    with pytest.raises(Busy, match="being moved"):
        here.open()
    with pytest.raises(Busy):
        await here.source()
    await source.close()
    await write
    store, _ = here.open()
    await store.close()
    await state.close()


async def test_nobody_writes_to_a_source_on_a_server(tmp_path: Path) -> None:
    here = on_postgres(tmp_path / "a")
    await fill(here, [Rows()])
    store, state = here.open()
    source = await here.source()
    writes = [
        asyncio.create_task(store.commit(ONE, Unit((m.put("Patient", "new"),)))),
        asyncio.create_task(state.put(ONE, "job", "new", b"")),
    ]
    done, _ = await asyncio.wait(writes, timeout=0.5)
    assert not done
    with pytest.raises(Busy):
        await here.source()
    await source.close()
    await asyncio.gather(*writes)
    await store.close()
    await state.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_nothing_is_no_source(engine: str, tmp_path: Path) -> None:
    here = INSTALLATIONS[engine](tmp_path / "a")
    with pytest.raises(NotFound):
        await here.source()


async def test_another_key_opens_nothing(tmp_path: Path) -> None:
    files, url = on_sqlite(tmp_path / "a"), server.url()
    await fill(files, [Rows()])
    with pytest.raises(Fault, match="key"):
        sqlite.SqliteSource(tmp_path / "a", b"x" * 32)
    store = postgres.open(url, KEY, Steps())
    await store.append(ONE, b"x")
    await store.close()
    with pytest.raises(Fault, match="key"):
        await postgres.open_source(url, b"x" * 32)
    target = await postgres.open_target(url, b"x" * 32)
    with pytest.raises(Conflict):
        await target.begin(ORIGIN)
    await target.close()


async def test_a_writer_in_a_process_of_its_own_is_noticed(tmp_path: Path) -> None:
    files = on_sqlite(tmp_path / "a")
    await fill(files, [Rows()])
    serving = sqlite.open(tmp_path / "a", KEY, Steps(), sqlite.Limits(writer="process"))
    await serving.warm()
    with pytest.raises(Busy, match="running"):
        await files.source()
    await serving.close()
    await (await files.source()).close()


async def test_audit_records_on_their_way_are_moved(tmp_path: Path) -> None:
    """Those of a server that was killed wait in outboxes; they get the numbers that they would."""
    files, there = on_sqlite(tmp_path / "a"), on_postgres(tmp_path / "b")
    await fill(files, [Rows()])
    killed = sqlite.open(tmp_path / "a", KEY, Steps(), sqlite.Limits())
    await killed.append(ONE, b"waits")
    await killed.commit(ONE, Unit((m.put("Patient", "new"),), audit=b"waits too"))
    waiting = tmp_path / "b"
    shutil.copytree(tmp_path / "a", waiting)
    await killed.close()

    async def source() -> Source:
        return sqlite.SqliteSource(waiting, KEY)

    looked = await source()
    before = [r async for some in looked.audited() for r in some]
    await looked.close()
    assert {b"waits", b"waits too"} <= {one.record for one in before}
    copied = Installation(files.open, source, files.target)
    await carried(copied, there, lambda kept: Rows())
    store, _ = there.open()
    assert list(await store.tail(ONE)) == [(r.seq, r.record) for r in before if r.tenant == ONE]
    await store.close()
