"""Backups while a server writes: what was acknowledged before is in them, nothing is by half, and
what was changed afterwards is found out."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_command_line import careplane, patient, write
from tools.bench import server
from tools.bench.server import Server

ENTRIES = 5


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new data folder, and with one of three patients and its backup."""
    folder = tmp_path_factory.mktemp("kept")
    careplane("init", "--data", str(folder / "new"))
    shutil.copytree(folder / "new", folder / "data")
    source = write(folder / "p.ndjson", *(patient(f"p{n}", active=True) for n in range(3)))
    careplane("import", str(source), "--data", str(folder / "data"))
    careplane("backup", str(folder / "saved"), "--data", str(folder / "data"))
    return folder


@pytest.fixture
def data(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept / "new", tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def saved(kept: Path, data: Path, tmp_path: Path) -> Path:
    """A backup of three patients, who are in `data`."""
    shutil.rmtree(data)
    for name in ("data", "saved"):
        shutil.copytree(kept / name, tmp_path / name)
    return tmp_path / "saved"


def restore(saved: Path, to: Path, *words: str, code: int = 0) -> str:
    return careplane("restore", str(saved), "--data", str(to), *words, code=code)


def test_a_backup_comes_back_whole(data: Path, saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert not (saved / "careplane.key").exists()
    said = json.loads(restore(saved, new, "--key", str(data / "careplane.key"), "--json"))
    assert said["resources"] == {"Patient": 3}
    assert said["versions"] == said["newest"] == 3
    assert "p2" in careplane("fhir", "get", "Patient/p2", "--data", str(new))
    assert {path.stat().st_mode & 0o077 for path in [new, *new.iterdir()]} == {0}
    careplane("doctor", "--data", str(new))
    again = write(tmp_path / "q.json", patient("q"))
    careplane("fhir", "put", str(again), "--data", str(new))
    assert "q" in careplane("fhir", "get", "Patient/q", "--data", str(new))


def test_a_backup_stands_in_the_audit_trail_and_in_itself(data: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    before = json.loads(careplane("backup", str(first), "--json", "--data", str(data)))
    after = json.loads(careplane("backup", str(second), "--json", "--data", str(data)))
    assert (before["audit"], after["audit"]) == (1, 2)


def test_a_key_goes_along_where_it_is_asked_for(data: Path, tmp_path: Path) -> None:
    saved, new = tmp_path / "saved", tmp_path / "new"
    careplane("backup", str(saved), "--with-key", "--data", str(data))
    restore(saved, new)
    assert (new / "careplane.key").read_bytes() == (data / "careplane.key").read_bytes()


def test_nothing_is_written_over(data: Path, saved: Path, tmp_path: Path) -> None:
    key = str(data / "careplane.key")
    assert "not empty" in careplane("backup", str(saved), "--data", str(data), code=1)
    assert "not empty" in restore(saved, data, "--key", key, code=1)
    assert "no key" in restore(saved, tmp_path / "new", code=1)
    assert "no backup" in restore(tmp_path, tmp_path / "new", "--key", key, code=1)
    assert not (tmp_path / "new").exists()


def test_a_folder_without_records_is_no_backup(data: Path, tmp_path: Path) -> None:
    from careplane.app import engines, keys
    from careplane.app.settings import Settings
    from careplane.kernel.errors import NotFound

    with pytest.raises(NotFound, match="--database"):
        engines.vault(Settings(data=data), keys.load(data)).copy(tmp_path / "saved")


def test_another_key_opens_nothing(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    careplane("init", "--data", str(other))
    said = restore(saved, tmp_path / "new", "--key", str(other / "careplane.key"), code=1)
    assert "not that of the backup" in said


@pytest.mark.parametrize("name", ["records.sqlite", "audit.sqlite", "state.sqlite"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_damage_is_found(data: Path, saved: Path, tmp_path: Path, name: str, how: str) -> None:
    path = saved / name
    if how == "missing":
        path.unlink()
    else:
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    said = restore(saved, tmp_path / "new", "--key", str(data / "careplane.key"), code=1)
    assert name in said
    assert how in said or "damaged" in said
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "saved"]


def test_a_manifest_that_was_changed_is_refused(data: Path, saved: Path, tmp_path: Path) -> None:
    path = saved / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["contents"]["versions"]["rows"] = 2
    path.write_text(json.dumps(manifest))
    said = restore(saved, tmp_path / "new", "--key", str(data / "careplane.key"), code=1)
    assert "manifest was changed" in said


def test_a_file_of_an_older_backup_is_found_out(data: Path, saved: Path, tmp_path: Path) -> None:
    more = write(tmp_path / "q.json", patient("q"))
    careplane("fhir", "put", str(more), "--data", str(data))
    careplane("backup", str(tmp_path / "later"), "--data", str(data))
    shutil.copy(saved / "records.sqlite", tmp_path / "later" / "records.sqlite")
    key = str(data / "careplane.key")
    said = restore(tmp_path / "later", tmp_path / "new", "--key", key, code=1)
    assert "records.sqlite" in said


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_backup_while_a_server_writes(data: Path, tmp_path: Path, workers: int) -> None:
    saved, new = tmp_path / "saved", tmp_path / "new"
    with server.serving(data, workers=workers) as running, writing(running) as acknowledged:
        until(acknowledged, 20)
        before = list(acknowledged)
        careplane("backup", str(saved), "--data", str(data))
        until(acknowledged, len(acknowledged) + 5)
    restore(saved, new, "--key", str(data / "careplane.key"))
    with server.serving(new, workers=workers) as restored:
        marks = [one["code"]["text"] for one in server.search(restored, "/Basic?_count=1000")]
    assert set(before) <= set(marks)
    assert {marks.count(mark) for mark in set(marks)} == {ENTRIES}


@contextmanager
def writing(running: Server) -> Iterator[list[str]]:
    """Transactions of ENTRIES with one mark, one after the other; the marks of those answered."""
    ended, marks = threading.Event(), list[str]()

    def write() -> None:
        while not ended.is_set():
            mark = f"mark-{len(marks)}"
            _post(running, _bundle(mark))
            marks.append(mark)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield marks
    finally:
        ended.set()
        thread.join()


def _bundle(mark: str) -> dict[str, Any]:
    basic = {"resourceType": "Basic", "code": {"text": mark}}
    entry = {"resource": basic, "request": {"method": "POST", "url": "Basic"}}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * ENTRIES}


def _post(running: Server, body: object) -> None:
    headers = {
        "Authorization": f"Bearer {running.token}",
        "Content-Type": "application/fhir+json",
    }
    request = urllib.request.Request(running.base, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def until(marks: list[str], count: int) -> None:
    waiting = threading.Event()
    for _ in range(2000):
        if len(marks) >= count:
            return
        waiting.wait(0.01)
    raise AssertionError("the server does not write")
