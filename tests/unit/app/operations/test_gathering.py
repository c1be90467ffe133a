"""The head's sums: over workers, over those that ended, never falling."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from careplane.app.operations import gathering, reports
from careplane.app.operations.exposition import Exposition
from careplane.app.operations.gathering import Gathering
from careplane.app.operations.reports import Reporter
from careplane.app.operations.tally import BOUNDS, Snapshot, Tally
from careplane.rest.watch import Seen
from careplane.storage.ports.vitals import Vitals

pytestmark = pytest.mark.anyio
READ = ("requests", ("read", "2xx", "1"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def worker(folder: Path, pid: int, tally: Tally, vitals: Vitals | None = None) -> Reporter:
    async def ask() -> Snapshot:
        return tally.snapshot(vitals or Vitals(), {}, leads=pid == 1, draining=False)

    reporter = Reporter(folder, ask)
    reporter._path = folder / str(pid)
    return reporter


def tally(reads: int) -> Tally:
    made = Tally()
    for _ in range(reads):
        made.saw(Seen("read", 1), 200, 0.003)
    return made


async def count(gathering: Gathering) -> float:
    sums = await asyncio.to_thread(gathering.sums)
    return sum(sums.get(READ, [0.0, 0.0])[1:])


async def test_workers_are_summed_and_an_ended_one_is_not_forgotten(tmp_path: Path) -> None:
    one, two = tally(3), tally(4)
    first, second = worker(tmp_path, 1, one), worker(tmp_path, 2, two)
    gathering = Gathering(tmp_path)
    await first.start()
    await second.start()
    assert await count(gathering) == 7
    one.saw(Seen("read", 1), 200, 0.003)
    await first.stop()
    assert await count(gathering) == 8
    two.saw(Seen("read", 1), 200, 0.003)
    assert await count(gathering) == 9
    await second.stop()
    assert await count(gathering) == 9
    assert list(tmp_path.iterdir()) == []


async def test_a_killed_worker_counts_as_it_last_stood(tmp_path: Path) -> None:
    one = worker(tmp_path, 1, tally(3))
    gathering = Gathering(tmp_path)
    await one.start()
    assert await count(gathering) == 3
    assert one._server is not None
    one._server.close()  # as if killed: nothing left behind but the socket's name
    (tmp_path / "1.sock").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "1.sock"))
    assert await count(gathering) == 3
    assert await count(gathering) == 3


async def test_a_worker_that_hangs_stands_as_it_last_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_SECONDS", 0.05)
    one = worker(tmp_path, 1, tally(3))
    gathered = Gathering(tmp_path)
    await one.start()
    assert await count(gathered) == 3
    assert gathered.sums()[READ][1:] == (await asyncio.to_thread(gathered.sums))[READ][1:]
    await one.stop()


async def test_what_prometheus_is_shown(tmp_path: Path) -> None:
    made = tally(2)
    made.saw(Seen("search-type", 2), 503, 20.0)
    made.saw(Seen("transaction", 1, entries=7), 200, BOUNDS[0])
    vitals = Vitals(waiting_writes=5, waiting_audit=9, stopped_searches=1)
    one, two = worker(tmp_path, 1, made, vitals), worker(tmp_path, 2, Tally(), vitals)
    await one.start()
    await two.start()
    registry = CollectorRegistry()
    registry.register(Exposition(Gathering(tmp_path)))
    text = (await asyncio.to_thread(generate_latest, registry)).decode()
    await one.stop()
    await two.stop()
    for line in (
        'careplane_requests_total{interaction="read",status="2xx",tenant="1"} 2.0',
        'careplane_requests_total{interaction="search-type",status="5xx",tenant="2"} 1.0',
        'careplane_request_seconds_bucket{interaction="read",le="0.0025"} 0.0',
        'careplane_request_seconds_bucket{interaction="read",le="0.005"} 2.0',
        'careplane_request_seconds_bucket{interaction="transaction",le="0.001"} 1.0',
        'careplane_request_seconds_bucket{interaction="search-type",le="10.0"} 0.0',
        'careplane_request_seconds_count{interaction="search-type"} 1.0',
        'careplane_request_seconds_sum{interaction="search-type"} 20.0',
        'careplane_entries_total{tenant="1"} 7.0',
        "careplane_waiting_writes 10.0",
        "careplane_waiting_audit 9.0",
        "careplane_stopped_searches_total 2.0",
        "careplane_leads 1.0",
        "careplane_draining 0.0",
    ):
        assert line + "\n" in text, line
    assert len(list(text_string_to_metric_families(text))) > 8


def test_the_folder_of_reports_is_no_setting_of_an_operator() -> None:
    assert reports.ENVIRONMENT == "CAREPLANE_REPORTS"
