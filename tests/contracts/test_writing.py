"""A writer in a process of its own: what happens when either end dies, and what goes between."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel import errors
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import CareplaneError, Fault, Issue
from careplane.kernel.refusal import error_of, refusal_of
from careplane.search.plan import Ids, Query
from careplane.storage.engines import sqlite
from careplane.storage.engines.sqlite.keys import SqliteKeys
from careplane.storage.engines.sqlite.packing import Packing
from careplane.storage.engines.sqlite.writing import meeting, wire
from careplane.storage.engines.sqlite.writing.job import Job
from careplane.storage.engines.sqlite.writing.process import ProcessWriter
from careplane.storage.ports.records import Guard, Tenant, Unit
from tests.contracts import crash_child
from tests.contracts import material as m
from tests.contracts.processes import family, until_ended
from tests.support import ROOT

KEY = bytes(range(32))
T = Tenant(0)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _open(folder: Path) -> sqlite.SqliteStore:
    return sqlite.open(folder, KEY, system_clock, sqlite.Limits(writer="process"))


def _child(store: sqlite.SqliteStore) -> int:
    writer = store._writer
    assert isinstance(writer, ProcessWriter)
    assert writer._child
    return writer._child


async def test_a_writer_that_was_killed_is_started_again(tmp_path: Path) -> None:
    store = _open(tmp_path)
    await store.commit(T, Unit((m.put("Patient", "before"),)))
    os.kill(_child(store), signal.SIGSTOP)
    pending = [
        asyncio.ensure_future(store.commit(T, Unit((m.put("Patient", f"p{n}"),)))) for n in range(5)
    ]
    await asyncio.sleep(0.05)
    os.kill(_child(store), signal.SIGKILL)
    said = await asyncio.gather(*pending, return_exceptions=True)
    assert [type(answer) for answer in said] == [Fault] * 5
    await store.commit(T, Unit((m.put("Patient", "after"),)))
    there = await store.read_many(T, [("Patient", "before"), ("Patient", "after")])
    assert all(there)
    await store.close()


async def test_a_writer_that_ends_as_it_is_met_is_sent_nothing(tmp_path: Path) -> None:
    """Of a killed process, the socket that it listens on may outlive its connections."""

    def meet_and_end(listener: socket.socket) -> None:
        with listener:
            listener.accept()[0].close()

    store = _open(tmp_path)
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(str(tmp_path / meeting.SOCKET))
        dying.listen()
        ending = threading.Thread(target=meet_and_end, args=(dying,))
        ending.start()
        await store.commit(T, Unit((m.put("Patient", "one"),)))
        ending.join()
    assert all(await store.read_many(T, [("Patient", "one")]))
    await store.close()


async def test_a_signal_for_the_server_does_not_end_it(tmp_path: Path) -> None:
    store = _open(tmp_path)
    await store.commit(T, Unit((m.put("Patient", "one"),)))
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(_child(store), number)
    await store.commit(T, Unit((m.put("Patient", "two"),)))
    await store.close()


async def test_what_was_accepted_is_written_before_it_closes(tmp_path: Path) -> None:
    store = _open(tmp_path)
    pending = [
        asyncio.ensure_future(store.commit(T, Unit((m.put("Patient", f"p{n}"),))))
        for n in range(200)
    ]
    await asyncio.sleep(0.01)
    await store.close()
    await asyncio.gather(*pending)
    store = _open(tmp_path)
    assert await store.counts(T) == {"Patient": 200}
    await store.close()


def test_a_writer_ends_with_its_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contracts.crash_child", str(tmp_path), "process"]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    children = family(process.pid)
    assert children
    process.kill()
    process.communicate()
    until_ended(children)
    store = sqlite.open(tmp_path, crash_child.KEY, system_clock)
    assert asyncio.run(store.check()) == []
    asyncio.run(store.close())


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_frames_arrive_however_the_bytes_are_cut(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(wire.frame, frames))
    box, found, at, turn = wire.Frames(), [], 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        box.feed(data[at : at + size])
        at, turn = at + size, turn + 1
        while (frame := box.next()) is not None:
            found.append(frame)
    assert found == frames


def test_a_job_arrives_as_it_was_sent() -> None:
    guard = Guard(
        Query(frozenset({"Patient"}), Ids(frozenset({"a"}))), frozenset({("Patient", "a")})
    )
    unit = Unit((m.put("Patient", "a", rest=b""),), (guard,), b"audit")
    job = Job(T, unit, [(1, b"packed")], 5)
    assert wire.read_ask(wire.ask(7, job)[4:]) == (7, job)


@pytest.mark.parametrize(
    "kind",
    [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, CareplaneError)],
)
def test_an_error_arrives_as_it_was_raised(kind: type[CareplaneError]) -> None:
    error = kind("text", issues=(Issue("error", "value", "more", "Patient.id"),))
    came = error_of(refusal_of(error))
    assert (type(came), came.text, came.issues) == (kind, error.text, error.issues)


async def test_stores_on_one_folder_share_a_writer(tmp_path: Path) -> None:
    one, two = _open(tmp_path), _open(tmp_path)
    await one.commit(T, Unit((m.put("Patient", "one"),)))
    await two.commit(T, Unit((m.put("Patient", "two"),)))
    assert two._writer._child == 0  # type: ignore[attr-defined]
    child = _child(one)
    await one.close()
    assert Path(f"/proc/{child}").exists(), "it goes on, for the other"
    await two.commit(T, Unit((m.put("Patient", "three"),)))
    assert await two.counts(T) == {"Patient": 3}
    await two.close()
    os.waitpid(child, 0)
    assert not (tmp_path / "writer.sock").exists()


async def test_stores_that_start_together_start_one_writer(tmp_path: Path) -> None:
    stores = [_open(tmp_path) for _ in range(6)]
    units = [Unit((m.put("Patient", f"p{n}"),)) for n in range(6)]
    await asyncio.gather(*(s.commit(T, u) for s, u in zip(stores, units, strict=True)))
    children = [s._writer._child for s in stores]  # type: ignore[attr-defined]
    assert sum(map(bool, children)) == 1
    os.kill(max(children), signal.SIGKILL)
    await asyncio.sleep(0.1)
    units = [Unit((m.put("Patient", f"q{n}"),)) for n in range(6)]
    await asyncio.gather(*(s.commit(T, u) for s, u in zip(stores, units, strict=True)))
    assert await stores[0].counts(T) == {"Patient": 12}
    await asyncio.gather(*(s.close() for s in stores))


async def test_a_process_that_stands_still_does_not_hold_up_the_others(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contracts.crash_child", str(tmp_path), "process"]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    store = sqlite.open(tmp_path, crash_child.KEY, system_clock, sqlite.Limits(writer="process"))
    await asyncio.wait_for(store.commit(T, Unit((m.put("Patient", "mine"),))), 20)
    process.kill()
    process.communicate()
    await store.close()


async def test_another_key_is_not_let_in(tmp_path: Path) -> None:
    store = _open(tmp_path)
    await store.commit(T, Unit((m.put("Patient", "one"),)))
    (tmp_path / "other").mkdir()
    keys = SqliteKeys(tmp_path / "other", bytes(32), plain=False)
    stranger = ProcessWriter(
        tmp_path / "records.sqlite", bytes(32), 1_000, Packing(keys), system_clock, lambda _: None
    )
    with pytest.raises(Fault, match="another key"):
        await stranger.put(T, Unit((m.put("Patient", "two"),)))
    await stranger.close()
    keys.close()
    await store.commit(T, Unit((m.put("Patient", "three"),)))
    await store.close()


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    store = _open(folder)
    await store.commit(T, Unit((m.put("Patient", "one"),)))
    await store.close()
