"""A writer in a process of its own: what happens when either end dies, and what goes between."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
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
from careplane.storage.engines.sqlite.writing import ProcessWriter, wire
from careplane.storage.engines.sqlite.writing.job import Job
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
    assert writer._child is not None
    return writer._child.pid


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
