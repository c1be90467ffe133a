"""A server on a small disk that fills up: it says so, reads go on with their audit records, and it
writes again when there is room, without a restart."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from careplane.app.build import TENANT, build
from careplane.app.settings import Settings
from careplane.ledger.audit import AuditRecord, Outcome, decode
from tests import postgres
from tests.journeys.test_migrate_store import KEY, RESOURCES, imported, move
from tools.bench import server
from tools.bench.server import RESERVE, Server

KEPT = 4_000_000
pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 60 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk; tests/contracts/test_room.py has the faults")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class Client:
    """One connection to a server."""

    def __init__(self, running: Server) -> None:
        self._link = http.client.HTTPConnection(running.base.split("/")[2], timeout=20)
        self._number = 0
        self._headers = {
            "Authorization": f"Bearer {running.token}",
            "Content-Type": "application/fhir+json",
        }

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str | None, bytes]:
        """Status, Retry-After and body."""
        sent = None if body is None else json.dumps(body)
        self._link.request(method, path, sent, self._headers)
        answer = self._link.getresponse()
        return answer.status, answer.getheader("retry-after"), answer.read()

    def put(self, id: str) -> tuple[int, str | None, bytes]:
        """Each time with another content: what changes nothing is not written."""
        self._number += 1
        said = {"resourceType": "Patient", "id": id, "identifier": [{"value": str(self._number)}]}
        return self.ask("PUT", f"/fhir/Patient/{id}", said)

    def close(self) -> None:
        self._link.close()


def fill(path: Path, leaving: int) -> None:
    """A file of another program."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(path.parent).free - leaving)


def until(client: Client, id: str, status: int) -> tuple[int, str | None, bytes]:
    end = time.monotonic() + 15
    while (said := client.put(id))[0] != status:
        assert time.monotonic() < end, said
        time.sleep(0.1)
    return said


def test_a_disk_fills_up_and_is_emptied(disk: Path) -> None:
    data = disk / "data"
    server.command("init", data=data)
    with server.serving(data, settings={"CAREPLANE_RESERVE_BYTES": str(KEPT)}) as running:
        client = Client(running)
        assert client.put("p1")[0] == 201
        fill(disk / "ballast", KEPT // 2)
        _, later, body = until(client, "p2", 503)
        assert later == "30"
        assert json.loads(body)["issue"][0]["code"] == "no-store"
        ready = client.ask("GET", "/readyz")
        assert (ready[0], json.loads(ready[2])["checks"]["room"]) == (200, "full")
        fill(disk / "more", 0)
        reads = 0
        while (data / RESERVE).exists():
            assert client.ask("GET", "/fhir/Patient/p1")[0] == 200
            reads += 1
            assert reads < 40_000
        assert client.put("p3")[0] == 503
        assert client.ask("GET", "/fhir/Patient/p1")[0] == 200
        (disk / "ballast").unlink()
        (disk / "more").unlink()
        until(client, "p4", 201)
        assert (data / RESERVE).stat().st_size == KEPT
        client.close()
    trail = asyncio.run(_trail(data))
    found = [one for one in trail if one.interaction == "read"]
    assert len(found) == reads + 1
    refused = [one for one in trail if one.detail == "Full"]
    assert len(refused) >= 2
    assert {one.outcome for one in refused} == {Outcome.SERIOUS}


async def _trail(data: Path) -> list[AuditRecord]:
    here = build(Settings(data=data))
    try:
        return [decode(record) for _, record in await here.store.tail(TENANT, 0, 100_000)]
    finally:
        await here.close()


def test_a_move_goes_on_when_there_is_room(disk: Path, tmp_path: Path) -> None:
    """What it began from is not touched, and what was moved before need not be moved again."""
    data, url, back = tmp_path / "data", postgres.url(), disk / "back"
    server.command("init", data=data)
    imported(data, tmp_path)
    move("--to", url, folder=data)
    back.mkdir()
    shutil.copy(data / KEY, back)
    fill(disk / "ballast", 1_000_000)
    assert "disk" in move("--from", url, folder=back, code=1)
    assert "disk" in move("--from", url, folder=back, code=1)
    (disk / "ballast").unlink()
    assert move("--from", url, folder=back)["target"]["versions"]["rows"] == RESOURCES
