"""The command line as a newcomer uses it, in processes of its own."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tools import warm

XHTML = "http://www.w3.org/1999/xhtml"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}


def careplane(*words: str, stdin: bytes = b"", code: int = 0, **more: str) -> str:
    """Run a command; its standard output. `code` is the exit code that it must end with; `more` are
    environment variables."""
    done = warm.run([*words], ENVIRONMENT | more, stdin)
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return (done.stdout if code == 0 or done.stdout else done.stderr).decode()


@pytest.fixture
def data(tmp_path: Path) -> str:
    folder = str(tmp_path / "data")
    careplane("init", "--data", folder)
    return folder


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, **more}


def created(resource: dict[str, Any], full_url: str) -> dict[str, Any]:
    asked = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": full_url, "resource": resource, "request": asked}


def write(path: Path, *resources: Any) -> Path:
    lines = b"\n".join(json.dumps(r).encode() for r in resources)
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return path


def test_a_record_goes_in_is_found_changed_and_removed(data: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", patient("p1", name=[{"family": "Okafor"}]))
    assert '"versionId": "1"' in careplane("fhir", "put", str(path), "--data", data)
    assert "Okafor" in careplane("fhir", "get", "Patient/p1", "--data", data)
    found = json.loads(careplane("fhir", "search", "Patient", "name=okaf", "--data", data))
    assert [e["resource"]["id"] for e in found["entry"]] == ["p1"]
    careplane("fhir", "delete", "Patient/p1", "--dry-run", "--data", data)
    careplane("fhir", "get", "Patient/p1", "--data", data)
    careplane("fhir", "delete", "Patient/p1", "--data", data)
    assert "deleted" in careplane("fhir", "get", "Patient/p1", "--data", data, code=1)


def test_full_text_search_is_switched_on_over_what_is_there(data: str, tmp_path: Path) -> None:
    def told(n: int) -> dict[str, str]:
        return {"status": "generated", "div": f'<div xmlns="{XHTML}">Told of nr{n}</div>'}

    def found(code: int = 0) -> Any:
        asked = ("fhir", "search", "Patient", "_text=told nr7*", "--data", data)
        return careplane(*asked, code=code, CAREPLANE_FULL_TEXT="true")

    many = [patient(f"p{n}", text=told(1000 + n)) for n in range(150)]
    careplane("import", str(write(tmp_path / "a.ndjson", *many)), "--keep-ids", "--data", data)
    assert "careplane reindex" in found(code=1)
    assert "150 changed" in careplane("reindex", "--data", data, CAREPLANE_FULL_TEXT="true")
    assert "entry" not in json.loads(found())
    more = [patient(f"q{n}", text=told(n)) for n in range(600, 750)]
    path = str(write(tmp_path / "b.ndjson", *more))
    careplane("import", path, "--keep-ids", "--data", data, CAREPLANE_FULL_TEXT="true")
    assert len(json.loads(found())["entry"]) == 50
    assert "CAREPLANE_FULL_TEXT=true" in careplane(
        "fhir", "search", "Patient", "_text=told", "--data", data, code=1
    )


def test_validate_says_what_is_wrong_and_where(data: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", {"resourceType": "Patient", "birthDate": "2023-02-30"})
    said = careplane("fhir", "validate", str(path), "--data", data, code=1)
    assert "Patient.birthDate" in said
    good = json.dumps({"resourceType": "Patient"}).encode()
    careplane("fhir", "validate", "-", "--data", data, stdin=good)


def test_an_unknown_parameter_is_an_error(data: str) -> None:
    assert "naem" in careplane("fhir", "search", "Patient", "naem=x", "--data", data, code=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of every kind: one with a bad line, one that is bad, one that refers inside itself."""
    folder = tmp_path / "in"
    folder.mkdir()
    bad = {"resourceType": "Patient", "x": 1}
    write(folder / "a.ndjson.gz", patient("a1"), patient("a2"), bad)
    write(folder / "b.json", {"resourceType": "Patient", "birthDate": "no"})
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "urn:uuid:1"},
    }
    entries = [created(patient("c1"), "urn:uuid:1"), created(observation, "urn:uuid:2")]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    write(folder / "c.json", bundle)
    (folder / "notes.txt").write_text("not a resource")
    return folder


def test_import_counts_and_names_failures(data: str, folder: Path) -> None:
    said = json.loads(careplane("import", str(folder), "--json", "--data", data, code=1))
    assert said["stored"] == {"Patient": 3, "Observation": 1}
    assert [Path(f["path"]).name for f in said["failures"]] == ["a.ndjson.gz", "b.json"]
    assert "line 3" in said["failures"][0]["reason"]


def test_import_can_be_repeated(data: str, folder: Path) -> None:
    for more in ([], [], ["--again"]):
        careplane("import", str(folder), "--json", "--data", data, *more, code=1)
    words = ("fhir", "search", "Patient", "_total=accurate", "--data", data)
    assert json.loads(careplane(*words))["total"] == 3
    history = json.loads(careplane("fhir", "get", "Patient/a1/_history", "--data", data))
    assert history["total"] == 1


def test_an_import_that_is_killed_goes_on_without_a_duplicate(data: str, tmp_path: Path) -> None:
    many = [patient(f"p{number}", active=True) for number in range(8000)]
    path = write(tmp_path / "many.ndjson", *many)
    words = [sys.executable, "-m", "careplane", "import", str(path), "--data", data]
    running = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    journal = Path(data) / "imports.jsonl"
    while not (journal.exists() and journal.read_text().count("\n") >= 2):
        assert not running.poll()
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    said = json.loads(careplane("import", str(path), "--json", "--data", data))
    assert said["known"]["Patient"] >= 2000
    assert said["known"]["Patient"] + said["stored"].get("Patient", 0) == 8000
    words = ["fhir", "search", "Patient", "_summary=count", "--data", data]
    assert json.loads(careplane(*words))["total"] == 8000


def test_export_and_import_are_inverse(data: str, tmp_path: Path) -> None:
    source = write(tmp_path / "p.ndjson", *(patient(f"p{number}") for number in range(5)))
    careplane("import", str(source), "--data", data)
    said = json.loads(careplane("export", str(tmp_path / "out"), "--json", "--data", data))
    assert said["counts"] == {"Patient": 5}
    other = str(tmp_path / "other")
    careplane("init", "--data", other)
    careplane("import", str(tmp_path / "out"), "--data", other)
    assert "p3" in careplane("fhir", "get", "Patient/p3", "--data", other)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("token", "--scope", "system/*"), "not a SMART scope"),
        (("token", "--scope", "patient/*.rs"), "--patient"),
        (("token", "--user", "Device/1", "--scope", "user/*.rs"), "no person"),
        (("token", "--user", "Practitioner/1", "--scope", "user/*.rs"), "--role"),
        (("token", "--user", "Patient/1", "--patient", "2", "--scope", "patient/*.rs"), "own"),
        (("token", "--user", "Patient/1", "--scope", "patient/*.rs"), "no such Patient"),
        (("client", "add", "X", "--scope", "patient/*.rs"), "redirect URI"),
        (("client", "add", "X", "--public", "--scope", "system/*.rs"), "redirect URI"),
        (("import", "nowhere"), "does not exist"),
        (("fhir", "get", "Patient/none"), "no such Patient"),
        (("fhir", "put", "nowhere.json"), "No such file"),
    ],
)
def test_a_refusal_says_why(words: tuple[str, ...], said: str, data: str) -> None:
    assert said in careplane(*words, "--data", data, code=1)


@pytest.mark.parametrize("words", ["serve", "token --scope system/*.rs", "fhir get Patient/1"])
def test_a_folder_without_a_key_says_how_to_make_one(words: str, tmp_path: Path) -> None:
    assert "careplane init" in careplane(*words.split(), "--data", str(tmp_path), code=1)


def test_doctor_finds_a_key_that_others_can_read(data: str) -> None:
    found = json.loads(careplane("doctor", "--json", "--data", data))
    assert {f["name"]: f["state"] for f in found}["key"] == "good"
    (Path(data) / "careplane.key").chmod(0o644)
    assert "chmod 600" in careplane("doctor", "--data", data, code=1)


def test_version_prints_the_version() -> None:
    assert json.loads(careplane("version", "--json"))["version"].count(".") == 2


FAILING = """
from careplane.app.cli import main
from careplane.records.jobs.runner import Runner

tidy = Runner.tidy

async def fails_once(self):
    Runner.tidy = tidy
    raise ValueError("a patient's name")

Runner.tidy = fails_once
main()
"""


def test_what_a_service_logs_spoils_no_output(data: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING, "reindex", "--json", "--data", data],
        capture_output=True,
        env=ENVIRONMENT,
        timeout=100,
    )
    assert json.loads(done.stdout)["state"] == "done"
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert told["level"] == "error"
    assert told["event"].startswith("A service has failed and is begun again: ValueError at")
    assert "patient" not in told["event"]


def test_policies_are_checked_shown_and_stop_a_start(data: str, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    mine = folder / "mine.cedar"
    mine.write_text("// mine\npermit (principal, action, resource is Patinet);\n")
    for words in (("policy", "check"), ("fhir", "get", "metadata", "--data", data)):
        refusal = careplane(*words, code=1, CAREPLANE_POLICIES=str(folder))
        assert "'Patinet' is not a FHIR R4 resource type. (mine.cedar:2)" in refusal
    mine.write_text(
        '@hides("Patient.telecom") permit (principal in Role::"x", action == Action::"read", '
        "resource is Patient);"
    )
    checked = careplane("policy", "check", "--policies", str(folder), "--json")
    assert "mine.cedar" in json.loads(checked)["files"]
    shown = careplane(
        "policy", "show", "--role", "x", "--type", "Patient", "--policies", str(folder)
    )
    assert "read    always mine.cedar:1\n" in shown
    assert "update  never\n" in shown
    assert "hidden, at most: telecom\n" in shown
    ward = careplane("policy", "show", "--role", "ward-nurse", "--type", "Patient", "--json")
    assert {one["action"]: one["allowed"] for one in json.loads(ward)}["search"] == "where"
