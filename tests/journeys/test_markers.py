"""A thousand marks go in by every way, and are found nowhere in clear: not in the data folder while
a server writes, not in its WAL, temporary files, logs or metrics, not in outputs and backups."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from careplane.interop.subscriptions.catalogue import change_of
from tests import postgres
from tests.fhir_house import observation, patient
from tests.journeys.test_command_line import careplane, write
from tests.subscription_house import subscription
from tools.bench import server
from tools.bench.server import Server

MANY = 1000
MARK = re.compile(rb"mark-[0-9a-z]{4}-xq")
"""What each mark looks like, in whatever case."""


def marks() -> Iterator[str]:
    for number in range(MANY):
        yield f"Mark-{number:04d}-xq"


def resources() -> list[dict[str, Any]]:
    """Marks in names, addresses, texts, identifiers, codes, narratives and notes."""
    left = marks()
    found: list[dict[str, Any]] = []
    for n in range(MANY // 10):
        given, family, line, identifier, text = (next(left) for _ in range(5))
        found.append(
            patient(
                f"p{n}",
                name=[{"family": family, "given": [given]}],
                address=[{"line": [line], "city": "Town"}],
                identifier=[{"system": "http://example.org/mrn", "value": identifier}],
                text={
                    "status": "generated",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>',
                },
            )
        )
        value, note, code, display, comment = (next(left) for _ in range(5))
        coding = {"system": "http://example.org/codes", "code": code, "display": display}
        measured = observation(f"o{n}", f"p{n}", valueString=value, note=[{"text": note}])
        found.append({**measured, "code": {"coding": [coding], "text": comment}})
    return found


def ask(running: Server, method: str, path: str, body: Any = None, **headers: str) -> Any:
    request = urllib.request.Request(
        path if path.startswith("http") else f"{running.base}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "authorization": f"Bearer {running.token}",
            "content-type": "application/fhir+json",
            **headers,
        },
    )
    return urllib.request.urlopen(request, timeout=30)


def use(running: Server, folder: Path, database: str) -> None:
    """Create, import, search, update, subscribe, export, and ask for what comes later."""
    every = resources()
    half = len(every) // 2
    ask(
        running, "POST", "Subscription", subscription(change_of("Observation"), kind="websocket")
    ).read()
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
        for r in every[:half]
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    ask(running, "POST", "", bundle).read()
    source = write(folder / "import.ndjson", *every[half:])
    words = ["import", str(source), "--data", str(folder / "data")]
    careplane(*words, CAREPLANE_DATABASE=database)
    source.unlink()
    for n in (0, 60):
        name = f"Patient?family=Mark-{n * 10 + 1:04d}-xq"
        assert json.load(ask(running, "GET", name))["entry"]
        ask(running, "GET", f"Observation?subject=Patient/p{n}&_include=Observation:subject").read()
        ask(running, "PUT", f"Patient/p{n}", {**every[2 * n], "active": True}).read()
        ask(running, "GET", f"Patient/p{n}/_history").read()
        ask(running, "GET", f"Patient/p{n}/$everything").read()
    finished(running, "$export?_type=Patient,Observation")
    finished(running, "Observation?status=final")


def finished(running: Server, path: str) -> None:
    answer = ask(running, "GET", path, prefer="respond-async")
    where = answer.headers["content-location"]
    for _ in range(600):
        if ask(running, "GET", where).status == 200:
            return
        time.sleep(0.05)
    raise AssertionError("The job takes too long.")


def found_in(*folders: Path) -> list[str]:
    """Files in which a mark stands, in one of the ways in which text is written."""
    hits = []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                raw = path.read_bytes().lower()
                if MARK.search(raw) or MARK.search(raw.replace(b"\0", b"")):
                    hits.append(path.name)
    return hits


@pytest.mark.slow
def test_no_mark_is_found_anywhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, temporary, saved = (tmp_path / name for name in ("data", "tmp", "saved"))
    temporary.mkdir()
    monkeypatch.setitem(server.ENVIRONMENT, "TMPDIR", str(temporary))
    careplane("init", "--data", str(data))
    port = server.free_port()
    settings = {"CAREPLANE_METRICS_PORT": str(port), "CAREPLANE_FULL_TEXT": "true",
                "CAREPLANE_LOG_LEVEL": "debug"}  # fmt: skip
    monkeypatch.setenv("CAREPLANE_FULL_TEXT", "true")
    with server.serving(data, settings=settings) as running:
        use(running, tmp_path, "")
        assert (data / "records.sqlite-wal").stat().st_size > 0
        assert list((data / "bulk").rglob("*-*"))
        assert found_in(data, temporary) == []
        shown = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read()
        assert b"careplane" in shown
        assert not MARK.search(shown.lower())
        careplane("backup", str(saved), "--data", str(data), TMPDIR=str(temporary))
    assert found_in(data, temporary, saved) == []
    logged = capfd.readouterr()
    assert not MARK.search((logged.out + logged.err).lower().encode())
    planted = write(tmp_path / "in-clear.json", resources()[0])
    assert found_in(tmp_path) == [planted.name]  # so that it would be found


@pytest.mark.slow
@pytest.mark.anyio
async def test_on_postgres_bodies_hold_no_mark(tmp_path: Path) -> None:
    """What is searched for stands in clear there, by design; backups are sealed whole."""
    database = postgres.url()
    data, saved = tmp_path / "data", tmp_path / "saved"
    careplane("init", "--data", str(data))
    with server.serving(data, settings={"CAREPLANE_DATABASE": database}) as running:
        use(running, tmp_path, database)
    careplane("backup", str(saved), "--data", str(data), CAREPLANE_DATABASE=database)
    assert found_in(data, saved) == []
    connection = await asyncpg.connect(database)
    rows = await connection.fetch("SELECT body FROM version")
    state = await connection.fetch("SELECT value FROM state")
    await connection.close()
    assert len(rows) > MANY // 10
    assert not any(MARK.search(row[0].lower()) for row in rows)
    assert state


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
