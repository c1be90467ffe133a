"""A hospital's server with the ledger, three witnesses of which two are enough, a patient with a
receipt, and an operator: on a data folder and on a database."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.app import keys
from careplane.ledger import verify
from careplane.ledger.formats.keys import Kind, generate
from careplane.storage.engines.sqlite.connection import connect, key_for
from tests import postgres
from tests.journeys.test_command_line import careplane, patient, write
from tests.journeys.test_ledger import Running
from tools.bench import server
from tools.bench.server import Server

TYPE = {"content-type": "application/fhir+json"}


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    """What is said once it is true."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.05)
    return found


def client(of: Server, token: str | None = None) -> httpx.Client:
    headers = {"authorization": f"Bearer {token or of.token}", **TYPE}
    return httpx.Client(base_url=f"{of.base}/", headers=headers, timeout=30)


def root(of: Server) -> str:
    return of.base.removesuffix("/fhir")


def status(data: Path, database: str) -> Any:
    return json.loads(careplane("ledger", "status", "--json", "--data", str(data),
                                CAREPLANE_DATABASE=database))  # fmt: skip


class Hospital:
    """A data folder, its witnesses, and its policy."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.data, self.database = folder, folder / "data", database
        careplane("init", "--data", str(self.data))
        self.key = status(self.data, database)["key"]
        self.witnesses = [Running(folder, name, self.key) for name in ("w1", "w2", "w3")]
        self.policy = folder / "policy"
        lines = [f"log {self.key}"]
        for at, one in enumerate(self.witnesses):
            lines.append(f"witness w{at} {one.key} http://127.0.0.1:{one.port}")
        lines += ["group others 2 w0 w1 w2", "quorum others"]
        self.policy.write_text("".join(f"{line}\n" for line in lines))
        self.settings = {
            "CAREPLANE_DATABASE": database,
            "CAREPLANE_LEDGER_POLICY": str(self.policy),
            "CAREPLANE_LEDGER_ANCHOR": str(folder / "anchor"),
        }

    def careplane(self, *words: str, code: int = 0) -> str:
        return careplane(*words, "--data", str(self.data), code=code, **self.settings)

    def problems(self) -> list[str]:
        found = self.careplane("ledger", "verify", "--json")
        return list(json.loads(found)["problems"])

    def believed(self) -> verify.Policy:
        return verify.read_policy(self.policy.read_bytes())


@pytest.fixture
def hospital(tmp_path: Path, database: str) -> Iterator[Hospital]:
    found = Hospital(tmp_path, database)
    yield found
    for one in found.witnesses:
        if one.process.poll() is None:
            one.kill()


@pytest.mark.timeout(240)
def test_a_receipt_of_what_was_written(hospital: Hospital) -> None:
    with server.serving(hospital.data, settings=hospital.settings) as running:
        with client(running) as http:
            hospital.witnesses[2].kill()  # two of three are enough
            done = http.put("Patient/p", json=patient("p", active=True),
                            headers={"prefer": "receipt"})  # fmt: skip
            assert done.status_code == 201, done.text
            given = base64.b64decode(done.headers["x-receipt"])
            found = verify.verify_receipt(given, hospital.believed(), done.content)
            assert (found.statement["id"], len(found.witnesses)) == ("p", 2)
            assert "x-receipt" not in http.put("Patient/q", json=patient("q")).headers
            same = http.put("Patient/p", json=patient("p", active=True),
                            headers={"prefer": "receipt"})  # fmt: skip
            assert "x-receipt" not in same.headers, "no version was made"
            asked = http.get("Patient/p/_history/1/$receipt")
            assert asked.headers["content-type"].startswith("text/plain")
            record = http.get("Patient/p").content
            verify.verify_receipt(asked.content, hospital.believed(), record)
            with pytest.raises(verify.Refused):
                verify.verify_receipt(asked.content, hospital.believed(), record + b" ")
            gone = http.delete("Patient/q", headers={"prefer": "receipt"})
            kind = verify.verify_receipt(
                base64.b64decode(gone.headers["x-receipt"]), hospital.believed()
            ).kind
            assert kind == "deletion"
            again = http.get("Patient/q/_history/2/$receipt")
            assert verify.verify_receipt(again.content, hospital.believed()).kind == "deletion"
            assert http.get("Patient/q/$receipt").status_code == 410
            assert http.get("Patient/nobody/$receipt").status_code == 404
            assert http.get("Patient/p/_history/7/$receipt").status_code == 404
            assert http.get("Patient/p/_history/1/$everything").status_code == 404
        file = hospital.folder / "r.tlog-proof"
        hospital.careplane("ledger", "receipt", "Patient/p", "--to", str(file))
        told = careplane("ledger", "verify", str(file), "--policy", str(hospital.policy))
        assert "Cosigned by" in told
        assert hospital.problems() == []


@pytest.mark.timeout(240)
def test_a_receipt_is_for_whoever_may_read_the_version(hospital: Hospital) -> None:
    scopes = {
        "system/Observation.rs": 403, "system/Patient.c": 403, "system/Patient.rs": 200,
    }  # fmt: skip
    with server.serving(hospital.data, settings=hospital.settings) as running:
        with client(running) as http:
            http.put("Patient/p", json=patient("p"))
        for scope, code in scopes.items():
            token = hospital.careplane("token", "--scope", scope).strip()
            with client(running, token) as http:
                for path in ("Patient/p/$receipt", "Patient/p/_history/1/$receipt"):
                    assert http.get(path).status_code == code, (scope, path)
        assert httpx.get(f"{running.base}/Patient/p/$receipt").status_code == 401


@pytest.mark.timeout(240)
def test_anybody_watches_the_log(hospital: Hospital) -> None:
    with server.serving(hospital.data, settings=hospital.settings) as running:
        with client(running) as http:
            for n in range(30):
                http.put(f"Patient/p{n}", json=patient(f"p{n}", name=[{"family": "Okafor"}]))
            http.put("Patient/last", json=patient("last"), headers={"prefer": "receipt"})
        with httpx.Client(base_url=f"{root(running)}/ledger/") as watching:
            found = watching.get("checkpoint")
            origin, size, *_ = found.text.split("\n")
            assert found.status_code == 200
            assert origin in hospital.key
            bundle = watching.get(f"tile/entries/000.p/{min(int(size), 255)}")
            tile = watching.get(f"tile/0/000.p/{min(int(size), 255)}")
            assert tile.status_code == bundle.status_code == 200
            assert "immutable" in tile.headers["cache-control"]
            assert b"Okafor" not in bundle.content
            assert b"p17" not in bundle.content
            assert watching.get("policy").content == hospital.policy.read_bytes()
            for path, code in {
                "tile/0/001": 404, "tile/0/1": 404, "../fhir/Patient/p1": 401, "nothing": 404,
                "tile/entries/999": 404, "tile/0/" + "x999/" * 6 + "999": 404,
            }.items():  # fmt: skip
                assert watching.get(path).status_code == code, path
            assert watching.post("checkpoint").status_code == 405
            assert watching.head("checkpoint").content == b""
        words = ("ledger", "mirror", f"{root(running)}/ledger/", str(hospital.folder / "copy"))
        assert "verified" in careplane(*words, "--log", hospital.key)
        stranger = str(generate(origin, Kind.ED25519).verifier)
        assert "not signed by this log" in careplane(*words, "--log", stranger, code=1)


@pytest.mark.timeout(300)
def test_a_server_that_is_killed_makes_each_leaf_once(hospital: Hospital) -> None:
    written = 0
    for _ in range(3):
        with server.serving(hospital.data, settings=hospital.settings) as running:
            with client(running) as http:
                for _ in range(40):
                    done = http.post("Patient", json={"resourceType": "Patient"})
                    written += done.status_code == 201
            running.kill(signal.SIGKILL)
    with server.serving(hospital.data, settings=hospital.settings):
        until(lambda: status(hospital.data, hospital.database)["waiting"] == 0, 60)
    found = json.loads(hospital.careplane("ledger", "verify", "--json"))
    assert (found["problems"], found["versions"], found["waiting"]) == ([], written, 0)


@pytest.mark.timeout(300)
def test_what_is_purged_leaves_a_log_that_holds(hospital: Hospital) -> None:
    with server.serving(hospital.data, settings=hospital.settings) as running:
        scope = "system/*.cruds system/Patient.purge"
        token = hospital.careplane("token", "--scope", scope).strip()
        with client(running, token) as http:
            http.put("Patient/p", json=patient("p"), headers={"prefer": "receipt"})
            assert http.post("Patient/p/$purge").status_code == 200
            assert http.get("Patient/p/_history/1/$receipt").status_code == 404
        until(lambda: json.loads(hospital.careplane("ledger", "verify", "--json"))["erased"] == 1)
        assert hospital.problems() == []


@pytest.mark.timeout(300)
def test_a_backup_comes_back_and_the_log_goes_on(hospital: Hospital, tmp_path: Path) -> None:
    """It lost leaves by that, and says so for ever."""
    saved, new = tmp_path / "saved", tmp_path / "new"
    served = server.serving(hospital.data, settings=hospital.settings)
    with served as running, client(running) as http:
        http.put("Patient/a", json=patient("a"), headers={"prefer": "receipt"})
        hospital.careplane("backup", str(saved))
        http.put("Patient/b", json=patient("b"), headers={"prefer": "receipt"})
    key = str(hospital.data / "careplane.key")
    other = postgres.url() if hospital.database else ""
    words = ("restore", str(saved), "--key", key, "--data", str(new))
    careplane(*words, CAREPLANE_DATABASE=other)
    hospital.data, hospital.settings["CAREPLANE_DATABASE"] = new, other
    with server.serving(new, settings=hospital.settings) as running, client(running) as http:
        done = http.put("Patient/c", json=patient("c"), headers={"prefer": "receipt"})
        verify.verify_receipt(
            base64.b64decode(done.headers["x-receipt"]), hospital.believed(), done.content
        )
        assert http.get("Patient/a/$receipt").status_code == 200
    assert len(status(new, other)["lost"]) == 1
    assert hospital.problems() == []


@pytest.mark.timeout(240)
def test_an_operator_is_told_of_a_change(hospital: Hospital, tmp_path: Path) -> None:
    if hospital.database:
        pytest.skip("of files; databases are tampered with in tests/attacks/tamper")
    source = write(tmp_path / "p.ndjson", *(patient(f"p{n}") for n in range(3)))
    hospital.careplane("import", str(source))
    with server.serving(hospital.data, settings=hospital.settings):
        until(lambda: status(hospital.data, "")["waiting"] == 0)
    assert hospital.problems() == []
    store = keys.load(hospital.data).derive("store")
    file = connect(hospital.data / "records.sqlite", key_for("records", store))
    file.execute("UPDATE version SET updated = updated + 1 WHERE t = 3")
    file.close()
    told = json.loads(hospital.careplane("ledger", "verify", "--json", code=1))
    (problem,) = told["problems"]
    assert problem.startswith("Patient/p2 version 1 is not what leaf")


@pytest.mark.timeout(240)
def test_an_anchor_that_is_gone_is_told_and_can_be_done_without(tmp_path: Path) -> None:
    data = tmp_path / "data"
    careplane("init", "--data", str(data))
    with server.serving(data) as running, client(running) as http:
        http.put("Patient/p", json=patient("p"), headers={"prefer": "receipt"})
    (data / "ledger.anchor").unlink()
    assert "anchor of this log is missing" in status(data, "")["problem"]
    told = careplane("ledger", "verify", "--data", str(data), code=1)
    assert "1 problems" in told
    careplane("ledger", "adopt", "--data", str(data))
    assert status(data, "")["problem"] == ""
    careplane("ledger", "verify", "--data", str(data))


def test_a_policy_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    careplane("init", "--data", str(tmp_path / "data"))
    asked = ("serve", "--data", str(tmp_path / "data"))
    missing = careplane(*asked, code=1, CAREPLANE_LEDGER_POLICY=str(tmp_path / "none"))
    assert "cannot be read" in missing
    (tmp_path / "policy").write_text("quorum none\n")
    other = careplane(*asked, code=1, CAREPLANE_LEDGER_POLICY=str(tmp_path / "policy"))
    assert "does not name this log: add the line `log careplane.invalid/" in other


@pytest.mark.timeout(240)
def test_the_log_moves_to_a_database_and_back(tmp_path: Path) -> None:
    data, back = tmp_path / "data", tmp_path / "back"
    careplane("init", "--data", str(data))
    source = write(tmp_path / "p.ndjson", *(patient(f"p{n}") for n in range(700)))
    careplane("import", str(source), "--data", str(data))
    with server.serving(data):
        until(lambda: status(data, "")["waiting"] == 0 and (data / "ledger.anchor").exists())
    before = status(data, "")
    url = postgres.url()
    careplane("migrate-store", "--to", url, "--data", str(data), "--quiet")
    assert status(data, url) == before
    found = careplane("ledger", "verify", "--json", "--data", str(data), CAREPLANE_DATABASE=url)
    assert (json.loads(found)["problems"], json.loads(found)["versions"]) == ([], 700)
    back.mkdir()
    for name in ("careplane.key", "ledger.anchor"):
        shutil.copy(data / name, back / name)
    careplane("migrate-store", "--from", url, "--data", str(back), "--quiet")
    assert status(back, "") == before
    with server.serving(back) as running, client(running) as http:
        done = http.put("Patient/p", json=patient("p"), headers={"prefer": "receipt"})
        assert "x-receipt" in done.headers
    said = careplane("ledger", "verify", "--json", "--data", str(back))
    assert json.loads(said)["problems"] == []
