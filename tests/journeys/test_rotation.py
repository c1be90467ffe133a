"""`careplane keys`: keys change under a server that goes on, and the root goes from one keeper to
another."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from pathlib import Path

import pytest

from careplane.app import keys
from careplane.app.build import TENANT
from careplane.app.keys.providers import passphrase
from careplane.storage.engines.sqlite.connection import connect, key_for
from tests.bulk_house import open_bulk_house
from tests.journeys.test_command_line import careplane, patient, write
from tests.keys_house import as_before
from tools.bench import server
from tools.bench.server import Server

PHRASE = "correct horse battery"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with ten patients."""
    data = tmp_path / "data"
    careplane("init", "--data", str(data))
    source = write(tmp_path / "p.ndjson", *(patient(f"p{n}", active=True) for n in range(10)))
    careplane("import", str(source), "--data", str(data))
    return data


def read(running: Server, id: str) -> int:
    headers = {"authorization": f"Bearer {running.token}"}
    request = urllib.request.Request(f"{running.base}/Patient/{id}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["active"] is True
        return int(answer.status)


def numbers(data: Path) -> set[bytes]:
    """The keys that bodies are under."""
    key = key_for("records", keys.load(data).derive("store"))
    connection = connect(data / "records.sqlite", key)
    found = {row[0] for row in connection.execute("SELECT substr(body, 1, 8) FROM version")}
    connection.close()
    return found


def test_keys_of_patients_change_while_a_server_answers(data: Path, tmp_path: Path) -> None:
    before = numbers(data)
    ended = threading.Event()
    answers: list[int] = []

    def ask(running: Server) -> None:
        while not ended.is_set():
            answers.extend(read(running, f"p{n}") for n in range(10))

    with server.serving(data) as running:
        asking = threading.Thread(target=ask, args=(running,))
        asking.start()
        try:
            done = json.loads(careplane("keys", "rotate", "--data", str(data), "--json"))
            rewrapped = careplane("keys", "rotate", "--over", "--data", str(data), "--json")
        finally:
            ended.set()
            asking.join()
        assert done["resealed"] == 10
        assert done["retired"] == 10
        assert json.loads(rewrapped)["rewrapped"] == 10
        assert [read(running, f"p{n}") for n in range(10)] == [200] * 10
    assert len(answers) >= 10
    assert set(answers) == {200}
    assert not before & numbers(data)
    status = json.loads(careplane("keys", "status", "--data", str(data), "--json"))
    assert status == {"provider": "file:", "current": 10, "superseded": 0, "destroyed": 0,
                      "plain": False, "under_way": None}  # fmt: skip
    assert "10 keys in use" in careplane("keys", "status", "--data", str(data))


@pytest.mark.anyio
async def test_a_server_encrypts_what_is_there_from_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with open_bulk_house(data) as house:
        await house.put(*(patient(f"p{n}", active=True) for n in range(5)))
        versions = await house.here.store.changes(TENANT, 0)
    as_before(data, versions)
    async with open_bulk_house(data) as house:
        answer = await house.http.get("Patient/p1")
        assert answer.json()["active"] is True
        keeper = house.here.store.keeper
        async with asyncio.timeout(60):
            while (await keeper.census(TENANT)).plain:
                await asyncio.sleep(0.1)
        assert (await house.http.get("Patient/p1")).content == answer.content
    assert len(numbers(data)) == 5


def test_the_root_goes_to_a_keeper_and_back(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = keys.load(data).root
    words = ["keys", "rotate", "--root", "--data", str(data)]
    assert "--key-provider" in careplane(*words, code=2)
    given = {passphrase.VARIABLE: PHRASE}
    careplane(*words, "--key-provider", "passphrase:", **given)
    kept = (data / keys.NAME).read_bytes()
    assert root.hex().encode() not in kept
    said = careplane("fhir", "get", "Patient/p1", "--data", str(data), code=1)
    assert passphrase.FILE in said
    said = careplane(
        "fhir", "get", "Patient/p1", "--data", str(data), code=1,
        **{passphrase.VARIABLE: "not the right one"},
    )  # fmt: skip
    assert "not the right one" in said
    assert "Traceback" not in said
    assert "p1" in careplane("fhir", "get", "Patient/p1", "--data", str(data), **given)
    careplane(*words, **given)  # anew, by the same one
    assert (data / keys.NAME).read_bytes() != kept
    careplane(*words, "--key-provider", "file:", **given)
    assert keys.load(data).root == root


def test_a_folder_is_made_with_a_keeper(tmp_path: Path) -> None:
    data, given = str(tmp_path / "data"), {passphrase.VARIABLE: PHRASE}
    careplane("init", "--data", data, "--key-provider", "passphrase:", **given)
    careplane("doctor", "--data", data, **given)
    said = careplane("init", "--data", str(tmp_path / "x"), "--key-provider", "ftp:", code=1)
    assert "address begins with" in said
    assert not (tmp_path / "x").exists()
    gone = "vault:http://127.0.0.1:9/transit/keys/careplane"
    more = {"VAULT_TOKEN": "s.secret"}
    said = careplane("init", "--data", str(tmp_path / "x"), "--key-provider", gone, code=1, **more)
    assert "cannot be reached" in said
    assert "s.secret" not in said


def test_a_backup_keeps_the_root_wrapped(tmp_path: Path) -> None:
    data, saved, given = str(tmp_path / "data"), tmp_path / "saved", {passphrase.VARIABLE: PHRASE}
    careplane("init", "--data", data, "--key-provider", "passphrase:", **given)
    careplane("backup", str(saved), "--with-key", "--data", data, **given)
    assert (saved / keys.NAME).read_bytes() == (tmp_path / "data" / keys.NAME).read_bytes()
    careplane("restore", str(saved), "--data", str(tmp_path / "new"), **given)
    assert (tmp_path / "new" / keys.NAME).read_bytes().startswith(b"{")
