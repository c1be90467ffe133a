"""Who leads: a lock that ends with its process, and how soon a leader that was killed is followed;
over every engine that several processes can share."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from careplane.app.background import Background
from careplane.kernel.clock import system_clock
from careplane.storage.engines.postgres import lock as advisory
from careplane.storage.ports.state import Lock, StateStore
from tests import postgres as server
from tests.contracts.leader_child import opened
from tests.contracts.test_state import state as state  # the fixture, over every engine

pytestmark = pytest.mark.anyio
LEASE = 15.0
SHARED = ("sqlite", "postgres")
END = """SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
AND objid::bigint = hashtext(current_schema() || '/a')::bigint & 4294967295"""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's lock counts from the first moment."""
    monkeypatch.setattr(advisory, "_BEFORE_SECONDS", 0.0)


@contextmanager
def leader(engine: str, where: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which leads and is renewing its lease."""
    command = [sys.executable, "-m", "tests.contracts.leader_child", engine, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"leads\n"
            yield child
        finally:
            child.kill()


def place(engine: str, tmp_path: Path) -> str:
    return str(tmp_path) if engine == "sqlite" else server.url()


async def soon(lock: Lock) -> bool:
    """Whether it is free within a second: a server needs a moment to notice who has gone."""
    for _ in range(100):
        if await lock.hold():
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.usefixtures("at_once")
async def test_a_lock_is_held_by_one(state: StateStore) -> None:
    one, two, other = state.lock("a"), state.lock("a"), state.lock("b")
    assert await one.hold()
    assert await one.hold(), "it has it already"
    assert not await two.hold()
    assert await other.hold()
    await two.release()
    assert not await two.hold(), "only its holder lets go of it"
    await one.release()
    assert await soon(two)
    assert not await one.hold()
    for lock in (one, two, other):
        await lock.release()


@pytest.mark.usefixtures("at_once")
async def test_installations_on_one_database_do_not_share_a_lock() -> None:
    states = [opened("postgres", server.url()) for _ in range(2)]
    locks = [state.lock("a") for state in states]
    assert [await lock.hold() for lock in locks] == [True, True]
    for lock, its in zip(locks, states, strict=True):
        await lock.release()
        await its.close()


async def test_who_loses_the_connection_hears_it_before_another_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(advisory, "_BEFORE_SECONDS", 0.3)
    address = server.url()
    state = opened("postgres", address)
    mine, theirs = state.lock("a"), state.lock("a")
    assert not await mine.hold(), "not yet"
    await asyncio.sleep(0.35)
    assert await mine.hold()
    connection = await asyncpg.connect(address)
    assert await connection.fetch(END)
    await connection.close()
    assert not await soon_told(theirs, 0.2)
    assert not await mine.hold()
    assert not await mine.hold(), "another has it now"
    assert await soon_told(theirs, 1.0)
    for lock in (mine, theirs):
        await lock.release()
    await state.close()


async def soon_told(lock: Lock, seconds: float) -> bool:
    """Whether it is told within so many seconds that it holds the lock."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if await lock.hold():
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("engine", SHARED)
async def test_a_leader_that_was_killed_is_followed_before_its_lease_ends(
    engine: str, tmp_path: Path
) -> None:
    where, led = place(engine, tmp_path), asyncio.Event()

    async def service() -> None:
        led.set()
        await asyncio.Event().wait()

    state = opened(engine, where)
    heir = Background(state, system_clock, [service])
    with leader(engine, where) as child:
        heir.start()
        # Beyond the first renewal, with which the lease says that the lock is held.
        await asyncio.sleep(6.5 if engine == "postgres" else 1.5)
        assert not heir.leads
        child.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        await asyncio.wait_for(led.wait(), LEASE)
        took = time.monotonic() - killed
    assert took < (8 if engine == "postgres" else 3)
    await heir.stop()
    await state.close()


@pytest.mark.parametrize("engine", SHARED)
async def test_a_leader_that_only_stands_still_keeps_its_lease(engine: str, tmp_path: Path) -> None:
    state = opened(engine, where := place(engine, tmp_path))

    async def service() -> None:
        await asyncio.Event().wait()

    heir = Background(state, system_clock, [service])
    with leader(engine, where) as child:
        child.send_signal(signal.SIGSTOP)
        heir.start()
        await asyncio.sleep(2.5)
        assert not heir.leads
        child.send_signal(signal.SIGCONT)
        await asyncio.sleep(1.0)
        assert not heir.leads
    await heir.stop()
    await state.close()
