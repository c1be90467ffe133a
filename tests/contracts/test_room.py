"""A full disk: writes are refused in words, audit records go on as long as they can, and all of it
comes back by itself. Faults are SQLite's own, by `max_page_count`."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Full
from careplane.storage.engines import sqlite
from careplane.storage.engines.sqlite import room
from careplane.storage.engines.sqlite import spool as spools
from careplane.storage.engines.sqlite.room import RESERVE, Room
from careplane.storage.engines.sqlite.writing.thread import ThreadWriter
from careplane.storage.ports.records import Tenant, Unit
from tests.contracts import material as m
from tests.contracts.engines import Store

KEY = bytes(range(32))
T = Tenant(0)
KEPT = 1_000_000

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """What the disk says it has free; looked at every time."""
    disk = SimpleNamespace(free=100_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: disk)
    monkeypatch.setattr(room, "_EVERY_SECONDS", 0.0)
    return disk  # type: ignore[return-value]


def open_store(folder: Path) -> sqlite.SqliteStore:
    return sqlite.open(folder, KEY, system_clock, sqlite.Limits(reserve_bytes=KEPT))


def limit(connection: Any, pages: int | None = None) -> None:
    """No more pages than there are, or as many as SQLite can have."""
    there = connection.execute("PRAGMA page_count").fetchone()[0]
    most = 1_073_741_823 if pages is None else there + pages
    connection.execute(f"PRAGMA max_page_count = {most}")


async def test_writes_stop_before_the_disk_is_full(tmp_path: Path, disk: SimpleNamespace) -> None:
    store = open_store(tmp_path)
    await store.commit(T, Unit((m.put("Patient", "before"),)))
    disk.free = KEPT - 1
    with pytest.raises(Full, match="can be read"):
        await store.commit(T, Unit((m.put("Patient", "refused"),)))
    assert (await store.vitals()).full
    assert await store.read(T, "Patient", "before")
    await store.append(T, b"read")
    disk.free = KEPT
    await store.commit(T, Unit((m.put("Patient", "after"),)))
    assert await store.counts(T) == {"Patient": 2}
    await store.close()


async def test_a_write_that_finds_no_room_is_not_stored_and_the_next_is(
    tmp_path: Path, disk: SimpleNamespace
) -> None:
    store = open_store(tmp_path)
    await store.commit(T, Unit((m.put("Patient", "before"),)))
    writer = store._writer
    assert isinstance(writer, ThreadWriter)
    limit(writer._committer._connection, 1)
    disk.free = KEPT - 1
    store._room._next = float("inf")  # nobody has looked since
    many = tuple(m.put("Patient", f"p{n}", rest=b"x" * 50) for n in range(3000))
    with pytest.raises(Full, match="nothing was stored"):
        await store.commit(T, Unit(many))
    assert store._room._full
    assert await store.counts(T) == {"Patient": 1}
    limit(writer._committer._connection)
    store._room._next = 0.0
    disk.free = 10 * KEPT
    await store.commit(T, Unit(many))
    assert await store.counts(T) == {"Patient": 3001}
    await store.close()


@pytest.fixture
def spool(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Segments of one record, and how many of them the disk still takes."""
    there = SimpleNamespace(room=1_000)

    def allocate(file: int, size: int) -> None:
        if not there.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        there.room -= 1
        room.allocate(file, size)

    monkeypatch.setattr(spools, "allocate", allocate)
    monkeypatch.setattr(spools, "_SEGMENT_BYTES", 600)
    return there


async def appended(store: Store) -> None:
    """A hundred records, each in a turn of its own."""
    for n in range(100):
        await store.append(T, b"%03d" % n + b"x" * 500)


async def test_an_audit_record_gets_the_room_that_was_kept(
    tmp_path: Path, disk: SimpleNamespace, spool: SimpleNamespace
) -> None:
    store = open_store(tmp_path)
    relieve = store._trail._spool._relieve

    def freed() -> bool:
        spool.room = 1_000
        return relieve()

    store._trail._spool._relieve = freed
    assert (tmp_path / RESERVE).stat().st_size == KEPT
    disk.free, spool.room = 0, 20
    await appended(store)
    assert not (tmp_path / RESERVE).exists()
    with pytest.raises(Full):
        await store.commit(T, Unit((m.put("Patient", "refused"),)))
    disk.free = 2 * KEPT
    await store.commit(T, Unit((m.put("Patient", "after"),)))
    assert (tmp_path / RESERVE).stat().st_size == KEPT
    assert [record[:3] for _, record in await store.tail(T)] == [b"%03d" % n for n in range(100)]
    await store.close()


async def test_without_any_room_an_answer_without_a_record_does_not_leave(
    tmp_path: Path, disk: SimpleNamespace, spool: SimpleNamespace
) -> None:
    store = open_store(tmp_path)
    spool.room = 10
    (tmp_path / RESERVE).unlink()
    with pytest.raises(Full):
        await appended(store)
    told = len(await store.tail(T))
    assert 0 < told < 20
    spool.room = 10
    await store.append(T, b"again")
    assert [record for _, record in await store.tail(T)][told:] == [b"again"]
    await store.close()


def test_what_is_kept_needs_room_itself(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.free = 2 * KEPT - 1
    small = Room(tmp_path, KEPT)
    assert small.full
    assert not (tmp_path / RESERVE).exists()
    disk.free = 2 * KEPT
    assert not small.full
    assert (tmp_path / RESERVE).exists()


def test_nothing_is_kept_where_nothing_should_be(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.free = 0
    none = Room(tmp_path, 0)
    none.exhausted()
    none.require()
    assert not none.relieve()
    assert list(tmp_path.iterdir()) == []
