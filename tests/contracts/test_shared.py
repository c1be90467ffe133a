"""Several stores on one folder, as several serving processes have it: one audit trail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines import sqlite
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.ports.records import Tenant, Unit
from tests.contracts import material as m

pytestmark = pytest.mark.anyio
KEY, T = bytes(range(32)), Tenant(1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _open(folder: Path) -> sqlite.SqliteStore:
    return sqlite.open(folder, KEY, system_clock, sqlite.Limits())


async def _records(store: sqlite.SqliteStore) -> list[bytes]:
    return [record for _, record in await store.tail(T, 0, 10_000)]


async def test_each_sees_what_all_have_recorded(tmp_path: Path) -> None:
    stores = [_open(tmp_path) for _ in range(3)]
    for turn in range(40):
        await asyncio.gather(*(s.append(T, b"%d:%d" % (n, turn)) for n, s in enumerate(stores)))
    await stores[1].commit(T, Unit((m.put("Patient", "p"),), audit=b"unit"))
    for store in stores:
        records = await _records(store)
        assert len(records) == 121
        for n in range(3):
            mine = [r for r in records if r.startswith(b"%d:" % n)]
            assert mine == [b"%d:%d" % (n, turn) for turn in range(40)]
        assert records.count(b"unit") == 1
    first = await _records(stores[0])
    await asyncio.gather(*(store.close() for store in stores))
    alone = _open(tmp_path)
    assert await _records(alone) == first, "the order never changes"
    await alone.close()


async def test_what_a_dead_process_has_recorded_is_found(tmp_path: Path) -> None:
    dead, alive = _open(tmp_path), _open(tmp_path)
    dead._trail._keeper._move = lambda sources: None  # type: ignore[method-assign]
    await dead.append(T, b"last words")
    dead._trail._place.close()  # as its end would
    assert await _records(alive) == [b"last words"]
    heir = _open(tmp_path)
    await heir.append(T, b"next")
    assert await _records(heir) == [b"last words", b"next"]
    for store in (alive, heir):
        await store.close()
    await dead._writer.close()


async def test_an_older_spool_beside_a_newer_trail_loses_nothing(tmp_path: Path) -> None:
    store = _open(tmp_path)
    for n in range(5):
        await store.append(T, b"%d" % n)
    await store.close()
    for file in tmp_path.glob("spool-*"):
        file.unlink()  # a backup without it was restored
    store = _open(tmp_path)
    await store.append(T, b"after")
    assert await _records(store) == [b"0", b"1", b"2", b"3", b"4", b"after"]
    await store.close()


async def test_what_an_older_version_left_in_inboxes_is_moved(tmp_path: Path) -> None:
    store = _open(tmp_path)
    await store.append(T, b"before")
    await store.close()
    path = tmp_path / "inbox-1.sqlite"
    inbox = connect(path, key_for("audit", KEY))
    inbox.execute(
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL, "
        "record BLOB NOT NULL)"
    )
    rows = [(1, T, b"before"), (2, T, b"waiting"), (3, T, b"waiting too")]
    inbox.executemany("INSERT INTO outbox VALUES (?, ?, ?)", rows)
    inbox.close()
    store = _open(tmp_path)
    await store.append(T, b"after")
    assert await _records(store) == [b"before", b"waiting", b"waiting too", b"after"]
    assert list(tmp_path.glob("inbox-*")) == []
    await store.close()
