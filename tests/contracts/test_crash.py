"""kill -9 while 32 clients write: what was acknowledged is there, and no half unit."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from careplane.kernel.clock import system_clock
from careplane.search.plan import Coding, Query, Token
from careplane.storage.engines import sqlite
from tests.contracts import crash_child as child
from tests.contracts.processes import family, until_ended
from tests.support import ROOT


def _kill_in_the_middle(folder: Path, seconds: float, writer: str) -> list[tuple[str, ...]]:
    """Run the clients, kill them, and return what they said."""
    command = [sys.executable, "-m", "tests.contracts.crash_child", str(folder), writer]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    first = process.stdout.readline()
    time.sleep(seconds)
    children = family(process.pid)
    process.kill()
    rest, errors = process.communicate()
    until_ended(children)
    assert first, errors.decode()[-2000:]
    lines = (first + rest).decode().split("\n")[:-1]  # the last one may be cut off
    return [tuple(line.split()) for line in lines if line]  # an empty one promises nothing


async def _check(folder: Path, said: list[tuple[str, ...]]) -> None:
    store = sqlite.open(folder, child.KEY, system_clock)
    try:
        for writer in range(child.WRITERS):
            await _check_writer(store, writer, said)
        await _check_audit(store, said)
    finally:
        await store.close()


async def _check_writer(
    store: sqlite.SqliteStore, writer: int, said: list[tuple[str, ...]]
) -> None:
    acknowledged = max(
        (int(n) for kind, w, n in said if kind == "w" and int(w) == writer), default=0
    )
    counter = await store.read(child.TENANT, "Patient", child.counter(writer))
    done = counter.version if counter else 0
    assert done >= acknowledged, "an acknowledged unit is gone"
    if counter:
        assert counter.rest == str(done).encode()
    keys = [("Observation", id) for n in range(1, done + 2) for id in child.parts(writer, n)]
    there = [version is not None for version in await store.read_many(child.TENANT, keys)]
    assert there == [True] * (2 * done) + [False] * 2, "half a unit"
    code = Token(child.CODE, (Coding("http://loinc.org", f"w{writer}"),))
    assert await store.count(child.TENANT, Query(frozenset({"Observation"}), code)) == 2 * done


async def _check_audit(store: sqlite.SqliteStore, said: list[tuple[str, ...]]) -> None:
    records: list[bytes] = []
    after = 0
    while batch := await store.tail(child.TENANT, after):
        records.extend(record for _, record in batch)
        after = batch[-1][0]
    assert len(records) == len(set(records)), "an audit record was moved twice"
    words = {"w": "unit", "a": "read"}
    wanted = {f"{words[kind]} {writer} {n}".encode() for kind, writer, n in said}
    assert wanted <= set(records), "an audit record is gone"


def _rounds(folder: Path, count: int, writer: str) -> None:
    chance = random.Random(count)
    for _ in range(count):
        said = _kill_in_the_middle(folder, chance.uniform(0, 0.4), writer)
        asyncio.run(_check(folder, said))
    store = sqlite.open(folder, child.KEY, system_clock)
    assert asyncio.run(store.check()) == []
    asyncio.run(store.close())


@pytest.mark.parametrize("writer", ["thread", "process"])
def test_killed_writers_lose_nothing(tmp_path: Path, writer: str) -> None:
    _rounds(tmp_path, 8, writer)


@pytest.mark.soak
@pytest.mark.timeout(400)
@pytest.mark.parametrize("writer", ["thread", "process"])
def test_killed_fifty_times_they_lose_nothing(tmp_path: Path, writer: str) -> None:
    _rounds(tmp_path, 50, writer)
