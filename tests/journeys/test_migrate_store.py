"""An installation moves from a data folder to PostgreSQL and back: what a client sees is the same,
a kill loses nothing, and what is not the same is named."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from careplane.app import engines, keys
from careplane.app.build import TENANT
from careplane.app.settings import Settings
from careplane.kernel.clock import system_clock
from careplane.ledger.audit import decode
from careplane.storage.engines.sqlite.connection import connect, key_for
from tests import postgres
from tests.journeys.test_command_line import ENVIRONMENT, careplane, write
from tests.package_house import manifest, packed, profile, value_set
from tools.bench import server
from tools.bench.server import Server

RESOURCES = 6_000
SECONDS = 60.0
HALF = 2_500_000
"""Bytes of a records file and its log when some of RESOURCES are there."""
KEY = "careplane.key"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    careplane("init", "--data", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def back(tmp_path: Path, data: Path) -> Path:
    """A folder that has the key alone."""
    (tmp_path / "back").mkdir()
    shutil.copy(data / KEY, tmp_path / "back")
    return tmp_path / "back"


def ask(running: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {
        "authorization": f"Bearer {running.token}",
        "content-type": "application/fhir+json",
    }
    request = urllib.request.Request(running.base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


def move(*words: str, folder: Path, code: int = 0) -> Any:
    """The report; the words of a refusal."""
    said = careplane("migrate-store", *words, "--data", str(folder), "--json", code=code)
    return json.loads(said) if said.startswith("{") else said


METHOD = {
    "resourceType": "SearchParameter",
    "id": "method",
    "url": "http://example.org/SearchParameter/method",
    "name": "method",
    "status": "active",
    "description": "By how it was done.",
    "code": "by-method",
    "base": ["Observation"],
    "type": "token",
    "expression": "Observation.method",
}


def observation(n: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{n}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": f"{n % 3}-0"}]},
        "subject": {"reference": f"Patient/p{n % 4}"},
        "effectiveDateTime": f"2024-01-{n + 1:02}",
        "valueQuantity": {"value": n / 10, "unit": "mg", "system": "http://unitsofmeasure.org",
                          "code": "mg"},
        "method": {"coding": [{"system": "urn:m", "code": "ab"[n % 2]}]},
        **more,
    }  # fmt: skip


SEARCHES = (
    "/Patient?_count=50",
    "/Patient?name=okafor",
    "/Observation?by-method=a&_count=50",
    "/Observation?by-method=b&_sort=-date&_include=Observation:subject",
    "/Observation?patient=Patient/p1&code=http://loinc.org|1-0",
    "/Observation?value-quantity=gt0.5||mg&_total=accurate",
    "/Patient?_has:Observation:patient:by-method=a",
    "/Observation?subject:Patient.name=okafor&_sort=_lastUpdated",
    "/_history?_count=200",
    "/Patient/p1/_history",
    "/Patient/p3/_history",
    "/Observation/o1/_history/1",
    "/metadata",
)


def live(running: Server) -> None:
    """Some weeks of a small clinic."""
    for n in range(4):
        patient = {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Okafor{n}"}]}
        assert ask(running, "PUT", f"/Patient/p{n}", patient)[0] == 201
        assert ask(running, "PUT", f"/Patient/p{n}", {**patient, "active": True})[0] == 200
    for n in range(12):
        assert ask(running, "PUT", f"/Observation/o{n}", observation(n))[0] == 201
    assert ask(running, "PUT", "/SearchParameter/method", METHOD)[0] == 201
    for n in range(0, 12, 5):
        changed = observation(n, status="amended")
        assert ask(running, "PUT", f"/Observation/o{n}", changed)[0] == 200
    assert ask(running, "DELETE", "/Patient/p3")[0] in (200, 204)
    assert ask(running, "DELETE", "/Observation/o11")[0] in (200, 204)
    status, started = ask(running, "POST", "/$reindex")
    assert status == 202
    id = next(p["valueId"] for p in started["parameter"] if p["name"] == "id")
    _until(lambda: '"done"' in json.dumps(ask(running, "GET", f"/$reindex?id={id}")[1]))


def seen(running: Server) -> dict[str, Any]:
    """What each search answers: resources in their order, without the address of the server."""
    found = {}
    for path in SEARCHES:
        status, answer = ask(running, "GET", path.replace("|", "%7C"))
        assert status == 200, (path, answer)
        entries = answer.get("entry", [])
        shown = [(e.get("resource"), e["fullUrl"].partition("/fhir/")[2]) for e in entries]
        found[path] = answer.get("total"), shown
        if path == "/metadata":
            found[path] = json.dumps(answer["rest"][0]["resource"])
        elif not entries:
            found[path] = answer
    return found


def trail(chosen: Settings) -> list[tuple[int, bytes]]:
    async def read() -> list[tuple[int, bytes]]:
        store = engines.records(chosen, keys.load(chosen.data), system_clock)
        try:
            return list(await store.tail(TENANT, 0, 10_000))
        finally:
            await store.close()

    return asyncio.run(read())


@pytest.mark.timeout(300)
def test_there_and_back(data: Path, back: Path) -> None:
    url = postgres.url()
    database = {"CAREPLANE_DATABASE": url}
    file = packed(data.parent, manifest("a.guide"), profile("p"), value_set("v"))
    careplane("package", "add", str(file), "--data", str(data))
    with server.serving(data) as running:
        live(running)
        before = seen(running)
        assert "running" in move("--to", url, folder=data, code=1)
    said_before = trail(Settings(data=data))
    there = move("--to", url, folder=data)
    assert there["same"]
    assert there["source"] == there["target"]
    assert there["unindexed"] == []
    counts = {one["type"]: (one["resources"], one["versions"]) for one in there["target"]["counts"]}
    assert counts == {"Observation": (11, 16), "Patient": (3, 9), "SearchParameter": (1, 1)}
    said_after = trail(Settings(data=data, database=url))
    assert said_after[:-1] == said_before
    assert decode(said_after[-1][1]).interaction == "migrate-store"
    assert move("--check", "--to", url, folder=data)["later"] == 1
    assert "in use already" in move("--to", url, folder=data, code=1)
    with server.serving(data, settings=database) as running:
        assert seen(running) == before
        assert ask(running, "PUT", "/Observation/o20", observation(20))[0] == 201
        after = seen(running)
        assert "server is running" in move("--from", url, folder=back, code=1)
    assert sorted(path.name for path in back.iterdir()) == [KEY]
    assert "holds records already" in move("--from", url, folder=data, code=1)
    assert move("--from", url, folder=back)["same"]
    with server.serving(back) as running:
        assert seen(running) == after
        assert ask(running, "PUT", "/Observation/o21", observation(21))[0] == 201
    assert "a.guide#1.0.0" in careplane("package", "list", "--data", str(back))
    again = json.loads(server.command("reindex", "--json", data=back))
    assert (again["state"], again["changed"]) == ("done", 0)
    server.command("doctor", data=back)


@pytest.mark.timeout(300)
def test_a_move_outlives_kills(data: Path, back: Path, tmp_path: Path) -> None:
    url = postgres.url()
    imported(data, tmp_path)
    _killed(["--to", url, "--data", str(data)], lambda: _moved(url) > 1_000)
    assert 1_000 < _moved(url) < RESOURCES, "too few resources to kill it on the way"
    refused = careplane("doctor", "--data", str(data), "--database", url, code=1)
    assert "not at its end" in refused
    other = tmp_path / "other"
    shutil.copytree(data, other, ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    added = {"resourceType": "Basic", "id": "more", "code": {"text": "more"}}
    more = write(tmp_path / "more.json", added)
    careplane("fhir", "put", str(more), "--data", str(other))
    assert "part of another store" in move("--to", url, folder=other, code=1)
    assert move("--to", url, folder=data)["target"]["versions"]["rows"] == RESOURCES
    files = [back / "records.sqlite", back / "records.sqlite-wal"]
    _killed(
        ["--from", url, "--data", str(back)],
        lambda: sum(file.stat().st_size for file in files if file.exists()) > HALF,
    )
    assert (back / "moving").exists()
    key = key_for("records", keys.load(back).derive("store"))
    records = connect(back / "records.sqlite", key)
    assert 0 < records.execute("SELECT count(*) FROM version").fetchone()[0] < RESOURCES
    records.close()
    assert "not at its end" in careplane("fhir", "get", "Basic/1", "--data", str(back), code=1)
    done = move("--from", url, folder=back)
    assert (done["same"], done["target"]["versions"]["rows"]) == (True, RESOURCES)
    assert "Basic" in careplane("fhir", "get", "Basic/1", "--data", str(back))
    assert not (back / "moving").exists()


@pytest.mark.timeout(300)
def test_a_target_that_was_tampered_with_stays_shut(data: Path, tmp_path: Path) -> None:
    url = postgres.url()
    imported(data, tmp_path)
    _killed(["--to", url, "--data", str(data)], lambda: _moved(url) > 1_000)
    changed, lost = _fetched(
        url,
        "SELECT id FROM version v JOIN resource r USING (tenant, ident) WHERE t IN (17, 23) "
        "ORDER BY t",
    )
    _fetched(
        url,
        "UPDATE version v SET body = o.body FROM version o WHERE v.t = 17 AND o.t = 18",
        "DELETE FROM version WHERE t = 23",
        "UPDATE resource SET born = 1 WHERE rid = 40",
    )
    (placed,) = _fetched(url, "SELECT id FROM resource WHERE rid = 40")
    said = move("--to", url, folder=data, code=1)
    assert [one.split(", its")[0] for one in said["differences"]] == [
        f"Basic/{placed} of tenant 1",
        f"Basic/{changed}/_history/1 of tenant 1: another body",
        f"Basic/{lost}/_history/1 of tenant 1: is not in the target",
    ]
    assert said["different"] == 3
    refused = careplane("doctor", "--data", str(data), "--database", url, code=1)
    assert "not at its end" in refused


def test_a_folder_that_was_tampered_with_is_told(data: Path, back: Path, tmp_path: Path) -> None:
    url = postgres.url()
    write(tmp_path / "p.json", {"resourceType": "Patient", "id": "p", "active": True})
    careplane("fhir", "put", str(tmp_path / "p.json"), "--data", str(data))
    move("--to", url, folder=data)
    move("--from", url, folder=back)
    assert move("--check", "--from", url, folder=back)["same"]
    key = key_for("records", keys.load(back).derive("store"))
    records = connect(back / "records.sqlite", key)
    records.execute("UPDATE version SET updated = updated + 1")
    records.close()
    said = move("--check", "--from", url, folder=back, code=1)
    assert "Patient/p/_history/1 of tenant 1: another last_updated" in said["differences"]


REFUSALS = {
    "mysql://h/x": "takes an address such as",
    "postgresql://h:port/x": "cannot be understood",
    "postgresql://u@127.0.0.1:1/x": "cannot be reached",
}


def test_a_wrong_address_is_told(data: Path) -> None:
    assert "nothing to move" in move("--to", "postgresql://h/x", folder=data, code=1)
    careplane("fhir", "search", "Patient", "--data", str(data))
    for address, text in REFUSALS.items():
        said = move("--to", address, folder=data, code=1)
        assert text in said
        assert address not in said


def test_one_direction_must_be_said(data: Path) -> None:
    assert "either --to or --from" in move(folder=data, code=2)
    assert "either --to or --from" in move("--to", "a", "--from", "b", folder=data, code=2)


def test_another_key_is_told(data: Path, tmp_path: Path) -> None:
    url, other = postgres.url(), tmp_path / "other"
    careplane("fhir", "search", "Patient", "--data", str(data), "--database", url)
    careplane("init", "--data", str(other))
    assert "key does not fit" in move("--from", url, folder=other, code=1)
    careplane("fhir", "search", "Patient", "--data", str(data))
    shutil.copy(other / KEY, data / KEY)
    assert "key does not open" in move("--to", postgres.url(), folder=data, code=1)


def imported(data: Path, tmp_path: Path) -> None:
    """RESOURCES small ones."""
    some = [
        {"resourceType": "Basic", "id": str(n), "code": {"text": f"text {n}"}}
        for n in range(RESOURCES)
    ]
    careplane("import", str(write(tmp_path / "b.ndjson", *some)), "--data", str(data))


def _killed(words: list[str], when: Callable[[], bool]) -> None:
    """A move whose process is killed at a moment."""
    command = [sys.executable, "-m", "careplane", "migrate-store", *words]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _until(lambda: when() or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL, "it had ended before it was killed"


def _until(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)


def _moved(url: str) -> int:
    """Versions that a database has."""
    try:
        return int(_fetched(url, "SELECT t FROM sequence")[0])
    except asyncpg.UndefinedTableError:
        return 0


def _fetched(url: str, *texts: str) -> list[Any]:
    """The first column of what the last statement answers."""

    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            for text in texts:
                rows = await connection.fetch(text)
            return [row[0] for row in rows]
        finally:
            await connection.close()

    return asyncio.run(fetch())
